"""Recorded histories still replay: sagas that run today survive the next release."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from tests.saga.record import CASES, HISTORIES, WORKFLOWS

RECORDED = sorted(HISTORIES.glob("*.json"))


def test_there_are_histories() -> None:
    assert len(RECORDED) == len(CASES)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_replays(path: Path) -> None:
    replayer = Replayer(
        workflows=WORKFLOWS,
        data_converter=pydantic_data_converter,
    )
    history = WorkflowHistory.from_json(path.stem, path.read_text())
    asyncio.run(replayer.replay_workflow(history))
