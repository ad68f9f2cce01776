"""What Prometheus is told."""

from __future__ import annotations

from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families

from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, FireRow, WatchRow
from tests.console.office import Office
from tests.ledgers import NOON, schedule_row


def _ran(minute: int, late: float, verdict: str = "ran") -> FireRow:
    due = NOON + timedelta(minutes=minute)
    began = due + timedelta(seconds=late)
    return FireRow("report", due, verdict, "finance", status="Completed", started_at=began)


async def test_fires_by_verdict_and_lateness(office: Office) -> None:
    row = schedule_row(paused=True)
    table = LedgerTable(office.services.store)
    missed = FireRow("report", NOON + timedelta(minutes=9), "missed", "finance")
    fires = (_ran(0, 0.5), _ran(1, 4), _ran(2, 7200, "late"), missed)
    table.write([Entry(row, fires=fires)])
    table.write([Entry(row, fires=fires)])  # the same again counts once
    table.note_watch(WatchRow("default", NOON, NOON, 1, 5))
    answer = await office("anna").get(f"{office.url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    found = {
        (one.name, *sorted(one.labels.values())): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }
    assert found["musterwerk_schedule_fires", "finance", "ran"] == 2
    assert found["musterwerk_schedule_fires", "finance", "missed"] == 1
    assert found["musterwerk_schedule_lateness_seconds_bucket", "1"] == 1
    assert found["musterwerk_schedule_lateness_seconds_bucket", "5"] == 2
    assert found["musterwerk_schedule_lateness_seconds_bucket", "+Inf"] == 3
    assert found["musterwerk_schedule_lateness_seconds_sum",] == 7204.5
    assert found["musterwerk_schedules", "paused"] == 1
    assert found["musterwerk_schedule_monitor_good_until_seconds",] == NOON.timestamp()


async def test_figures_are_not_for_everybody(office: Office) -> None:
    assert (await office(None).get(f"{office.url}/metrics")).status_code == 401
