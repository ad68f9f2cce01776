"""A desk where tests ask people: a worker of ours on its own queue, and its database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Replayer, Worker

from musterwerk.approvals import ApprovalHandle, ApprovalRequest, Policy, start
from musterwerk.approvals.activities import ApprovalActivities
from musterwerk.approvals.workflow import ApprovalWorkflow
from musterwerk.store import Store
from musterwerk.store.inbox import InboxTable
from musterwerk.store.people import PeopleTable
from tests.waiting import PATIENCE

COMPANY: dict[str, Any] = {
    "people": {
        "anna": {"name": "Anna", "mail": "anna@example.com", "groups": ["finance"]},
        "ben": {"name": "Ben", "mail": "ben@example.com", "groups": ["finance"]},
        "carla": {"name": "Carla", "mail": "carla@example.com", "groups": ["finance"]},
        "mia": {"name": "Mia", "mail": "mia@example.com", "groups": ["managers"]},
        "otto": {"name": "Otto", "mail": "otto@example.com", "roles": ["operator"]},
        "rita": {"name": "Rita", "mail": "rita@example.com", "language": "de"},
    },
}
FINANCE = Policy(approvers=("group:finance",))


@dataclass
class Desk:
    """Where a test asks people, and sees what was kept of it."""

    client: Client
    store: Store
    queue: str
    patience: timedelta = PATIENCE

    @property
    def people(self) -> PeopleTable:
        return PeopleTable(self.store)

    @property
    def inbox(self) -> InboxTable:
        return InboxTable(self.store)

    asked: list[str] = field(default_factory=list[str])

    def unserved(self) -> Desk:
        """For when no worker is there to be waited for."""
        return replace(self, patience=timedelta(milliseconds=100))

    def handle(self, id: str) -> ApprovalHandle[Any]:
        return ApprovalHandle(self.client, id, patience=self.patience)

    async def ask(self, policy: Policy | None = None, **fields: Any) -> ApprovalHandle[Any]:
        request = ApprovalRequest[Any].model_validate(
            {
                "subject": "Refund 730.00 EUR",
                "requester": "rita",
                "policy": policy or Policy(approvers=("group:finance",)),
            }
            | fields
        )
        handle = await start(self.client, request, task_queue=self.queue, patience=self.patience)
        self.asked.append(handle.id)
        return handle

    async def replay(self) -> None:
        """Every request asked here, as a worker does after a restart."""
        replayer = Replayer(workflows=[ApprovalWorkflow], data_converter=self.client.data_converter)
        for identity in self.asked:
            history = await self.client.get_workflow_handle(identity).fetch_history()
            await replayer.replay_workflow(history)

    def worker(self, activities: ApprovalActivities | None = None, **options: Any) -> Worker:
        return Worker(
            self.client,
            task_queue=self.queue,
            workflows=[ApprovalWorkflow],
            activities=(activities or ApprovalActivities(self.store)).all(),
            **options,
        )
