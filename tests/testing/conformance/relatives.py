"""Workflows of the conformance suite that have to do with others: parents, children, neighbours."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.exceptions import ApplicationError, ChildWorkflowError, FailureError
from temporalio.workflow import ChildWorkflowCancellationType as ChildCancel
from temporalio.workflow import ParentClosePolicy


@workflow.defn
class Child:
    def __init__(self) -> None:
        self._told: list[str] = []

    @workflow.run
    async def run(self, what: str) -> str:
        if what == "fail":
            raise ApplicationError("child failed", type="Broken")
        if what == "wait":
            await workflow.wait_condition(lambda: bool(self._told))
            return f"told {self._told[0]}"
        return f"child of {workflow.info().parent is not None}"

    @workflow.signal
    def tell(self, word: str) -> None:
        self._told.append(word)


@workflow.defn
class Parent:
    @workflow.run
    async def run(self, what: str) -> str:
        child_id = f"{workflow.info().workflow_id}-child"
        if what in ("simple", "fail"):
            try:
                return await workflow.execute_child_workflow(Child.run, what, id=child_id)
            except ChildWorkflowError as error:
                return f"{error.message}: {error.cause}"
        if what == "exists":
            await workflow.start_child_workflow(Child.run, "wait", id=child_id)
            try:
                await workflow.start_child_workflow(Child.run, "wait", id=child_id)
            except FailureError as error:
                return f"{type(error).__name__}: {error}".replace(child_id, "ID")
        if what == "signal":
            child = await workflow.start_child_workflow(Child.run, "wait", id=child_id)
            await child.signal(Child.tell, "a word")
            return await child
        if what == "never sent":
            task = asyncio.create_task(
                workflow.execute_child_workflow(Child.run, "wait", id=child_id)
            )
            await asyncio.sleep(0)
            task.cancel()
            try:
                return await task
            except (ChildWorkflowError, asyncio.CancelledError) as error:
                return type(error).__name__
        if what in ("TERMINATE", "ABANDON", "REQUEST_CANCEL"):
            await workflow.start_child_workflow(
                Child.run, "wait", id=child_id, parent_close_policy=ParentClosePolicy[what]
            )
            return "closed"
        child = await workflow.start_child_workflow(
            Child.run, "wait", id=child_id, cancellation_type=ChildCancel[what]
        )
        child.cancel()
        try:
            return await child
        except (ChildWorkflowError, asyncio.CancelledError) as error:
            told = type(error).__name__
        await workflow.sleep(0.3)
        return told


@workflow.defn
class Neighbour:
    """Signals and cancels workflows that are not its children."""

    @workflow.run
    async def run(self, what: str) -> str:
        me = workflow.info().workflow_id
        if what == "missing signal":
            try:
                await workflow.get_external_workflow_handle("nobody").signal("tell", "x")
            except ApplicationError as error:
                return f"{error.type}: {error.message}"
        if what == "missing cancel":
            try:
                await workflow.get_external_workflow_handle("nobody").cancel()
            except ApplicationError as error:
                return f"{error.type}: {error.message}"
        child = await workflow.start_child_workflow(
            Child.run, "wait", id=f"{me}-child", parent_close_policy=ParentClosePolicy.ABANDON
        )
        other = workflow.get_external_workflow_handle(child.id)
        if what == "signal":
            await other.signal(Child.tell, "a word")
        else:
            await other.cancel()
        try:
            return await child
        except ChildWorkflowError as error:
            return type(error.cause).__name__
