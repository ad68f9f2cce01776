"""Whoever decides in the demo, and whoever looks over their shoulder."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from musterwerk.approvals import Reply
from musterwerk.shop.demo import approvers
from musterwerk.shop.demo.approvers import Approvers
from musterwerk.shop.demo.auditor import Auditor
from musterwerk.shop.demo.releases import Way
from musterwerk.shop.names import letters_queue
from musterwerk.shop.staff import hire
from musterwerk.store import InboxTable, Store, database_url
from musterwerk.store.inbox import RequestRow, Telling
from tests.shop.desk import Desk, order
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Yes:
    """A request that takes every decision of everybody."""

    def __init__(self, *_: object) -> None:
        self.taken = 0

    def __class_getitem__(cls, _: object) -> type[Yes]:
        return cls

    async def approve(self, **_: object) -> Reply:
        self.taken += 1
        return Reply(act_id=f"act-{self.taken}", verdict="applied", message="yes")

    async def reject(self, _: str, **_options: object) -> Reply:
        return await self.approve()


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("at_once", "applied and closed were due to at_once, and the answer was applied"),
        ("twice", "the same act got another answer, and the answer was applied"),
        ("twice", "applied and closed were due to twice, and the answer was applied"),
    ],
)
async def test_answers_that_nobody_should_get_are_violations(
    way: Way, sentence: str, monkeypatch: pytest.MonkeyPatch, desk: Desk, tmp_path: Path
) -> None:
    """A decision that counts twice would ship nothing wrong, and only its approvers notice."""
    monkeypatch.setattr(approvers, "ApprovalHandle", Yes)
    staff = Store(database_url(tmp_path, {}))
    hire(staff)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    InboxTable(staff).write(waiting("order-approval:o-1", at), at)
    on_duty = Approvers(desk.client, tmp_path, {"o-1": way}, seed=1)
    deciding = asyncio.create_task(on_duty.decide_all(lambda: bool(on_duty.violations)))
    await until(lambda: any(sentence in one for one in on_duty.violations))
    InboxTable(staff).clear()
    await deciding
    on_duty.close()
    staff.close()


def waiting(request_id: str, at: datetime) -> Telling:
    status = {"request_id": request_id, "digest": "d", "state": "open"}
    row = RequestRow(
        id=request_id,
        namespace="default",
        run_id="run",
        subject="Ship it",
        requester="shop",
        state="open",
        is_open=True,
        revision=1,
        version=1,
        created_at=at,
        expires_at=at,
        status=status,
    )
    return Telling(row, seats=("group:shop-managers",))


async def test_the_trail_of_the_desk_is_compared_and_a_changed_one_is_found(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.place(order("trailed", cents=250_00))
    await (await desk.asked("trailed")).approve(by="mona")
    await desk.ended("trailed")
    queue = letters_queue(desk.stack.options.task_queue)
    number = desk.rows("musterwerk", "SELECT count(*) FROM musterwerk_requests")[0][0]
    found = Auditor(desk.stack.options.server, desk.data, queue)
    await found.verify()
    assert list(found.violations(number)) == []
    (missing,) = found.violations(number + 1)
    assert f"Of {number + 1} requests only {number} could be compared" in missing
    file = tmp_path / "musterwerk.sqlite"
    with (
        closing(sqlite3.connect(file)) as copy,
        closing(sqlite3.connect(desk.data / "musterwerk.sqlite")) as original,
    ):
        original.backup(copy)
    shutil.copytree(desk.data / "audit", tmp_path / "audit")
    with closing(sqlite3.connect(file)) as copy, copy:
        triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
        for (name,) in copy.execute(triggers).fetchall():
            copy.execute(f"DROP TRIGGER {name}")
        copy.execute("UPDATE musterwerk_audit SET actor = 'mara' WHERE event = 'decided'")
    found = Auditor(desk.stack.options.server, tmp_path, queue)
    await found.verify()
    (broken,) = found.violations(number)
    assert "could not be verified" in broken
