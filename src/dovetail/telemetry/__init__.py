"""What happens with what the working layers report: today log lines, later metrics and a request journal."""

from dovetail.telemetry.log_observer import LogObserver

__all__ = ["LogObserver"]
