"""SDKs are loaded one at a time. Steps run side by side and each loads what it needs: several that load
at once take no less time, and leave little of the interpreter to who draws the screen."""

from __future__ import annotations

from threading import RLock

one_at_a_time = RLock()
