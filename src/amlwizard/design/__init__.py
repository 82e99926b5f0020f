"""What the platform of a recipe is: its names and ids, subnets, security groups, private endpoints.

`steps` builds it, `posture` holds what is there against it, `preflight` and `teardown` look for it:
all of them read it here.
"""
