"""Whoever decides in the demo, and whoever looks over their shoulder."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from musterwerk.runtime.processes import ProcessDied
from musterwerk.shop.demo import approvers
from musterwerk.shop.demo.approvers import Approvers
from musterwerk.shop.demo.auditor import Auditor
from musterwerk.shop.demo.colleague import Answer, Colleague
from musterwerk.shop.demo.console import DemoConsole
from musterwerk.shop.demo.releases import Way
from musterwerk.shop.names import musterwerk_queue
from musterwerk.shop.release import approval_id
from musterwerk.shop.staff import STAFF
from musterwerk.store import Store, TokenTable, database_url
from tests.shop.desk import Desk, order
from tests.waiting import LIMIT, until, until_async

pytestmark = pytest.mark.asyncio(loop_scope="session")


class House:
    """A console in which everything is allowed: every decision of everybody counts at once."""

    url = "http://house"

    def __init__(self) -> None:
        self.votes: list[dict[str, str]] = []
        self.open = True
        self.kills = 0

    async def kill(self) -> None:
        self.kills += 1


class Visitor:
    """A colleague in that house, who is told whatever `answer` says."""

    house: House
    answer: str

    def __init__(self, name: str, *_: object) -> None:
        self.name = name

    async def close(self) -> None: ...

    async def requests(self, **_: str) -> list[dict[str, str]]:
        return [{"request_id": REQUEST}] if self.house.open else []

    async def look(self, request_id: str) -> dict[str, Any]:
        return {"request_id": request_id, "state": "approved", "votes": self.house.votes}

    async def decide(self, _: object, outcome: str, key: str, *, reason: str = "") -> Answer:
        self.house.votes.append({"act_id": f"{len(self.house.votes)}"})
        reply = {"act_id": self.house.votes[-1]["act_id"], "state": "approved"}
        return Answer(self.answer, "yes", reply)


REQUEST = "order-approval:o-1"


@pytest.mark.parametrize(
    ("way", "answer", "sentence"),
    [
        (
            "at_once",
            "applied",
            "applied and closed were due to at_once, and the answer was applied",
        ),
        ("twice", "applied", "the same act got two answers, and the answer was applied"),
        ("twice", "applied", "applied and closed were due to twice, and the answer was applied"),
        ("approve", "urn:x with 500", "applied were due to approve, and the answer was urn:x"),
        ("approve", "closed", "its approvers were told that nothing counted, and it was [('0',"),
    ],
)
async def test_answers_that_nobody_should_get_are_violations(
    way: Way, answer: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision that counts twice would ship nothing wrong, and only its approvers notice."""
    house = House()
    monkeypatch.setattr(Visitor, "house", house, raising=False)
    monkeypatch.setattr(Visitor, "answer", answer, raising=False)
    monkeypatch.setattr(approvers, "Colleague", Visitor)
    on_duty = Approvers(house, dict.fromkeys(STAFF["people"], "mw_"), {"o-1": way}, seed=1)

    def over() -> bool:
        house.open = not on_duty.violations
        return not house.open

    await on_duty.decide_all(over)
    assert any(sentence in one for one in on_duty.violations), on_duty.violations
    assert (house.kills, on_duty.kills) == (1, 1)


