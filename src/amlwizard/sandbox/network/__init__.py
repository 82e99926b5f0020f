"""DNS, VNETs, firewalls and load balancers: how Azure's host names are resolved and reached."""
