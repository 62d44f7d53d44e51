"""All that is counted and all that stands now, in Prometheus' text form."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dovetail.telemetry.families import FAMILIES, Family, Told
from dovetail.telemetry.metrics import Histogram, Metrics
from dovetail.telemetry.standing import Now

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exposition:
    """Shows `metrics`, and beside them this process as the client library has it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)

    async def text(self, now: Now, *, full: bool, model: str | None = None) -> bytes:
        """The whole page, or what of it is about `model`, the machine and the gateway; `full`: and about callers.

        One family after the other, with room for others between them: of hundreds of models it takes a quarter second.
        """
        models = {name: counts for name, counts in self._metrics.models.items() if model in {None, name}}
        standing = tuple(each for each in now.models if model in {None, each.id})
        told, page = Told(self._metrics, now, models, standing), list[bytes]()
        for family in FAMILIES:
            if full or not family.admin:
                page.append(generate_latest(_One(_shown(family, told))))
                await asyncio.sleep(0)
        return b"".join((*page, generate_latest(self._process)))


class _One(Collector):
    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


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
