"""What happens with what the working layers report: today log lines, later metrics and a request journal."""

from dovetail.telemetry.log_observer import LogObserver
from dovetail.telemetry.observers import Observers

__all__ = ["LogObserver", "Observers"]
