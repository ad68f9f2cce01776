"""Deciding over HTTP: durable, once, and with an answer that says what became of it."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from musterwerk.approvals import ApprovalHandle
from musterwerk.console import sending
from musterwerk.console.relay import ActRelay
from musterwerk.errors import ServerError
from musterwerk.store.act_table import ActRow
from tests.console.office import Office, now, problem, request_of
from tests.waiting import until_async


async def test_a_decision_is_applied_and_says_so(served: Office) -> None:
    """Whoever decides would not know whether it counted."""
    status = await served.ask()
    answer = await served.decide("anna", status, reason="as agreed")
    assert answer.status_code == 200, answer.text
    assert answer.json()["verdict"] == "applied"
    after = await served.get("anna", f"/requests/{status['request_id']}")
    assert (after["state"], after["by"]) == ("approved", ["anna"])
    assert after["votes"][0]["channel"] == "rest"
    assert after["details"] == {"order": "C-17"}


async def test_a_double_click_decides_once(served: Office) -> None:
    """Two requests in flight with one key would be two votes, or an error for one of them."""
    status = await served.ask(policy={"approvers": ["group:finance"], "quorum": 2})
    first, second = await asyncio.gather(
        served.decide("anna", status, key="click-1"), served.decide("anna", status, key="click-1")
    )
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json() == second.json()
    again = await served.decide("anna", status, key="click-1")
    assert again.json() == first.json()
    assert await served.decided(status) == ["anna"]


async def test_a_key_stands_for_one_act(served: Office) -> None:
    """A reused key would be answered as if the other act had been done."""
    status = await served.ask(policy={"approvers": ["group:finance"], "quorum": 2})
    await served.decide("anna", status, key="k")
    problem(await served.decide("anna", status, "reject", key="k", reason="no"), 422, "key-reused")
    problem(await served.decide("ben", status, key="k"), 422, "invalid")
    assert await served.decided(status) == ["anna"]


@pytest.mark.parametrize("person", ["anna", "ben"])
async def test_a_key_that_was_used_by_another_way_is_told_as_such(
    office: Office, person: str
) -> None:
    """Their reply would be taken for one's own, and the decision be lost unseen."""
    async with office.worker():
        status = await office.ask(policy={"approvers": ["group:finance"], "quorum": 2})
        client = await office.services.temporal.client()
        handle = ApprovalHandle[Any](client, status["request_id"])
        assert (await handle.approve(by="anna", act_id="K1")).ok
    recorded = await office.decide(person, status, "reject", key="K1", reason="no")
    assert recorded.status_code == 202, recorded.text
    async with office.worker():
        path = f"/requests/{status['request_id']}/acts/K1"

        async def answered() -> bool:
            await ActRelay(office.services, age=timedelta(0)).round()
            return (await office.get(person, path))["state"] == "done"

        await until_async(answered)
        reply = (await office.get(person, path))["reply"]
        assert (reply["verdict"], reply["actor"]) == ("invalid", person)


async def test_what_no_json_can_carry_is_refused(served: Office) -> None:
    status = await served.ask()
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    for path, body in [
        ("decisions", {"outcome": "approve", "digest": "d", "answer": float("nan")}),
        ("decisions", {"outcome": "approve", "digest": "d", "answer": deep}),
        ("amendments", {"details": {"\ud800": 1}}),
        ("amendments", {"details": float("inf")}),
    ]:
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        address = f"/requests/{status['request_id']}/{path}"
        answer = await served("rita").post(address, content=content, headers=headers)
        problem(answer, 422, "invalid")


async def test_a_key_may_have_a_slash(served: Office) -> None:
    status = await served.ask()
    assert (await served.decide("anna", status, key="a/b")).status_code == 200
    found = await served.get("anna", f"/requests/{status['request_id']}/acts/a/b")
    assert found["state"] == "done"


async def test_two_approvers_in_the_same_moment(served: Office) -> None:
    """Both would believe that theirs was the word."""
    status = await served.ask()
    answers = await asyncio.gather(served.decide("anna", status), served.decide("ben", status))
    good, late = sorted(answers, key=lambda one: one.status_code)
    assert good.json()["verdict"] == "applied"
    document = problem(late, 409, "closed")
    (winner,) = await served.decided(status)
    assert document["by"] == [winner]
    assert winner in document["detail"]
    assert document["state"] == "approved"


