"""`/metrics` for Prometheus: what became of due times, how late runs begin, how the monitor is."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from musterwerk.console.auth import CallerDep, ServicesDep
from musterwerk.console.problems import documented
from musterwerk.store.ledger_metrics import LedgerMetrics, ledger_metrics

router = APIRouter(tags=["service"])


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses=documented("unauthorized"),
)
def metrics(caller: CallerDep, services: ServicesDep) -> Response:
    """In Prometheus' text format; whoever scrapes it sends a token."""
    with services.store.read() as connection:
        found = ledger_metrics(connection)
    registry = CollectorRegistry()
    registry.register(_Ledger(found))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Ledger(Collector):
    def __init__(self, found: LedgerMetrics) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        found = self._found
        # No counter: a verdict is given again when more is known, and moves from one to another.
        fires = GaugeMetricFamily(
            "musterwerk_schedule_fires",
            "Due times in the ledger, by what became of them.",
            labels=["verdict", "owner"],
        )
        for (owner, verdict), count in found.fires.items():
            fires.add_metric([verdict, owner], count)
        yield fires
        yield HistogramMetricFamily(
            "musterwerk_schedule_lateness_seconds",
            "From the due time to the start of the run.",
            buckets=found.late_buckets,
            sum_value=found.late_sum,
        )
        states = GaugeMetricFamily("musterwerk_schedules", "Schedules of ours.", labels=["state"])
        for state, count in found.schedules.items():
            states.add_metric([state], count)
        yield states
        if found.good_until is not None:
            yield GaugeMetricFamily(
                "musterwerk_schedule_monitor_good_until_seconds",
                "Up to when the monitor has looked at everything, in seconds since 1970.",
                value=found.good_until.timestamp(),
            )
