"""The shapes of the events of `/api/v1/events`, by topic and type."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import RootModel

from dovetail.bench.figures import State
from dovetail.bench.run import Progress
from dovetail.gateway.admin.downloads import DownloadAnswer
from dovetail.gateway.admin.logs import LogLine
from dovetail.gateway.answers import Answer
from dovetail.gateway.figures import ModelFigures, Reading, RequestAnswer
from dovetail.gateway.journal_feed import EndedRequest
from dovetail.telemetry.hub import Topic
from dovetail.telemetry.log_lines import Source


class Event(Answer):
    """Base of the events; `seq` counts up over all topics, and is the event's `id` where a client may go on from it."""

    seq: int


class Resync(Event):
    """More has happened than is kept: what the client knows of the topic is void, its snapshot follows."""

    topic: Topic
    type: Literal["resync"]
    data: dict[str, object]


class MetricsEvent(Event):
    """The figures of now: at the beginning, once a second, and when a model's state changes."""

    topic: Literal["metrics"]
    type: Literal["snapshot", "sample"]
    data: Reading


class ModelsData(Answer):
    """Every model that was asked for since the start."""

    models: list[ModelFigures]


class ModelsSnapshot(Event):
    """All models."""

    topic: Literal["models"]
    type: Literal["snapshot"]
    data: ModelsData


class ModelChanged(Event):
    """A model as it is now."""

    topic: Literal["models"]
    type: Literal["changed"]
    data: ModelFigures


class ModelName(Answer):
    """A model by its name."""

    id: str


class ModelGone(Event):
    """A model that is no more."""

    topic: Literal["models"]
    type: Literal["gone"]
    data: ModelName


class NothingMore(Answer):
    """Nothing is said beside that it is so."""


class ModelsListed(Event):
    """A model has come, gone, or has other settings: `GET /api/v1/models` lists them."""

    topic: Literal["models"]
    type: Literal["listed"]
    data: NothingMore


class DownloadsData(Answer):
    """Every download, the newest first."""

    downloads: list[DownloadAnswer]


class DownloadsSnapshot(Event):
    """All downloads."""

    topic: Literal["downloads"]
    type: Literal["snapshot"]
    data: DownloadsData


class DownloadChanged(Event):
    """A download as it is now: in another state, or further."""

    topic: Literal["downloads"]
    type: Literal["changed", "progress"]
    data: DownloadAnswer


class DownloadGone(Event):
    """A download that was taken off the list."""

    topic: Literal["downloads"]
    type: Literal["gone"]
    data: ModelName


class RequestsData(Answer):
    """The requests under way that the caller may see."""

    requests: list[RequestAnswer]


class RequestsSnapshot(Event):
    """All of them."""

    topic: Literal["requests"]
    type: Literal["snapshot"]
    data: RequestsData


class RequestChanged(Event):
    """A request as it is now."""

    topic: Literal["requests"]
    type: Literal["changed"]
    data: RequestAnswer


class RequestNumber(Answer):
    """A request by its number."""

    number: int


class RequestEnded(Event):
    """A request that has ended, as the journal shows it; one that was refused before it reached a model has none."""

    topic: Literal["requests"]
    type: Literal["ended"]
    data: EndedRequest


class RequestGone(Event):
    """A request that has ended."""

    topic: Literal["requests"]
    type: Literal["gone"]
    data: RequestNumber


class NumberedLine(LogLine):
    """A line of the log with its number, as `log_after` has it."""

    number: int
    source: Source


class LogLines(Answer):
    """Lines, and how many between them and those before are no longer kept."""

    lines: list[NumberedLine]
    dropped: int


class LogsEvent(Event):
    """The last lines, or more of them."""

    topic: Literal["logs"]
    type: Literal["snapshot", "lines"]
    data: LogLines


class BenchmarkUnderWay(Answer):
    """A benchmark without its figures; `progress` is null once it has ended."""

    id: str
    state: State
    error: str | None
    progress: Progress | None


class BenchmarksData(Answer):
    """The benchmark that runs, if one does."""

    running: BenchmarkUnderWay | None


class BenchmarksSnapshot(Event):
    """What runs."""

    topic: Literal["bench"]
    type: Literal["snapshot"]
    data: BenchmarksData


class BenchmarkEvent(Event):
    """A benchmark that goes on, or that has ended."""

    topic: Literal["bench"]
    type: Literal["progress", "ended"]
    data: BenchmarkUnderWay


_Any: TypeAlias = (
    MetricsEvent
    | ModelsSnapshot
    | ModelChanged
    | ModelGone
    | ModelsListed
    | DownloadsSnapshot
    | DownloadChanged
    | DownloadGone
    | RequestsSnapshot
    | RequestChanged
    | RequestEnded
    | RequestGone
    | Resync
    | LogsEvent
    | BenchmarksSnapshot
    | BenchmarkEvent
)


class HubEvent(RootModel[_Any]):
    """One event."""
