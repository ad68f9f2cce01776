"""Records `histories/*.json`: `python -m tests.approvals.record CASE...`.

Record a case again only if its history is meant to change: a history that no longer replays is
what a new release looks like to requests that are open.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Worker

from musterwerk import approvals
from musterwerk.approvals import ApprovalRequest, Escalation, Level, Policy
from musterwerk.runtime.connection import connect
from musterwerk.runtime.exits import leave
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.store import Store
from tests.approvals.desk import COMPANY, Desk
from tests.waiting import until_async

HISTORIES = Path(__file__).with_name("histories")
SECOND = timedelta(seconds=1)


@workflow.defn(sandboxed=False)
class Parent:
    @workflow.run
    async def run(self, queue: str) -> str:
        policy = Policy(approvers=("group:finance",))
        request = ApprovalRequest[Any](subject="Refund", requester="rita", policy=policy)
        return str(await approvals.request(request, id="withdrawn", task_queue=queue))


async def approved(desk: Desk) -> str:
    handle = await desk.ask(details={"order": "C-17"})
    await handle.approve(by="anna", digest=(await handle.status()).digest)
    await handle.result()
    return handle.id


async def two_levels(desk: Desk) -> str:
    levels = (Level(approvers=("anna",)), Level(approvers=("group:managers",)))
    handle = await desk.ask(Policy(levels=levels, four_eyes=True))
    await handle.delegate("carla", by="anna", reason="on the train")
    await handle.approve(by="carla")
    await handle.approve(by="mia")
    await handle.result()
    return handle.id


async def expired(desk: Desk) -> str:
    policy = Policy(
        approvers=("anna",),
        escalations=(Escalation(after=SECOND, to=("group:managers",)),),
        expires_after=2 * SECOND,
    )
    handle = await desk.ask(policy)
    await handle.result()
    return handle.id


async def withdrawn(desk: Desk) -> str:
    async with Worker(desk.client, task_queue="parents", workflows=[Parent]):
        parent = await desk.client.start_workflow(
            Parent.run, desk.queue, id="parent", task_queue="parents"
        )

        async def asked() -> bool:
            return desk.inbox.get("withdrawn") is not None

        await until_async(asked)
        await parent.cancel()
        await asyncio.gather(parent.result(), return_exceptions=True)
    await desk.handle("withdrawn").result()
    return "withdrawn"


async def continued(desk: Desk) -> str:
    """A long discussion: two runs at least."""
    handle = await desk.ask(Policy(approvers=("group:finance",), quorum=2))
    await handle.approve(by="anna")
    raw = desk.client.get_workflow_handle(handle.id)
    first = (await raw.describe()).run_id

    async def is_new() -> bool:
        await handle.comment("more", by="ben")
        return (await raw.describe()).run_id != first

    await until_async(is_new)
    await handle.approve(by="ben")
    await handle.result()
    return handle.id


CASES = [approved, two_levels, expired, withdrawn, continued]


async def main(names: list[str]) -> None:
    unknown = set(names) - {case.__name__ for case in CASES}
    if unknown or not names:
        sys.exit(f"name the cases to record: {', '.join(case.__name__ for case in CASES)}")
    HISTORIES.mkdir(exist_ok=True)
    # So low that a discussion is long; the other cases do not get there.
    long = {"limit.historyCount.suggestContinueAsNew": "60"}
    with tempfile.TemporaryDirectory() as folder:
        store = Store(make_url(f"sqlite:///{folder}/musterwerk.sqlite"))
        async with EmbeddedServer(Path(folder) / "t", ui=False, dynamic_config=long) as server:
            desk = Desk(await connect(server.address, isolated=True), store, "approvals")
            desk.people.apply(COMPANY, actor="record", channel="cli")
            async with desk.worker():
                for case in CASES:
                    if case.__name__ in names:
                        await _keep(desk, case.__name__, await case(desk))
        store.close()


async def _keep(desk: Desk, name: str, id: str) -> None:
    """The last run; and, where it continues another one, that one as `NAME-before`."""
    last = await desk.client.get_workflow_handle(id).fetch_history()
    _write(name, last)
    before = last.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    if before:
        run = desk.client.get_workflow_handle(id, run_id=before)
        _write(f"{name}-before", await run.fetch_history())


def _write(name: str, history: WorkflowHistory) -> None:
    text = json.dumps(json.loads(history.to_json()), indent=2)
    (HISTORIES / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    leave(0)
