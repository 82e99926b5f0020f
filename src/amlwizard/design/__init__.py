"""The design of a recipe's platform: names and ids, subnets, security groups, private endpoints.

Shared by `steps`, which builds the platform, `posture`, which compares the real platform with the
design, and `preflight` and `teardown`, which look for existing resources.
"""