async def test_what_is_only_recorded_is_asked_for_until_it_is_done() -> None:
    """Nobody at the desk takes "it will be applied" for an answer, nor a console that is away."""
    reply = {"verdict": "applied", "message": "yes", "act_id": "key", "state": "approved"}
    states = [{"state": "sending"}, {"state": "recorded"}, {"state": "done", "reply": reply}]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer mw_1"
        asked.append(f"{request.method} {request.url.raw_path.decode()}")
        match len(asked):
            case 1:
                raise httpx.ReadError("killed")
            case 2:
                return httpx.Response(503)
            case 3:
                assert request.headers["Idempotency-Key"] == "key"
                return httpx.Response(202, json={"verdict": "recorded", "message": "soon"})
            case _:
                return httpx.Response(200, json=states.pop(0))

    mona = Colleague("mona", "mw_1", lambda: "http://here", httpx.MockTransport(answer))
    shown = {"request_id": "order-approval:o/1", "digest": "d"}
    told = await mona.decide(shown, "approve", "key")
    await mona.close()
    assert (told.verdict, told.reply) == ("applied", reply)
    address = "/api/v1/requests/order-approval%3Ao%2F1"
    assert asked == [f"POST {address}/decisions"] * 3 + [f"GET {address}/acts/key"] * 3


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {"verdict": "applied", "message": ""}, "applied"),
        (409, {"verdict": "closed", "message": ""}, "closed"),
        (200, {"verdict": "closed", "message": ""}, "closed with 200"),
        (
            422,
            {"type": "urn:musterwerk:invalid", "detail": "no"},
            "urn:musterwerk:invalid with 422",
        ),
    ],
)
async def test_an_answer_is_clear_if_its_status_says_what_it_says(
    status: int, body: dict[str, str], verdict: str
) -> None:
    assert Answer.of(httpx.Response(status, json=body)).verdict == verdict


async def test_a_console_that_is_killed_costs_no_decision_and_doubles_none(
    desk: Desk, tmp_path: Path
) -> None:
    """The answer is lost with the console; sent again to the next one, the act counts once."""
    store = Store(database_url(desk.data, {}))
    token = TokenTable(store).issue("mona", "test", None, actor="test", channel="cli")
    store.close()
    options = desk.stack.options
    office = DemoConsole(desk.data, options.server, musterwerk_queue(options.task_queue))
    await office.start()
    mona = Colleague("mona", token, lambda: office.url)
    try:
        await desk.place(order("unanswered", cents=250_00))
        await desk.asked("unanswered")
        await until_async(lambda: _shown(mona, approval_id("unanswered")))
        shown = await mona.look(approval_id("unanswered"))
        deciding = asyncio.create_task(mona.decide(shown, "approve", "the-key"))
        kept = "SELECT count(*) FROM musterwerk_acts WHERE id = 'the-key'"
        await until(lambda: desk.rows("musterwerk", kept) == [(1,)])
        await office.kill()
        told = await deciding
        assert (told.verdict, told.reply["act_id"]) == ("applied", "the-key")
        assert (await mona.decide(shown, "approve", "the-key")).same(told)
        assert (await mona.decide(shown, "approve", "another")).verdict == "closed"
        assert (await desk.ended("unanswered"))["status"] == "fulfilled"
        votes = "SELECT count(*) FROM musterwerk_audit WHERE event = 'decided' AND request_id = ?"
        assert desk.rows("musterwerk", votes, approval_id("unanswered")) == [(1,)]
    finally:
        await mona.close()
        await office.stop()


async def _shown(person: Colleague, request_id: str) -> bool:
    return any(one["request_id"] == request_id for one in await person.requests(box="mine"))


async def test_a_console_that_ends_by_itself_ends_the_demo(desk: Desk, tmp_path: Path) -> None:
    """Its log says why; approvers who wait for it would wait until the deadline."""
    office = DemoConsole(tmp_path, desk.stack.options.server, "any")
    await office.start()
    dying = asyncio.create_task(office.died())
    await office.kill()
    assert not dying.done()
    child = next(one for one in psutil.Process().children() if str(tmp_path) in one.cmdline())
    child.kill()
    with pytest.raises(ProcessDied, match="musterwerk-console ended unexpectedly"):
        await asyncio.wait_for(dying, LIMIT)
    await office.stop()


async def test_the_trail_of_the_desk_is_compared_and_a_changed_one_is_found(
    desk: Desk, tmp_path: Path
) -> None:
    await desk.place(order("trailed", cents=250_00))
    await (await desk.asked("trailed")).approve(by="mona")
    await desk.ended("trailed")
    queue = musterwerk_queue(desk.stack.options.task_queue)
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
