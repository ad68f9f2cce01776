"""Recorded histories still replay: requests that are open today survive the next release."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from musterwerk.approvals.workflow import ApprovalWorkflow
from tests.approvals.record import CASES, HISTORIES

RECORDED = sorted(HISTORIES.glob("*.json"))


def test_there_are_histories() -> None:
    names = {case.__name__ for case in CASES} | {"continued-before"}
    assert {path.stem for path in RECORDED} == names


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_replays(path: Path) -> None:
    replayer = Replayer(workflows=[ApprovalWorkflow], data_converter=pydantic_data_converter)
    history = WorkflowHistory.from_json(path.stem, path.read_text())
    asyncio.run(replayer.replay_workflow(history))
