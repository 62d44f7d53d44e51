"""All that is counted and all that stands now, in Prometheus' text form."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dovetail.telemetry.families import FAMILIES, Family, Told
from dovetail.telemetry.metrics import Histogram, Metrics
from dovetail.telemetry.standing import Now

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exposition(Collector):
    """Shows `metrics`, and beside them this process as the client library has it. With a registry of its own."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._told: Told | None = None
        self._full = False
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self, now: Now, *, full: bool, model: str | None = None) -> bytes:
        """The whole page, or what of it is about `model`, the machine and the gateway; `full`: and about callers."""
        models = {name: counts for name, counts in self._metrics.models.items() if model in {None, name}}
        standing = tuple(each for each in now.models if model in {None, each.id})
        self._told, self._full = Told(self._metrics, now, models, standing), full
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: names are checked by a test, not at each start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Of what `text` was given."""
        if self._told is None:
            return
        for family in FAMILIES:
            if self._full or not family.admin:
                yield _shown(family, self._told)


def _shown(family: Family, told: Told) -> Metric:
    match family.kind:
        case "counter":
            shown = CounterMetricFamily(family.name, family.help, labels=family.labels)
        case "gauge":
            shown = GaugeMetricFamily(family.name, family.help, labels=family.labels)
        case "histogram":
            return _histogram(family, told)
    for labels, value in family.values(told):
        if isinstance(value, Histogram):
            raise TypeError(f"{family.name} is a {family.kind}")
        shown.add_metric(labels, value)
    return shown


def _histogram(family: Family, told: Told) -> Metric:
    shown = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in family.values(told):
        if not isinstance(value, Histogram):
            raise TypeError(f"{family.name} is a histogram")
        shown.add_metric(labels, _buckets(value), value.sum)
    return shown


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    below, buckets = 0, list[tuple[str, float]]()
    for bound, count in zip((*map(repr, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        below += count
        buckets.append((bound, below))
    return buckets
