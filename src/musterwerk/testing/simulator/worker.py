"""The workflow classes of a worker, prepared once for all runs."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NoReturn

from temporalio.bridge.proto.workflow_activation import InitializeWorkflow, WorkflowActivation
from temporalio.common import MetricMeter
from temporalio.converter import DataConverter, DefaultPayloadConverter
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, WorkflowRunner
from temporalio.worker._workflow import _WorkflowWorker
from temporalio.worker._workflow_instance import WorkflowInstance, WorkflowInstanceDetails
from temporalio.workflow import Info
from temporalio.workflow import _Definition as WorkflowDefinition

from musterwerk.errors import SimulationError
from musterwerk.testing.simulator.payloads import WithoutContext

NAMESPACE = "default"
IDENTITY = "simulator"
_REMEMBERED = 1024


class _Remembering(UnsandboxedWorkflowRunner):
    """Keeps the details that a worker has worked out for a new instance."""

    def __init__(self, converter: DataConverter) -> None:
        self.last: WorkflowInstanceDetails | None = None
        # Temporal's own converter, of which every instance gets one, has no state and no context.
        is_default = converter.payload_converter_class is DefaultPayloadConverter
        self._shared = WithoutContext(converter.payload_converter) if is_default else None

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        shared = self._shared
        if shared is not None:
            det = replace(det, payload_converter_factory=lambda: shared)
        self.last = det
        return super().create_instance(det)

    def create_again(self, known: WorkflowInstanceDetails) -> WorkflowInstance:
        return super().create_instance(known)


class Workflows:
    """Makes workflow instances exactly as a worker does: it is Temporal's own code that does."""

    def __init__(
        self,
        workflows: Sequence[type],
        *,
        data_converter: DataConverter,
        interceptors: Sequence[Interceptor],
        failure_exception_types: Sequence[type[BaseException]],
        runner: WorkflowRunner | None,
        check_local_activity: Callable[[str], None],
        task_queue: str,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._loop = loop
        self._remembering = _Remembering(data_converter)
        self._details: dict[object, WorkflowInstanceDetails] = {}
        prepare = partial(
            _WorkflowWorker,
            bridge_worker=_no_bridge,
            namespace=NAMESPACE,
            task_queue=task_queue,
            workflows=workflows,
            workflow_task_executor=None,
            max_concurrent_workflow_tasks=1,
            workflow_runner=runner or self._remembering,
            unsandboxed_workflow_runner=self._remembering,
            data_converter=data_converter,
            interceptors=interceptors,
            workflow_failure_exception_types=failure_exception_types,
            patch_activation_callback=None,
            debug_mode=False,
            disable_eager_activity_execution=True,
            metric_meter=MetricMeter.noop,
            on_eviction_hook=None,
            disable_safe_eviction=False,
            should_enforce_versioning_behavior=False,
            assert_local_activity_valid=check_local_activity,
            encode_headers=False,
            max_workflow_task_external_storage_concurrency=1,
        )
        # The sandbox tries each workflow on being prepared, and instances are made within a loop.
        with loop_kept():
            asyncio._set_running_loop(loop)
            self._worker = prepare()
        self._definitions = self._worker._workflows
        self._any = self._worker._dynamic_workflow
        self._all_may_fail = self._worker.nondeterminism_as_workflow_fail()
        self._these_may_fail = self._worker.nondeterminism_as_workflow_fail_for_types()

    def fails_on_nondeterminism(self, name: str) -> bool:
        """Whether replaying it otherwise fails the workflow, or, as by default, only its task."""
        return self._all_may_fail or name in self._these_may_fail

    def definition(self, name: str) -> WorkflowDefinition:
        found = self._definitions.get(name, self._any)
        if found is None:
            known = ", ".join(sorted(self._definitions)) or "none"
            raise SimulationError(
                f"Workflow {name} is not registered (known: {known}): add its class to `workflows`"
            )
        return found

    def create(
        self,
        activation: WorkflowActivation,
        init: InitializeWorkflow,
        task_queue: str,
    ) -> WorkflowInstance:
        """Simulations that begin alike, and replays, need the details worked out only once."""
        started = activation.timestamp
        key = (
            task_queue,
            started.seconds,
            started.nanos,
            activation.run_id,
            init.SerializeToString(),
        )
        known = self._details.get(key)
        # The queue is a property of the worker; here one worker serves all of them.
        self._worker._task_queue = task_queue
        with loop_kept():
            asyncio._set_running_loop(self._loop)
            if known is not None and _is_fresh(known.info):
                return self._remembering.create_again(known)
            self._remembering.last = None
            instance = self._worker._create_workflow_instance(activation, init)
        details = self._remembering.last
        if details is not None and _is_fresh(details.info):
            if len(self._details) >= _REMEMBERED:
                self._details.clear()
            self._details[key] = details
        return instance


def _is_fresh(info: Info) -> bool:
    """Nothing in it that the workflow can have changed, as it does with its search attributes."""
    mutable = info.headers, info.raw_memo, info.search_attributes, info.typed_search_attributes
    return not any(map(len, mutable))


class loop_kept:  # noqa: N801 - used like a function
    """A workflow's instance is an event loop of its own, and leaves its thread without one. But a
    local activity that ends hands its workflow on from within the loop of the activities, in which
    others go on afterwards."""

    __slots__ = ("_loop",)

    def __enter__(self) -> None:
        self._loop = asyncio._get_running_loop()

    def __exit__(self, *_: object) -> None:
        asyncio._set_running_loop(self._loop)


def _no_bridge() -> NoReturn:
    raise SimulationError("A simulated worker has no connection to a server")
