"""Resolving works however a workflow's module imports the library: sandboxes differ by that.

Each form is a file of its own, because the sandbox loads whole files.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from musterwerk.saga import Resolve
from musterwerk.saga.client import resolve
from tests.saga.conftest import failure_of, report_of
from tests.saga.imports.half_passed_through import HalfPassedThrough
from tests.saga.imports.passed_through import PassedThrough
from tests.saga.imports.plain import Plain
from tests.saga.imports.submodule import Submodule
from tests.saga.world import World, refuse
from tests.waiting import until_async

FORMS = [Plain, PassedThrough, HalfPassedThrough, Submodule]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__module__.rsplit(".", 1)[-1])
async def test_an_operator_is_heard(form: Any, client: Client, world: World) -> None:
    world.fail("refund", refuse("account closed"))
    queue = f"imports-{uuid.uuid4()}"
    async with Worker(
        client, task_queue=queue, workflows=[form], activities=[world.charge, world.refund]
    ):
        handle: Any = await client.start_workflow(
            form.run, "O-1", id=f"order-{uuid.uuid4()}", task_queue=queue
        )

        async def letters() -> list[dict[str, Any]]:
            sagas = (await handle.query("saga_report"))["sagas"]
            return sagas[0]["dead_letters"] if sagas else []

        await until_async(letters)
        wrong = {"step": "charge/1", "action": "done", "by": "Ada", "why": "by hand"}
        for given, words in (
            (wrong, "unknown: why; known are step, action, by, reason, saga, result"),
            ({"step": "charge/1", "action": "done", "by": "Ada"}, "reason is None"),
            ({**wrong, "action": "burn", "reason": "x", "why": "x"}, "unknown"),
        ):
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update("saga_resolve", given)
            assert words in str(refused.value.cause)
        answer = Resolve(step="charge/1", action="done", by="Ada", reason="by hand")
        told = await resolve(client, handle.id, answer)
        assert told["saga"] == "saga"
        err = await failure_of(handle)
        assert isinstance(err, ApplicationError)
        assert err.type == "SagaCompensated"
        (letter,) = (await report_of(handle))["dead_letters"]
        assert letter["resolution"]["by"] == "Ada"