@pytest.mark.parametrize(
    ("person", "body", "status", "slug"),
    [
        ("carla", {}, 404, "not-found"),
        ("rita", {}, 403, "not-entitled"),
        ("anna", {"outcome": "reject"}, 422, "invalid"),
        ("anna", {"outcome": "burn"}, 422, "invalid"),
        ("anna", {"answer": 1}, 422, "invalid"),
        ("anna", {"digest": "old"}, 409, "changed"),
        ("anna", {"digest": None}, 428, "digest-required"),
        ("anna", {"on_behalf_of": "carla"}, 403, "not-entitled"),
        ("anna", {"colour": "red"}, 422, "invalid"),
        ("anna", {"outcome": "NO\n"}, 422, "invalid"),
    ],
)
async def test_refusals(
    served: Office, person: str, body: dict[str, Any], status: int, slug: str
) -> None:
    """A client could not tell what it did wrong."""
    request = await served.ask()
    document = problem(await served.decide(person, request, **body), status, slug)
    assert "[a-z]" not in document["detail"]
    assert await served.decided(request) == []


async def test_claiming_delegating_and_four_eyes(served: Office) -> None:
    """Each refusal has a word of its own, and the reply's fields."""
    policy = {"approvers": ["group:finance"], "four_eyes": True}
    status = await served.ask("ben", policy=policy)
    path = f"/requests/{status['request_id']}"
    assert (await served("anna").post(f"{path}/claim")).status_code == 200
    document = problem(await served.decide("ben", status), 403, "excluded")
    assert document["act_id"]
    assert document["verdict"] == "excluded"
    assert (await served("otto").post(f"{path}/release")).json()["verdict"] == "applied"
    nobody = {"to": "nobody", "reason": "holiday"}
    problem(await served("anna").post(f"{path}/delegations", json=nobody), 422, "unknown-person")
    problem(await served.decide("carla", status), 404, "not-found")
    to_carla = {"to": "carla", "reason": "holiday"}
    await served("anna").post(f"{path}/delegations", json=to_carla)
    assert (await served.decide("carla", status)).json()["verdict"] == "applied"


async def test_asking_back_amending_and_withdrawing(served: Office) -> None:
    """People would have to go back to mail."""
    status = await served.ask()
    path = f"/requests/{status['request_id']}"
    for person, way, said in [
        ("anna", "questions", "why so much?"),
        ("rita", "answers", "two of them"),
        ("ben", "comments", "fine with me"),
    ]:
        answer = await served(person).post(f"{path}/{way}", json={"text": said})
        assert answer.json()["verdict"] == "applied", answer.text
    await served("rita").post(f"{path}/amendments", json={"details": {"order": "C-18"}})
    problem(await served.decide("anna", status), 409, "changed")
    assert (await served("rita").post(f"{path}/withdrawal")).status_code == 200
    story = await served.get("anna", f"{path}/story")
    events = [one["event"] for one in story["items"]]
    assert events[:5] == ["requested", "asked", "question", "answer", "comment"]
    assert events[-1] == "ended"
    assert {one["channel"] for one in story["items"][2:5]} == {"rest"}


async def test_without_a_worker_it_is_recorded_and_applied_later(office: Office) -> None:
    """A decision made while workers are away would be lost, or counted twice."""
    async with office.worker():
        status = await office.ask(policy={"approvers": ["group:finance"], "quorum": 2})
    answer = await office.decide("anna", status, key="k")
    assert answer.status_code == 202
    assert answer.json()["verdict"] == "recorded"
    place = answer.headers["location"].removeprefix("/api/v1")
    assert (await office.get("anna", place))["state"] == "recorded"
    assert (await office.decide("anna", status, key="k")).status_code == 202
    async with office.worker():

        async def done() -> bool:
            return (await office.get("anna", place))["state"] == "done"

        await until_async(done)
    assert (await office.get("anna", place))["reply"]["verdict"] == "applied"
    assert await office.decided(status) == ["anna"]


