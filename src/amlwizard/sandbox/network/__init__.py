"""How names and addresses of Azure are resolved and reached, outside and inside a VNET."""
