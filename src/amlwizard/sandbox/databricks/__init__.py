"""Databricks: the REST API of its workspaces, and the drivers of their clusters."""
