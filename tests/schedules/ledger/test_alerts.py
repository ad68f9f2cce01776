"""People are told once when it begins and once when it is well again, by real mail and webhook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from musterwerk.notify import Settings
from musterwerk.schedules.ledger.incidents import SKIPS, Circumstances, Skips, incidents
from musterwerk.schedules.ledger.telling import Teller
from musterwerk.store import Store
from musterwerk.store.incident_table import IncidentTable
from musterwerk.store.ledger import LedgerTable
from musterwerk.store.ledger_rows import Entry, FireRow, IncidentRow
from tests.ledgers import NOON, schedule_row
from tests.receivers import mail_server, webhook_server

MINUTE = timedelta(minutes=1)
GRACE = 2 * MINUTE
ROW = schedule_row()


def fire(minutes: int, verdict: str, status: str | None = None) -> FireRow:
    return FireRow("report", NOON + minutes * MINUTE, verdict, status=status)


def ran(minutes: int) -> FireRow:
    return fire(minutes, "ran", "Completed")


def changes(
    judged: Sequence[FireRow], open_one: IncidentRow | None = None, *, paused: bool = False
) -> list[IncidentRow]:
    known = Circumstances(
        now=NOON + timedelta(hours=1), paused=paused, grace=GRACE, last_good_at=NOON - MINUTE
    )
    return incidents(judged, open_one, known)[0]


def test_one_incident_however_much_goes_wrong() -> None:
    (opened,) = changes([fire(3, "failed", "Failed"), fire(1, "missed"), fire(2, "late")])
    assert (opened.due, opened.verdict, opened.to_tell) == (NOON + MINUTE, "missed", "open")
    assert opened.last_good_at == NOON - MINUTE
    assert changes([fire(4, "missed")], opened) == []


def test_it_is_over_with_the_next_run_that_goes_well() -> None:
    (opened,) = changes([fire(1, "missed")])
    assert changes([fire(2, "ran", "Running"), fire(2, "skipped")], opened) == []
    assert changes([ran(0)], opened) == []  # an earlier one that ended late
    (closed,) = changes([ran(2)], opened)
    assert (closed.recovered_due, closed.to_tell) == (NOON + 2 * MINUTE, "closed")


def test_what_was_missed_and_is_made_up_for_is_over() -> None:
    (opened,) = changes([fire(1, "missed")])
    (closed,) = changes([fire(1, "late", "Completed")], opened)
    assert (closed.recovered_due, closed.to_tell) == (NOON + MINUTE, "closed")


def test_over_and_once_more_are_two() -> None:
    first, second = changes([fire(1, "missed"), ran(2), fire(3, "failed", "Failed")])
    assert (first.to_tell, second.to_tell) == ("closed", "open")
    assert second.last_good_at == NOON + 2 * MINUTE


@pytest.mark.parametrize("verdict", ["waiting", "ran", "skipped", "paused", "before_update"])
def test_of_some_verdicts_nobody_is_told(verdict: str) -> None:
    assert changes([fire(1, verdict)]) == []


def test_quiet_while_paused_but_for_what_failed() -> None:
    assert changes([fire(1, "missed"), fire(2, "late")], paused=True) == []
    assert len(changes([fire(1, "failed", "Failed")], paused=True)) == 1


def skipped(*minutes: float) -> list[FireRow]:
    reason = "the run of 2026-11-28 12:00:00 UTC still went on"
    return [FireRow("report", NOON + at * MINUTE, "skipped", reason=reason) for at in minutes]


def test_many_skipped_in_a_row_are_one_incident() -> None:
    """A run that hangs keeps all others out, and none of them is late or missed."""
    assert SKIPS == 3
    assert changes(skipped(1, 2, 3)) == []
    (opened,) = changes(skipped(1, 2, 3, 4))
    assert (opened.due, opened.verdict) == (NOON + MINUTE, "skipped")
    assert opened.reason.startswith("4 due times in a row were skipped: the run of 2026-11-28")
    assert changes(skipped(5), opened) == []
    (closed,) = changes([ran(6)], opened)
    assert closed.to_tell == "closed"
    assert changes(skipped(1, 2, 3, 4), paused=True) == []


def test_what_is_skipped_in_less_than_the_grace_is_as_meant() -> None:
    """Every ten seconds, and a run of half a minute: nobody has to get up for that."""
    several = [at / 6 for at in range(1, 14)]
    assert changes(skipped(*several[:12])) == []
    assert len(changes(skipped(*several))) == 1


def test_only_in_a_row_and_over_several_looks() -> None:
    """Nor does the end of the run that kept them out count as one between."""
    assert changes([*skipped(1, 2), ran(3), *skipped(4, 5)]) == []
    assert len(changes([*skipped(2, 3, 4, 5), fire(1, "failed", "Failed")])) == 1
    skips, opened = None, list[IncidentRow]()
    for one in skipped(1, 2, 3, 3, 4):
        known = Circumstances(now=NOON, paused=False, grace=GRACE, skips=skips)
        more, skips = incidents([one], None, known)
        opened += more
    assert skips == Skips(4, NOON + MINUTE, NOON + 4 * MINUTE)
    assert len(opened) == 1


@pytest.fixture
def table(store: Store) -> LedgerTable:
    return LedgerTable(store)


def opened(*, told_to: tuple[str, ...] = ()) -> IncidentRow:
    (found,) = changes([replace(fire(1, "missed"), reason="there is no run")])
    return replace(found, told_to=told_to)


async def test_the_operators_are_told_once(table: LedgerTable) -> None:
    table.write([Entry(ROW, incidents=(opened(),))])
    async with mail_server() as mails:
        with webhook_server() as hook:
            settings = Settings.from_environment(
                {
                    "MUSTERWERK_SMTP": f"smtp://127.0.0.1:{mails.port}",
                    "MUSTERWERK_MAIL_FROM": "musterwerk@example.com",
                    "MUSTERWERK_ALERT_MAIL": "ops@example.com",
                    "MUSTERWERK_ALERT_WEBHOOK": hook.url,
                }
            )
            await Teller(IncidentTable(table.store), settings).tell()
            await Teller(IncidentTable(table.store), settings).tell()
            (mail,) = mails.mails
            assert mail["Subject"] == "report: missed, due 2026-11-28 12:01:00 UTC"
            text = mail.get_body(("plain",))
            assert text is not None
            assert "Last good run:  2026-11-28 11:59:00 UTC" in text.get_content()
            assert "musterwerk schedules ledger report" in text.get_content()
            ((_, posted),) = hook.posts
            assert (posted["schedule"], posted["verdict"], posted["kind"]) == (
                "report",
                "missed",
                "open",
            )
            (closed,) = changes([ran(2)], opened())
            table.write([Entry(ROW, incidents=(closed,))])
            await Teller(IncidentTable(table.store), settings).tell()
            assert "report is well again (it was missed" in mails.mails[1]["Subject"]
            assert [one["kind"] for _, one in hook.posts] == ["open", "closed"]


async def test_a_schedule_has_recipients_of_its_own(table: LedgerTable) -> None:
    async with mail_server() as mails:
        with webhook_server() as own, webhook_server() as everybody:
            settings = Settings.from_environment(
                {
                    "MUSTERWERK_SMTP": f"smtp://127.0.0.1:{mails.port}",
                    "MUSTERWERK_MAIL_FROM": "musterwerk@example.com",
                    "MUSTERWERK_ALERT_WEBHOOK": everybody.url,
                    "MUSTERWERK_LANGUAGE": "de",
                }
            )
            told_to = ("finance@example.com", own.url)
            table.write([Entry(ROW, incidents=(opened(told_to=told_to),))])
            await Teller(IncidentTable(table.store), settings).tell()
            assert mails.mails[0]["To"] == "finance@example.com"
            assert mails.mails[0]["Subject"].startswith("report: ausgefallen, fällig")
            assert (len(own.posts), len(everybody.posts)) == (1, 0)


async def test_who_could_not_be_told_is_told_later_and_the_others_not_again(
    table: LedgerTable,
) -> None:
    now = [NOON + timedelta(hours=1)]
    with webhook_server() as down, webhook_server() as up:
        down.answers = [503, 503]
        table.write([Entry(ROW, incidents=(opened(told_to=(down.url, up.url)),))])
        for _ in range(3):
            await Teller(IncidentTable(table.store), Settings(), lambda: now[0]).tell()
        assert (len(down.posts), len(up.posts)) == (1, 1)  # not again at once
        for _ in range(3):
            now[0] += timedelta(minutes=1)
            await Teller(IncidentTable(table.store), Settings(), lambda: now[0]).tell()
        assert (len(down.posts), len(up.posts)) == (3, 1)
        assert len({key for key, _ in down.posts}) == 1  # its key says that it is the same
        assert IncidentTable(table.store).to_tell(NOON + timedelta(days=9)) == []


async def test_where_nobody_of_its_own_can_be_told_the_operators_are(table: LedgerTable) -> None:
    """A team's webhook has moved, or its mail server puts us off: nobody would ever know."""
    now = [NOON + timedelta(hours=1)]
    with webhook_server() as gone, webhook_server() as operators:
        gone.answers = [410] * 1000
        table.write([Entry(ROW, incidents=(opened(told_to=(gone.url,)),))])
        settings = Settings.from_environment({"MUSTERWERK_ALERT_WEBHOOK": operators.url})
        for _ in range(5):
            await Teller(IncidentTable(table.store), settings, lambda: now[0]).tell()
            now[0] += timedelta(hours=7)
        assert len(operators.posts) == 1
        assert (
            IncidentTable(table.store).to_tell(NOON + timedelta(days=9)) == []
        )  # given up after a day


async def test_a_dead_target_silences_nobody_else(table: LedgerTable) -> None:
    now = [NOON + timedelta(hours=1)]
    with webhook_server() as dead, webhook_server() as well:
        dead.answers = [503] * 10_000
        several = [replace(opened(told_to=(dead.url,)), id=f"i{n}") for n in range(150)]
        newer = replace(
            opened(told_to=(well.url,)), id="newer", opened_at=NOON + timedelta(hours=2)
        )
        table.write([Entry(ROW, incidents=(*several, newer))])
        for _ in range(2):
            await Teller(IncidentTable(table.store), Settings(), lambda: now[0]).tell()
        assert len(well.posts) == 1
