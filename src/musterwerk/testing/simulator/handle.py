"""A simulated workflow from the outside: what a client's handle can do, in virtual time."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import QueryWorkflow, WorkflowActivationJob
from temporalio.client import (
    WorkflowFailureError,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.service import RPCError, RPCStatusCode
from temporalio.workflow import _QueryDefinition, _SignalDefinition, _UpdateDefinition

from musterwerk.testing.simulator import endings, incoming
from musterwerk.testing.simulator.tape import Nondeterminism
from musterwerk.testing.simulator.updates import Update

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run
    from musterwerk.testing.simulator.simulation import Simulation

T = TypeVar("T")
_NOTHING: Any = object()


class SimulatedHandle:
    """It has the methods of Temporal's `WorkflowHandle` that tests need, and raises its errors."""

    def __init__(self, simulation: Simulation, workflow_id: str, result_type: type | None) -> None:
        self._simulation = simulation
        self._id = workflow_id
        self._type = result_type
        self._updates = 0

    @property
    def id(self) -> str:
        return self._id

    def other(self, workflow_id: str, result_type: type | None = None) -> SimulatedHandle:
        """A handle on another workflow, such as a child."""
        return SimulatedHandle(self._simulation, workflow_id, result_type)

    def events(self) -> list[str]:
        """The types of the events in its history so far, such as "timer_fired"."""
        return self._newest().log.names()

    async def signal(
        self, signal: str | Callable[..., Any], arg: Any = _NOTHING, *, args: Sequence[Any] = ()
    ) -> None:
        name = _SignalDefinition.must_name_from_fn_or_str(signal)
        payloads = self._encode(arg, args)
        await self._do(lambda: incoming.signal(self._open(), name, payloads))

    async def cancel(self) -> None:
        await self._do(lambda: incoming.cancel(self._open(), ""))

    async def terminate(self, *, reason: str = "") -> None:
        await self._do(lambda: endings.terminate(self._open(), reason))

    async def query(
        self,
        query: str | Callable[..., Any],
        arg: Any = _NOTHING,
        *,
        args: Sequence[Any] = (),
        result_type: type | None = None,
    ) -> Any:
        name, returns = _query(query, result_type)
        arguments = self._encode(arg, args)
        job = QueryWorkflow(query_id="query", query_type=name, arguments=arguments)
        return await self._do(lambda: self._answer(job, returns))

    async def execute_update(
        self,
        update: str | Callable[..., Any],
        arg: Any = _NOTHING,
        *,
        args: Sequence[Any] = (),
        id: str | None = None,
        result_type: type | None = None,
    ) -> Any:
        """Waits until the update is complete, or rejected."""
        name, returns = _UpdateDefinition.get_name_and_result_type(update)
        payloads = self._encode(arg, args)
        self._updates += 1
        update_id = id or f"{self._id}-update-{self._updates}"
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def told(result: Payload | None, failure: Failure | None) -> None:
            if answer.done():
                return
            if failure is None:
                answer.set_result(self._decode(result, result_type or returns))
            else:
                answer.set_exception(WorkflowUpdateFailedError(self._error(failure)))

        def send() -> None:
            run = self._open()
            known = run.updates.get(update_id)
            if known is not None:
                known.also(told)
            else:
                Update(run, update_id, name, payloads, {}, told)

        await self._do(send)
        return await answer

    async def result(self) -> Any:
        """Waits for the end of the last of its runs, as a client does."""
        end: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        run = self._newest()
        self._simulation.register.when_over(run, lambda last: end.done() or end.set_result(last))
        return result_of(self._simulation, await end, self._type)

    async def _do(self, act: Callable[[], T]) -> T:
        """Do it outside of everybody's turn, at this instant."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def turn() -> None:
            if done.done():
                return
            try:
                done.set_result(act())
            except Exception as error:
                done.set_exception(error)

        self._simulation.agenda.at(self._simulation.agenda.now, turn)
        return await done

    def _newest(self) -> Run:
        run = self._simulation.register.newest(self._id)
        if run is None:
            raise RPCError(f"workflow not found for ID: {self._id}", RPCStatusCode.NOT_FOUND, b"")
        return run

    def _open(self) -> Run:
        run = self._newest()
        if run.closed:
            message = "workflow execution already completed"
            raise RPCError(message, RPCStatusCode.NOT_FOUND, b"")
        return run

    def _answer(self, job: QueryWorkflow, returns: type | None) -> Any:
        run = self._newest()
        if not run.story:
            raise WorkflowQueryFailedError("no workflow task has been completed yet")
        try:
            completion = run.cache.query(WorkflowActivationJob(query_workflow=job))
        except Nondeterminism as error:
            raise WorkflowQueryFailedError(str(error)) from error
        if completion.HasField("failed"):
            raise WorkflowQueryFailedError(completion.failed.failure.message)
        answer = completion.successful.commands[0].respond_to_query
        if answer.HasField("failed"):
            raise WorkflowQueryFailedError(answer.failed.message)
        return self._decode(answer.succeeded.response, returns)

    def _encode(self, arg: Any, args: Sequence[Any]) -> list[Payload]:
        values = list(args) if arg is _NOTHING else [arg]
        return self._simulation.converter.encode(values) if values else []

    def _decode(self, payload: Payload | None, returns: type | None) -> Any:
        if payload is None:
            return None
        types = [returns] if returns else None
        return self._simulation.converter.decode([payload], types)[0]

    def _error(self, failure: Failure) -> BaseException:
        return self._simulation.converter.decode_failure(failure)


def result_of(simulation: Simulation, run: Run, returns: type | None) -> Any:
    """What a client is given, or what it raises."""
    if run.status == "completed":
        types = [returns] if returns else None
        return run.cache.converter.decode([run.result], types)[0] if run.result else None
    raise WorkflowFailureError(cause=run.error())


def _query(query: str | Callable[..., Any], returns: type | None) -> tuple[str, type | None]:
    if isinstance(query, str):
        return query, returns
    found = _QueryDefinition.from_fn(query)
    if found is None or not found.name:
        raise TypeError(f"{query!r} is no query with a name")
    return found.name, found.ret_type
