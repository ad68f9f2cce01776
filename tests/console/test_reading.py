"""The inbox over HTTP: what is whose to see, and lists that hold while others work."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from tests.console.office import Office, now, problem, request_of


async def _ids(office: Office, person: str, **query: Any) -> list[str]:
    page = await office.get(person, "/requests", limit=200, **query)
    assert page["next"] is None
    return [one["request_id"] for one in page["items"]]


async def test_boxes(served: Office) -> None:
    """People would see each other's requests, or not their own."""
    mine = (await served.ask())["request_id"]
    other = (await served.ask("ben", policy={"approvers": ["carla"]}))["request_id"]
    assert await _ids(served, "anna") == [mine]
    assert await _ids(served, "rita") == []
    assert await _ids(served, "rita", box="all") == [mine]
    assert set(await _ids(served, "ben", box="all")) == {mine, other}
    assert set(await _ids(served, "udo", box="all")) == {mine, other}
    assert await _ids(served, "stranger", box="all") == []
    await served("anna").post(f"/requests/{mine}/claim")
    assert await _ids(served, "ben") == [mine]
    assert await _ids(served, "ben", box="unassigned") == []
    assert await _ids(served, "ben", box="all", requester="rita") == [mine]


async def test_what_is_decided_is_shown_to_whom_it_concerned(served: Office) -> None:
    """Who voted could not look it up again; others could."""
    status = await served.ask()
    await served.decide("anna", status)
    key = status["request_id"]
    for person in ("anna", "ben", "rita", "otto", "udo", "ada"):
        assert await _ids(served, person, box="decided") == [key]
        assert (await served.get(person, f"/requests/{key}"))["state"] == "approved"
    for person in ("carla", "stranger"):
        assert await _ids(served, person, box="decided") == []
        problem(await served(person).get(f"/requests/{key}"), 404, "not-found")
    assert await _ids(served, "udo", box="decided", state="rejected") == []


async def test_other_peoples_requests_are_not_there(served: Office) -> None:
    """That a request exists is told to nobody it does not concern, by no address."""
    status = await served.ask()
    key = status["request_id"]
    for path in (f"/requests/{key}", f"/requests/{key}/story", "/requests/none"):
        problem(await served("stranger").get(path), 404, "not-found")
    there = await served("stranger").post(f"/requests/{key}/comments", json={"text": "hi"})
    absent = await served("stranger").post("/requests/none/comments", json={"text": "hi"})
    assert (
        problem(there, 404, "not-found")["detail"].replace(key, "none")
        == (problem(absent, 404, "not-found")["detail"])
    )


async def test_a_substitute_sees_and_decides_while_it_lasts(served: Office) -> None:
    """Requests of people on holiday would lie there."""
    status = await served.ask(policy={"approvers": ["anna"]})
    path = f"/requests/{status['request_id']}"
    problem(await served("carla").get(path), 404, "not-found")
    away = {
        "starts": (now() - timedelta(hours=1)).isoformat(),
        "ends": (now() + timedelta(days=3)).isoformat(),
        "substitute": "carla",
    }
    absence = (await served("anna").put("/absences", json=away)).json()
    assert await _ids(served, "carla") == [status["request_id"]]
    assert (await served("anna").delete(f"/absences/{absence['id']}")).status_code == 204
    problem(await served("carla").get(path), 404, "not-found")
    await served("anna").put("/absences", json=away)
    reply = await served.decide("carla", status)
    assert reply.status_code == 200
    vote = (await served.get("rita", path))["votes"][0]
    assert (vote["person"], vote["on_behalf_of"]) == ("carla", "anna")


async def test_pages_are_whole_while_requests_are_added(served: Office) -> None:
    """Somebody would be shown a request twice, or never."""

    async def ask(number: int) -> str:
        policy = {"approvers": ["group:finance"], "expires_after": f"{number + 1} days"}
        return (await served.ask(policy=policy))["request_id"]

    there = set(await asyncio.gather(*(ask(number) for number in range(12))))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = await served.get("anna", "/requests", limit=5, **more)
        seen += [one["request_id"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
        await ask(0)  # before all that has been shown
    assert len(seen) == len(set(seen))
    assert there <= set(seen)
    problem(await served("anna").get("/requests", params={"cursor": "x"}), 422, "invalid")


async def test_filters(served: Office) -> None:
    """A list of thousands could not be searched."""
    soon = {"approvers": ["group:finance"], "expires_after": "1 day"}
    first = await served.ask(subject="Refund 100 % of it", policy=soon)
    second = await served.ask(subject="Buy a car")
    assert await _ids(served, "anna", q="100 %") == [first["request_id"]]
    assert await _ids(served, "anna", q="CAR") == [second["request_id"]]
    until = (now() + timedelta(days=2)).isoformat()
    assert await _ids(served, "anna", expires_before=until) == [first["request_id"]]
    assert await _ids(served, "anna", state="info_requested") == []
    query = {"box": "theirs"}
    detail = problem(await served("anna").get("/requests", params=query), 422, "invalid")["detail"]
    assert "box" in detail
    assert "'mine'" in detail


async def test_who_was_asked_on_an_earlier_level_still_sees_it(served: Office) -> None:
    """Having been asked, one would find nothing behind the link of the mail."""
    levels = [{"approvers": ["group:finance"]}, {"approvers": ["group:managers"]}]
    status = await served.ask(policy={"levels": levels})
    await served.decide("anna", status)
    path = f"/requests/{status['request_id']}"
    assert (await served.get("ben", path))["level"] == 1
    assert (await served.get("carla", path))["may_decide"] == ["group:managers"]
    problem(await served("stranger").get(path), 404, "not-found")


async def test_details_of_a_megabyte_pass(served: Office) -> None:
    """Whoever decides would see less than what was asked."""
    details = {"lines": ["x" * 1000] * 1000}
    status = await served.ask(details=details)
    assert status["details"] == details
    page = await served.get("anna", "/requests")
    assert page["items"][0]["details"] is None
    too_much = request_of(details={"lines": ["x" * 1000] * 1600})
    document = problem(await served("rita").post("/requests", json=too_much), 422, "invalid")
    assert "send a link" in document["detail"]
