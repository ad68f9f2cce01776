"""A company with a console: people, their tokens, a worker, and HTTP."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.types import ASGIApp
from temporalio.client import Client
from temporalio.worker import Worker

from musterwerk.approvals.activities import ApprovalActivities
from musterwerk.approvals.workflow import ApprovalWorkflow
from musterwerk.console import Services, create_app
from musterwerk.console.services import Temporal
from musterwerk.store import Store
from tests.waiting import LIMIT

COMPANY: dict[str, Any] = {
    "people": {
        "anna": {"name": "Anna", "mail": "anna@example.com", "groups": ["finance"]},
        "ben": {"name": "Ben", "groups": ["finance"]},
        "carla": {"name": "Carla", "groups": ["managers"]},
        "rita": {"name": "Rita"},
        "otto": {"name": "Otto", "roles": ["operator"]},
        "udo": {"name": "Udo", "roles": ["auditor"]},
        "ada": {"name": "Ada", "roles": ["admin"]},
        "stranger": {"name": "Stan"},
    }
}


class Outage:
    """A server that may be away: connecting fails while it is."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.error: Exception | None = None

    async def connect(self) -> Client:
        if self.error is not None:
            raise self.error
        return self.client


@dataclass
class Office:
    services: Services
    outage: Outage
    app: ASGIApp
    url: str = "http://console"
    _http: dict[str, httpx.AsyncClient] = field(default_factory=dict[str, httpx.AsyncClient])

    @classmethod
    def of(cls, store: Store, client: Client) -> Office:
        outage = Outage(client)
        queue = f"console-{uuid.uuid4()}"
        services = Services(store, Temporal(outage.connect), task_queue=queue)
        services.people.apply(COMPANY, actor="test", channel="cli")
        return cls(services, outage, create_app(services, relay=False))

    def worker(self) -> Worker:
        return Worker(
            self.outage.client,
            task_queue=self.services.task_queue,
            workflows=[ApprovalWorkflow],
            activities=ApprovalActivities(self.services.store).all(),
        )

    def token(self, person: str, expires_at: datetime | None = None) -> str:
        return self.services.tokens.issue(person, "test", expires_at, actor="test", channel="cli")

    def __call__(self, person: str | None) -> httpx.AsyncClient:
        """HTTP in somebody's name."""
        name = person or ""
        if name not in self._http:
            headers = {"Authorization": f"Bearer {self.token(person)}"} if person else {}
            transport = httpx.ASGITransport(self.app) if self.url == "http://console" else None
            self._http[name] = httpx.AsyncClient(
                transport=transport, base_url=f"{self.url}/api/v1", headers=headers, timeout=LIMIT
            )
        return self._http[name]

    async def close(self) -> None:
        for http in self._http.values():
            await http.aclose()
        self.services.store.close()

    async def ask(self, person: str = "rita", **fields: Any) -> dict[str, Any]:
        """A new request's status, as HTTP tells it."""
        given = request_of(requester=person) | fields
        answer = await self(person).post("/requests", json=given)
        assert answer.status_code == 201, answer.text
        return answer.json()["status"]

    async def get(self, person: str, path: str, **query: Any) -> Any:
        answer = await self(person).get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def decide(
        self, person: str, status: dict[str, Any], outcome: str = "approve", **more: Any
    ) -> httpx.Response:
        headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
        body = {"outcome": outcome, "digest": status["digest"]} | more
        path = f"/requests/{status['request_id']}/decisions"
        return await self(person).post(path, json=body, headers=headers)

    async def decided(self, status: dict[str, Any]) -> list[str]:
        """Who has decided, by the story."""
        story = await self.get("udo", f"/requests/{status['request_id']}/story")
        return [one["actor"] for one in story["items"] if one["event"] == "decided"]


def request_of(**fields: Any) -> dict[str, Any]:
    return {
        "id": f"refund-{uuid.uuid4()}",
        "subject": "Refund 730.00 EUR",
        "details": {"order": "C-17"},
        "requester": "rita",
        "policy": {"approvers": ["group:finance"]},
    } | fields


def now() -> datetime:
    return datetime.now(UTC)


def problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The document of a refusal, which is what it is said to be."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert (answer.status_code, document["type"]) == (status, f"urn:musterwerk:{slug}"), document
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document
