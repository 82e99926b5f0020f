"""Databricks: the REST API of its workspaces, and the drivers of their clusters."""

from amlwizard.sandbox.databricks.api import Databricks
from amlwizard.sandbox.databricks.drivers import Drivers

__all__ = ["Databricks", "Drivers"]
