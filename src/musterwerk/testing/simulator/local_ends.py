"""How a local activity ends: what its workflow is told, and the marker that remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import RetryState
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_commands import ScheduleLocalActivity

from musterwerk.testing.simulator import failures
from musterwerk.testing.simulator.clock import NS
from musterwerk.testing.simulator.log import Attributes, timestamp
from musterwerk.testing.simulator.marks import json_payload


@dataclass(frozen=True)
class LocalEnd:
    """`backoff`: it has failed, and is to be scheduled anew after so long. `time` is the workflow's
    when it ended; None where that was not waited for."""

    result: Payload | None = None
    failure: Failure | None = None
    canceled: bool = False
    backoff: int | None = None
    time: int | None = None

    def resolution(
        self, given: ScheduleLocalActivity, number: int, scheduled_at: int
    ) -> dict[str, Any]:
        if self.backoff is not None:
            return {
                "backoff": {
                    "attempt": number + 1,
                    "backoff_duration": _span(self.backoff),
                    "original_schedule_time": timestamp(scheduled_at),
                }
            }
        if self.failure is None:
            return {"completed": {"result": self.result}}
        if self.canceled:
            wrapped = wrap(given, "Local Activity cancelled", self.failure)
            return {"cancelled": {"failure": wrapped}}
        return {"failed": {"failure": self.failure}}

    def marker(
        self, given: ScheduleLocalActivity, number: int, scheduled_at: int, activation: int
    ) -> Attributes:
        data = json_payload(
            {
                "seq": given.seq,
                "attempt": number,
                "activity_id": given.activity_id,
                "activity_type": given.activity_type,
                "complete_time": None if self.time is None else _span(self.time),
                "backoff": None if self.backoff is None else _span(self.backoff),
                "original_schedule_time": _span(scheduled_at),
                "activation_index": activation,
            }
        )
        details = {"data": Payloads(payloads=[data])}
        if self.result is not None:
            details["result"] = Payloads(payloads=[self.result])
        return {
            "marker_name": "core_local_activity",
            "details": details,
            "failure": self.failure,
        }


def wrap(given: ScheduleLocalActivity, message: str, failure: Failure) -> Failure:
    return failures.of_activity(
        message,
        failure,
        activity_type=given.activity_type,
        activity_id=given.activity_id,
        retry_state=RetryState.RETRY_STATE_CANCEL_REQUESTED,
    )


def _span(span: int) -> dict[str, int]:
    return {"seconds": span // NS, "nanos": span % NS}
