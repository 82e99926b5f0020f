"""The control API under /_sandbox, and the faults that it plants."""

from amlwizard.sandbox.control.api import ControlApi
from amlwizard.sandbox.control.exchanges import Exchanges

__all__ = ["ControlApi", "Exchanges"]