async def test_without_temporal_it_is_recorded_and_the_relay_sends_it_once(
    served: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decision made while the server is away would be lost."""
    status = await served.ask(policy={"approvers": ["group:finance"], "quorum": 2})
    _away(served, monkeypatch)
    answer = await served.decide("anna", status, key="k")
    assert answer.status_code == 202
    place = answer.headers["location"].removeprefix("/api/v1")
    assert (await served.get("anna", place))["state"] == "sending"
    relays = [ActRelay(served.services, age=timedelta(0)) for _ in range(2)]
    await relays[0].round()
    assert (await served.get("anna", place))["state"] == "sending"
    _back(served)
    served.services.now = lambda: now() + timedelta(seconds=5)  # it is patient in between
    await asyncio.gather(*(ActRelay(served.services, age=timedelta(0)).round() for _ in relays))
    assert (await served.get("anna", place))["state"] == "done"
    assert (await served.decide("anna", status, key="k")).json()["verdict"] == "applied"
    assert await served.decided(status) == ["anna"]


async def test_the_relay_waits_longer_each_time(
    served: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that comes back would be met by everything at once, over and over."""
    status = await served.ask()
    _away(served, monkeypatch)
    await served.decide("anna", status)
    clock = now()
    tries = 0
    send = sending.send

    async def counting(*args: Any) -> Any:
        nonlocal tries
        tries += 1
        return await send(*args)

    monkeypatch.setattr(sending, "send", counting)
    served.services.now = lambda: clock
    for _ in range(120):
        clock += timedelta(seconds=1)
        # Each time a new one, as if the console had been started again.
        await ActRelay(served.services).round()
    assert 5 <= tries <= 9


async def test_an_act_on_a_request_that_temporal_forgot_comes_to_an_end(office: Office) -> None:
    """The relay would try for ever."""
    made = now() - timedelta(minutes=1)
    act = {"kind": "claim", "id": "lost", "by": "anna"}
    office.services.acts.put("lost", "never-there", "anna", act, made)
    await ActRelay(office.services).round()
    found = office.services.acts.get("lost", "never-there")
    assert found is not None
    assert found.state == "done"
    assert found.reply is not None
    assert found.reply["verdict"] == "closed"


async def test_an_act_on_what_has_ended_meanwhile_is_told(office: Office) -> None:
    """Recorded for a request that ended before a worker came, it would stay so for ever."""
    async with office.worker():
        status = await office.ask()
    assert (await office.decide("anna", status, key="a")).status_code == 202
    assert (await office.decide("ben", status, key="b")).status_code == 202
    async with office.worker():
        place = f"/requests/{status['request_id']}/acts/b"

        async def done() -> bool:
            await ActRelay(office.services, age=timedelta(0)).round()
            return (await office.get("ben", place))["state"] == "done"

        await until_async(done)
    assert (await office.get("ben", place))["reply"]["verdict"] == "closed"
    problem(await office("anna").get(place), 404, "not-found")


async def test_a_new_request_is_there_once(served: Office) -> None:
    """A repeated POST would ask people twice."""
    given = request_of()
    first = await served("rita").post("/requests", json=given)
    again = await served("rita").post("/requests", json=given)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.headers["location"] == f"/api/v1/requests/{given['id']}"
    other = await served("rita").post("/requests", json=given | {"subject": "Refund 9.00 EUR"})
    problem(other, 409, "id-taken")


async def test_who_asks_for_a_service_is_on_record(served: Office) -> None:
    given = request_of(id="billing:4711", requester="billing")
    answer = await served("otto").post("/requests", json=given)
    assert answer.status_code == 201
    (warning,) = answer.json()["warnings"]
    assert "'billing' is nobody known" in warning
    own = await served("rita").post("/requests", json=request_of())
    assert own.json()["warnings"] == []
    story = await served.get("otto", "/requests/billing:4711/story")
    first = story["items"][0]
    assert (first["actor"], first["channel"], first["on_behalf_of"]) == ("otto", "rest", "billing")


async def test_nobody_takes_the_id_under_which_a_service_will_ask(served: Office) -> None:
    given = request_of(id="order-approval:4711")
    problem(await served("rita").post("/requests", json=given), 403, "forbidden")


async def test_an_id_that_is_taken_tells_a_stranger_nothing(served: Office) -> None:
    """Asking would be a way to read what others were asked, or to learn what there is."""
    status = await served.ask()
    key = status["request_id"]
    given = request_of(id=key, requester="stranger", subject="What is it?")
    first = await served("stranger").post("/requests", json=given)
    with served.services.store.begin() as connection:
        # Temporal has forgotten it; the database has not.
        connection.execute(text("UPDATE musterwerk_requests SET id = 'forgotten'"))
        connection.execute(text("UPDATE musterwerk_request_details SET request_id = 'forgotten'"))
    forgotten = await served("stranger").post("/requests", json=given | {"id": "forgotten"})
    told = [problem(answer, 409, "id-taken")["detail"] for answer in (first, forgotten)]
    assert told[0].replace(key, "forgotten") == told[1]
    assert "Refund" not in first.text + forgotten.text


async def test_requests_that_cannot_be(served: Office) -> None:
    """Nobody would be asked, and nobody would know why."""

    async def refused(status: int, slug: str, **fields: Any) -> str:
        answer = await served("rita").post("/requests", json=request_of(**fields))
        return problem(answer, status, slug)["detail"]

    assert "group:nobody has nobody" in await refused(
        422, "refused", policy={"approvers": ["group:nobody"]}
    )
    assert "own name" in await refused(403, "forbidden", requester="ben")
    assert "policy.approver: no such field" in await refused(
        422, "invalid", policy={"approver": ["anna"]}
    )
    assert "answer_schema" in await refused(422, "invalid", answer={"type": "string"})
    assert "length of time" in await refused(
        422, "invalid", policy={"approvers": ["anna"], "expires_after": "soon"}
    )
    assert "id: is not spelled" in await refused(422, "invalid", id="no spaces, please")
    for_shop = await served("otto").post("/requests", json=request_of(requester="shop"))
    assert for_shop.status_code == 201


def _away(office: Office, patch: pytest.MonkeyPatch) -> None:
    office.outage.error = ServerError("no server answers")
    patch.setattr(office.services.temporal, "_client", None)


def _back(office: Office) -> None:
    office.outage.error = None


async def test_acts_that_are_stuck_hold_up_no_others(
    served: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand on requests that no worker serves would be all that the relay ever looks at."""
    status = await served.ask(policy={"approvers": ["group:finance"], "quorum": 2})
    acts = served.services.acts
    made = now() - timedelta(hours=1)
    for number in range(3):
        act = {"kind": "claim", "id": f"stuck-{number}", "by": "anna"}
        acts.put(f"stuck-{number}", f"stuck-{number}", "anna", act, made)
    act = {"kind": "comment", "text": "hi", "id": "good", "by": "anna"}
    acts.put("good", status["request_id"], "anna", act, made + timedelta(minutes=1))
    pending, send = acts.pending, sending.send

    async def sent(services: Any, row: Any) -> Any:
        if row.id.startswith("stuck"):
            raise sending.Away("no worker")
        return await send(services, row)

    def first_two(due_before: datetime) -> list[ActRow]:
        return pending(due_before, limit=2)

    monkeypatch.setattr(acts, "pending", first_two)
    monkeypatch.setattr(sending, "send", sent)
    relay = ActRelay(served.services)
    await relay.round()
    await relay.round()
    found = acts.get("good", status["request_id"])
    assert found is not None
    assert found.state == "done"


async def test_an_act_that_breaks_the_relay_holds_up_no_others(
    served: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One act that nobody thought of would end every round before the others had their turn."""
    status = await served.ask()
    acts = served.services.acts
    made = now() - timedelta(hours=1)
    act = {"kind": "comment", "text": "hi", "by": "anna"}
    acts.put("odd", "odd", "anna", act | {"id": "odd"}, made)
    acts.put("good", status["request_id"], "anna", act | {"id": "good"}, made)
    send = sending.send

    async def sent(services: Any, row: Any) -> Any:
        if row.id == "odd":
            raise ValueError("nobody thought of this")
        return await send(services, row)

    monkeypatch.setattr(sending, "send", sent)
    await ActRelay(served.services).round()
    good, odd = acts.get("good", status["request_id"]), acts.get("odd", "odd")
    assert good is not None
    assert good.state == "done"
    assert odd is not None
    assert (odd.state, odd.attempts) == ("sending", 1)
    assert odd.due_at > made
    assert "odd on odd could not be brought to its end" in caplog.text
