"""Patches, search attributes and memo: what a workflow writes down about itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.bridge.proto.workflow_commands import (
    ModifyWorkflowProperties,
    SetPatchMarker,
    UpsertWorkflowSearchAttributes,
)

if TYPE_CHECKING:
    from musterwerk.testing.simulator.run import Run

_VERSIONS = "TemporalChangeVersion"


def json_payload(value: object) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value).encode())


def patch(run: Run, given: SetPatchMarker) -> None:
    """A patch is marked once in a run, and listed in a search attribute."""
    if given.patch_id in run.patches:
        return
    run.patches.append(given.patch_id)
    run.open_task.undo(lambda: run.patches.remove(given.patch_id))
    run.open_task.patches.append(given.patch_id)
    data = json_payload({"id": given.patch_id, "deprecated": given.deprecated})
    names = json_payload(sorted(run.patches))
    names.metadata["type"] = b"KeywordList"

    def record(completed: int) -> None:
        run.record(
            "marker_recorded",
            marker_name="core_patch",
            details={"patch-data": Payloads(payloads=[data])},
            workflow_task_completed_event_id=completed,
        )

    run.command(record)
    _upsert(run, {_VERSIONS: names})


def search_attributes(run: Run, given: UpsertWorkflowSearchAttributes) -> None:
    fields = dict(given.search_attributes.indexed_fields)
    _upsert(run, fields)
    run.search_attributes.update(fields)


def _upsert(run: Run, fields: dict[str, Payload]) -> None:
    def record(completed: int) -> None:
        run.record(
            "upsert_workflow_search_attributes",
            search_attributes={"indexed_fields": fields},
            workflow_task_completed_event_id=completed,
        )

    run.command(record)


def memo(run: Run, given: ModifyWorkflowProperties) -> None:
    fields = dict(given.upserted_memo.fields)
    run.memo.update(fields)

    def record(completed: int) -> None:
        run.record(
            "workflow_properties_modified",
            upserted_memo={"fields": fields},
            workflow_task_completed_event_id=completed,
        )

    run.command(record)
