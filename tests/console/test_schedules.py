"""Schedules over REST."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.console.office import Office, problem
from tests.console.pages.schedules import (
    DAY,
    MINUTE,
    NOON,
    ROW,
    Ledger,
    fire,
    incident,
    row,
)


@pytest.fixture
def ledger(office: Office) -> Ledger:
    return Ledger(office)


async def _all(office: Office, path: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await office.get("anna", path, **query, **({"cursor": cursor} if cursor else {}))
        items += page["items"]
        if (cursor := page["next"]) is None:
            return items


async def test_lists_are_filtered_and_paged(office: Office, ledger: Ledger) -> None:
    for name in ("a", "b", "c"):
        ledger.has(row(name, paused=name == "b"), fire(name, NOON, "missed"))
    ledger.has(row("c", flaw="no such zone"), incidents=(incident("c", NOON),))
    ledger.looked(NOON)
    assert [one["name"] for one in await _all(office, "/schedules", limit=2)] == ["a", "b", "c"]
    assert [one["name"] for one in await _all(office, "/schedules", paused=True)] == ["b"]
    (found,) = await _all(office, "/schedules", failing=True)
    assert (found["name"], found["verdict"], found["flaw"]) == ("c", "missed", "no such zone")
    page = await office.get("anna", "/schedules", owner="nobody")
    assert (page["items"], page["as_of"]) == ([], "2026-11-28T12:00:00Z")
    problem(await office(None).get("/schedules"), 401, "unauthorized")


async def test_one_schedule(office: Office, ledger: Ledger) -> None:
    """What a run is started with may be nobody else's business."""
    ledger.has(ROW, incidents=(incident("report", NOON),), coming=(NOON, NOON + DAY))
    ledger.looked(NOON)
    found = await office.get("anna", "/schedules/report")
    assert found["declared"]["when"]["cron"] == ["0 6 * * *"]
    assert "args" not in found["declared"]
    assert found["incident"]["verdict"] == "missed"
    assert found["coming"] == ["2026-11-29T12:00:00Z"]
    assert (await office.get("otto", "/schedules/report"))["declared"]["args"]
    problem(await office("anna").get("/schedules/none"), 404, "not-found")
    problem(await office("anna").get("/schedules/none/fires"), 404, "not-found")


async def test_what_became_of_due_times(office: Office, ledger: Ledger) -> None:
    times = [NOON - at * MINUTE for at in range(7)]
    ledger.has(ROW, *(fire("report", at, "late" if at == NOON else "ran") for at in times))
    found = await _all(office, "/schedules/report/fires", limit=3)
    assert [datetime.fromisoformat(one["due"]) for one in found] == times
    (late,) = await _all(office, "/schedules/report/fires", verdict="late")
    assert late["workflow_id"] == "report-1200"
    query = {"since": times[3].isoformat(), "until": times[2].isoformat()}
    assert len(await _all(office, "/schedules/report/fires", **query)) == 2
    wrong = {"verdict": "nonsense"}
    problem(await office("anna").get("/schedules/report/fires", params=wrong), 422, "invalid")


async def test_a_calendar(office: Office, ledger: Ledger) -> None:
    """Days are those of the zone that is asked for, hours too."""
    theirs = replace(fire("other", NOON, "failed"), owner="ops")
    ledger.has(ROW, fire("report", datetime.fromisoformat("2026-10-25T01:15:00+00:00")))
    ledger.has(row("other", owner="ops"), theirs, coming=(NOON + DAY,))
    ledger.looked(NOON)
    query = {"view": "day", "date": "2026-10-25", "zone": "Europe/Berlin"}
    found = await office.get("anna", "/calendar", **query)
    (day,) = found["days"]
    assert (day["date"], day["counts"], len(day["hours"])) == ("2026-10-25", {"ran": 1}, 25)
    (due,) = day["hours"][3]["dues"]
    assert due == {"schedule": "report", "due": "2026-10-25T01:15:00Z", "verdict": "ran"}
    month = await office.get("anna", "/calendar", date="2026-11-02", owner="ops")
    assert len(month["days"]) == 30
    assert month["days"][27]["counts"] == {"failed": 1}
    assert month["days"][27]["troubles"][0]["schedule"] == "other"
    assert month["days"][28]["counts"] == {"coming": 1}
    start = datetime.fromisoformat(month["days"][0]["start"])
    assert start - datetime.fromisoformat(month["days"][-1]["end"]) == -timedelta(days=30)
    for wrong in ({"zone": "Mars/Olympus"}, {"date": "0001-01-01"}, {"view": "year"}):
        problem(await office("anna").get("/calendar", params=wrong), 422, "invalid")
