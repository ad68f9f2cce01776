"""What every address has in common: tokens, problems, limits, headers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from musterwerk.console import create_app
from musterwerk.console.serving import listen, serve
from musterwerk.errors import ServerError, StoreError
from tests.console.office import Office, now, problem, request_of


@pytest.fixture
async def network(office: Office) -> AsyncIterator[Office]:
    """The console behind a real socket."""
    socket = listen("127.0.0.1", 0)
    office.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    ready = asyncio.Event()
    app = create_app(office.services)
    serving = asyncio.create_task(serve(app, socket, ready.set))
    await ready.wait()
    yield office
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


async def test_only_good_tokens_open_anything(office: Office) -> None:
    """Whoever has left, or has lost a token, would still be let in."""
    services = office.services
    old = office.token("anna", now() + timedelta(hours=1))
    revoked = office.token("ben")
    (row,) = services.tokens.list("ben")
    services.tokens.revoke(row.id, actor="test", channel="cli")
    left = office.token("carla")
    services.people.deactivate("carla", actor="test", channel="cli")
    services.now = lambda: now() + timedelta(hours=2)
    details: set[str] = set()
    for header in (f"Bearer {old}", f"Bearer {revoked}", f"Bearer {left}", "Bearer mw_none"):
        answer = await office(None).get("/me", headers={"Authorization": header})
        details.add(problem(answer, 401, "unauthorized")["detail"])
        assert answer.headers["www-authenticate"] == "Bearer"
    assert len(details) == 1  # which of them it is, is told to nobody
    for header in (b"", b"Basic YTpi", b"Bearer", "Bearer ü\x7f".encode("latin-1")):
        answer = await office(None).get("/me", headers={b"Authorization": header})
        problem(answer, 401, "unauthorized")
    services.now = now
    good = {"Authorization": f"Bearer {old}"}
    assert (await office(None).get("/me", headers=good)).json()["id"] == "anna"


async def test_bodies_that_are_too_large_are_refused(network: Office) -> None:
    """One request could fill the memory."""
    big = request_of(details="x" * 2_100_000)
    problem(await network("rita").post("/requests", json=big), 413, "too-large")

    async def in_pieces() -> AsyncIterator[bytes]:
        for _ in range(21):
            yield b"x" * 100_000

    answer = await network("rita").post("/requests", content=in_pieces())
    problem(answer, 413, "too-large")
    assert (await network("rita").get("/me")).status_code == 200


async def test_every_answer_is_kept_out_of_caches(network: Office) -> None:
    """A proxy would show one person's requests to another."""
    async with httpx.AsyncClient(base_url=network.url) as http:
        health = await http.get("/health")
        assert health.json() == {"status": "ok", "database": "ok", "temporal": "ok"}
        page = await http.get("/nothing")
        answers = [page, health, await http.get("/api/v1/nothing"), await http.post("/health")]
    answers.append(await network("anna").get("/me"))
    answers.append(await network("rita").post("/requests", content=b"x" * 2_000_001))
    assert page.status_code == 404
    assert page.headers["content-type"].startswith("text/html")
    problem(answers[2], 404, "not-found")
    problem(answers[3], 405, "method-not-allowed")
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_health_says_which_part_is_away(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A monitor would see "ok" while decisions pile up; a balancer would take out a console that
    still records them."""
    http = httpx.AsyncClient(transport=httpx.ASGITransport(office.app), base_url="http://console")
    monkeypatch.setattr("musterwerk.console.health._FRESH_SECONDS", -1.0)
    office.outage.error = ServerError("no Temporal server answers")
    answer = await http.get("/health")
    degraded = {"status": "degraded", "database": "ok", "temporal": "away"}
    assert (answer.status_code, answer.json()) == (200, degraded)
    office.outage.error = None
    assert (await http.get("/health")).json()["status"] == "ok"

    def away() -> Any:
        raise StoreError("the database cannot be used", temporary=True)

    monkeypatch.setattr(office.services.store, "read", away)
    answer = await http.get("/health")
    unavailable = {"status": "unavailable", "database": "away", "temporal": "ok"}
    assert (answer.status_code, answer.json()) == (503, unavailable)
    await http.aclose()


async def test_what_is_no_json_is_named(office: Office) -> None:
    """The answer would be a parser's."""
    json = {"Content-Type": "application/json"}
    answer = await office("rita").post("/requests", content=b'{"id": ', headers=json)
    assert "not JSON" in problem(answer, 422, "invalid")["detail"]
    answer = await office("rita").post("/requests", content=b"[1]", headers=json)
    assert "object is expected" in problem(answer, 422, "invalid")["detail"]


async def test_a_database_that_is_away_is_a_problem_too(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients would not know that trying again helps; and nobody is told where it is."""
    http = office("anna")

    def away(*_: Any) -> Any:
        raise StoreError("the database postgresql://db.internal cannot be used", temporary=True)

    monkeypatch.setattr(office.services.tokens, "person_of", away)
    answer = await http.get("/me")
    assert "db.internal" not in problem(answer, 503, "unavailable")["detail"]
    assert answer.headers["retry-after"] == "1"


async def test_the_description_tells_every_problem(office: Office) -> None:
    """A client written from it would not be able to read the refusals."""
    description = (await office(None).get("/openapi.json")).json()
    operations = [
        (f"{method} {path}", one)
        for path, methods in description["paths"].items()
        if path.startswith("/api/")
        for method, one in methods.items()
    ]
    assert len(operations) > 20
    for name, one in operations:
        assert one["summary"], name
        assert one["security"] == [{"token": []}], name
        refusals = {code: said for code, said in one["responses"].items() if int(code) >= 400}
        assert {"401", "404", "405", "422", "500", "503"} <= set(refusals), name
        for code, said in refusals.items():
            assert list(said["content"]) == ["application/problem+json"], f"{name} {code}"
    assert "HTTPValidationError" not in description["components"]["schemas"]
