"""Who is told what happens, and what is kept of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from dovetail.access.access import Access
from dovetail.core.observe import Observer
from dovetail.gateway.counting import Counting
from dovetail.gateway.feeds import Nudge
from dovetail.gateway.journal_feed import Ended
from dovetail.settings import JournalSettings, Settings
from dovetail.telemetry import LogObserver, Observers, journal
from dovetail.telemetry.hub import Hub
from dovetail.telemetry.journal import Journal
from dovetail.telemetry.log_file import LogFile
from dovetail.telemetry.log_lines import LogLines, tapped
from dovetail.telemetry.metrics import Metrics
from dovetail.telemetry.traces import Traces, exporter, wanted


@dataclass(frozen=True, slots=True)
class Insight:
    """`observer` is what the working layers report to; `lines` are the last of the log."""

    observer: Observer = field(default_factory=Observer)
    hub: Hub = field(default_factory=Hub)
    metrics: Metrics = field(default_factory=lambda: Metrics(bool))
    nudge: Nudge = field(default_factory=Nudge)
    journal: Journal = field(default_factory=lambda: Journal(None, JournalSettings()))
    lines: LogLines = field(default_factory=LogLines)
    file: LogFile | None = None
    traces: Traces | None = None

    def reconfigure(self, settings: Settings) -> None:
        """Other settings, for what happens from now on."""
        self.journal.settings = settings.journal
        if self.file is not None:
            self.file.settings = settings.log

    async def run(self) -> None:
        """Writes down what comes, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.journal.run(), name="journal")
            if self.file is not None:
                tasks.create_task(self.file.run(), name="log file")
            if self.traces is not None:
                tasks.create_task(self.traces.run(), name="traces")


@asynccontextmanager
async def insight(
    settings: Settings, access: Access, known: Callable[[str], bool], more: Sequence[Observer]
) -> AsyncGenerator[Insight, None]:
    """Gathers while the context is open, and has written it all when it is left; `more` are told beside the rest.

    `known` tells whether there is a model of that id, and must not block.

    Raises TracesUnavailable.
    """
    sent = await asyncio.to_thread(_traces, settings)
    kept = await asyncio.to_thread(journal.opened, settings.home, settings.journal)
    with tapped() as lines:
        file = LogFile(settings.home / "logs", lines, settings.log)
        try:
            hub, counted, nudge = Hub(), Metrics(known), Nudge()
            told = [Counting(access), LogObserver(), counted, nudge, kept, Ended(hub), *([sent] if sent else []), *more]
            yield Insight(Observers(*told), hub, counted, nudge, kept, lines, file, sent)
        finally:
            if sent is not None:
                await sent.aclose()
            await kept.aclose()
            await file.write()


def _traces(settings: Settings) -> Traces | None:
    endpoint = settings.traces.endpoint
    return Traces(exporter(endpoint)) if wanted(endpoint, os.environ) else None
