"""Updates: asked, accepted or rejected by the workflow, and answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from temporalio.api.common.v1 import Header, Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.api.update.v1 import Input, Meta, Request
from temporalio.bridge.proto.workflow_commands import UpdateResponse

from musterwerk.testing.simulator.worker import IDENTITY

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run


Answer: TypeAlias = Callable[[Payload | None, Failure | None], None]


class Update:
    """`answer` is given its result or failure, once."""

    def __init__(
        self,
        run: Run,
        update_id: str,
        name: str,
        arguments: list[Payload],
        headers: Mapping[str, Payload],
        answer: Answer,
        *,
        with_task: bool = False,
    ) -> None:
        self.id = update_id
        self._run = run
        self._name = name
        self._arguments = arguments
        self._headers = dict(headers)
        self._accepted = False
        self._accepted_event = 0
        self._waiting = [answer]
        self._known: tuple[Payload | None, Failure | None] | None = None
        self._admitted_after = 0
        run.updates[update_id] = self
        if with_task:
            self._admit()
        else:
            run.deliver(0, "update", name, self._admit)

    def _admit(self) -> None:
        """No event: the server keeps an update in memory until it is accepted."""
        self._run.job(
            do_update={
                "id": self.id,
                "protocol_instance_id": self.id,
                "name": self._name,
                "input": self._arguments,
                "headers": self._headers,
                "meta": Meta(update_id=self.id, identity=IDENTITY),
                "run_validator": True,
            }
        )

    def accept(self) -> None:
        self._accepted = True
        self._admitted_after = len(self._run.log) - 1
        self._run.open_task.undo(self._not_accepted)
        self._run.command(self._record_accepted)

    def _not_accepted(self) -> None:
        self._accepted = False

    def complete(self, result: Payload | None, failure: Failure | None) -> None:
        if failure is not None and not self._accepted:
            self._run.open_task.rejected.add(self.id)
            self._run.open_task.afterwards(lambda: self.tell(None, failure))
            return
        self._run.command(lambda completed: self._record_completed(result, failure))

    def tell(self, result: Payload | None, failure: Failure | None) -> None:
        if self._known is None:
            self._known = result, failure
            for answer in self._waiting:
                answer(result, failure)

    def also(self, answer: Answer) -> None:
        """Asked again under the same id: it is the same update."""
        if self._known is None:
            self._waiting.append(answer)
        else:
            answer(*self._known)

    def workflow_closed(self) -> None:
        """The server's words to who waits for an update that the workflow has left unanswered."""
        if self._accepted:
            message = "Workflow Update failed because the Workflow completed before the Update"
            message += " completed."
            failure = Failure(message=message, source="Server")
            failure.application_failure_info.type = "AcceptedUpdateCompletedWorkflow"
            failure.application_failure_info.non_retryable = True
        else:
            failure = Failure(message="workflow execution already completed", source="Server")
            failure.application_failure_info.type = "NotFound"
        self.tell(None, failure)

    def _record_accepted(self, completed: int) -> None:
        request = Request(
            meta=Meta(update_id=self.id, identity=IDENTITY),
            input=Input(
                name=self._name,
                args=Payloads(payloads=self._arguments),
                header=Header(fields=self._headers),
            ),
        )
        self._accepted_event = self._run.record(
            "workflow_execution_update_accepted",
            protocol_instance_id=self.id,
            accepted_request_message_id=f"{self.id}/request",
            accepted_request_sequencing_event_id=self._admitted_after,
            accepted_request=request,
        )

    def _record_completed(self, result: Payload | None, failure: Failure | None) -> None:
        if failure is not None:
            outcome: dict[str, object] = {"failure": failure}
        else:
            outcome = {"success": Payloads(payloads=[result] if result is not None else [])}
        self._run.record(
            "workflow_execution_update_completed",
            meta=Meta(update_id=self.id, identity=IDENTITY),
            accepted_event_id=self._accepted_event,
            outcome=outcome,
        )
        self.tell(result, failure)


def respond(run: Run, given: UpdateResponse) -> None:
    update = run.updates[given.protocol_instance_id]
    if given.HasField("accepted"):
        update.accept()
    elif given.HasField("rejected"):
        update.complete(None, given.rejected)
    else:
        update.complete(given.completed, None)
