"""Recorded histories and upgrades: which runs would be stuck with new code, and no false pass."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Interceptor, UnsandboxedWorkflowRunner, Worker

from musterwerk.errors import UsageError
from musterwerk.testing import ReplayFixture, Simulator, read_histories, replay, write_history

MINUTE = timedelta(minutes=1)


@activity.defn
async def reserve(order: str) -> None: ...


@activity.defn
async def charge(order: str) -> None: ...


async def call(step: str, order: str) -> None:
    await workflow.execute_activity(step, order, start_to_close_timeout=MINUTE)


@workflow.defn(name="Order")
class Old:
    @workflow.run
    async def run(self, order: str) -> str:
        await call("reserve", order)
        await workflow.sleep(1)
        await call("charge", order)
        return order


@workflow.defn(name="Order")
class Unguarded:
    """It charges first."""

    @workflow.run
    async def run(self, order: str) -> str:
        await call("charge", order)
        await workflow.sleep(1)
        await call("reserve", order)
        return order


@workflow.defn(name="Order")
class Guarded:
    @workflow.run
    async def run(self, order: str) -> str:
        if workflow.patched("charge first"):
            return await Unguarded().run(order)
        return await Old().run(order)


@workflow.defn(name="Order")
class Broken:
    @workflow.run
    async def run(self, order: str) -> str:
        raise KeyError(order)


def recorded(order: str, *, run: type = Old) -> WorkflowHistory:
    with Simulator(workflows=[run], activities=[reserve, charge]) as simulator:
        return simulator.run(run.run, order, id=order).history  # type: ignore[attr-defined]


def cut(history: WorkflowHistory, events: int) -> WorkflowHistory:
    return WorkflowHistory(history.workflow_id, list(history.events)[:events])


async def test_an_upgrade_says_which_runs_would_be_stuck_and_the_way_out() -> None:
    old = [recorded("O-1"), cut(recorded("O-2"), 3), recorded("O-3")]
    report = await replay(old, workflows=[Unguarded])
    assert (report.count, report.ok) == (3, False)
    first, second = report.failures
    assert (first.workflow_id, second.workflow_id) == ("O-1", "O-3")
    assert (first.workflow_type, first.path, first.nondeterministic) == ("Order", None, True)
    assert first.run_id == old[0].run_id
    assert first.message == (
        "[TMPRL1100] Nondeterminism error: Activity type of scheduled event 'reserve' does not"
        " match activity type of activity command 'charge'"
    )
    with pytest.raises(AssertionError, match="2 of 3 runs would be stuck") as raised:
        report.raise_if_failed()
    assert "workflow.patched(" in str(raised.value)


async def test_a_guarded_upgrade_passes() -> None:
    report = await replay([recorded("O-1"), recorded("O-2")], workflows=[Guarded])
    assert report.raise_if_failed().count == 2
    assert str(report) == "2 runs replay with this code."


async def test_code_that_raises_is_told_from_code_that_changed() -> None:
    (failure,) = (await replay([recorded("O-1")], workflows=[Broken])).failures
    assert (failure.message, failure.nondeterministic) == ("KeyError: 'O-1'", False)
    report = await replay([recorded("O-1")], workflows=[Other])
    assert "Workflow class Order is not registered" in report.failures[0].message
    assert "every workflow class" in str(report)
    assert "patched" not in str(report)


@workflow.defn
class Other:
    @workflow.run
    async def run(self) -> None: ...


async def test_many_failures_are_counted_and_some_are_shown() -> None:
    runs = [recorded(f"O-{number}") for number in range(12)]
    runner = UnsandboxedWorkflowRunner()
    report = await replay(runs, workflows=[Unguarded], workflow_runner=runner)
    assert len(report.failures) == 12
    assert "and 2 more" in str(report)
    assert str(report).count("TMPRL1100") == 10


async def test_files_are_written_read_and_replayed(tmp_path: Path, replay: ReplayFixture) -> None:
    for order in ("O-2", "O-1"):
        written = write_history(tmp_path / "v1" / f"run-{order}.json", recorded(order))
        assert written.exists()
    first, second = read_histories(tmp_path)
    assert (first.workflow_id, second.workflow_id) == ("O-1", "O-2")
    assert first.path == tmp_path / "v1" / "run-O-1.json"
    assert first.events == recorded("O-1").events
    assert (await replay(tmp_path, workflows=[Old])).count == 2
    assert (await replay(first.path, workflows=[Old])).count == 1
    with pytest.raises(AssertionError, match=r"Order O-1 \(.*run-O-1\.json\): \[TMPRL1100\]"):
        await replay(tmp_path, workflows=[Unguarded])


async def test_as_temporals_command_line_writes_it(client: Client, tmp_path: Path) -> None:
    """`temporal workflow show --output json` names its enums in full; a real server wrote it."""
    async with Worker(
        client, task_queue="histories", workflows=[Old], activities=[reserve, charge]
    ):
        handle = await client.start_workflow(
            Old.run, "O-1", id="histories-O-1", task_queue="histories"
        )
        await handle.result()
    plain = json.loads((await handle.fetch_history()).to_json())
    assert plain["events"][0]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"
    plain["events"][0]["eventType"] = "WorkflowExecutionStarted"  # as the web UI writes it
    (tmp_path / "o.json").write_text(json.dumps(plain))
    assert read_histories(tmp_path)[0].workflow_id == "histories-O-1"
    assert (await replay(tmp_path, workflows=[Old])).ok
    assert not (await replay(tmp_path, workflows=[Unguarded])).ok


class Seen(Interceptor):
    used = False

    def workflow_interceptor_class(self, input: object) -> None:
        Seen.used = True


async def test_the_workers_options_are_handed_on() -> None:
    await replay([recorded("O-1")], workflows=[Old], interceptors=[Seen()])
    assert Seen.used


async def test_nothing_to_replay_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no recorded history.*temporal workflow show"):
        await replay(tmp_path, workflows=[Old])
    with pytest.raises(UsageError, match="there is no folder"):
        await replay(str(tmp_path / "none"), workflows=[Old])
    with pytest.raises(UsageError, match="would prove nothing"):
        await replay([], workflows=[Old])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("[]", "remove it"),
        ('{"name": "musterwerk"}', "remove it|has no events"),
        ('{"events": []}', "has no events"),
        ('{"events": [{"eventId": "1", "timerStartedEventAttributes": {}}]}', "does not begin"),
    ],
)
async def test_a_file_that_is_no_history_is_named(tmp_path: Path, text: str, why: str) -> None:
    write_history(tmp_path / "a.json", recorded("O-1"))
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(UsageError, match=rf"b\.json is no history of a workflow.*{why}"):
        await replay(tmp_path, workflows=[Old])


async def test_a_history_with_a_hole_is_refused(tmp_path: Path) -> None:
    """Temporal's Replayer would wait for what is missing, for ever."""
    events = list(recorded("O-1").events)
    hole = WorkflowHistory("O-1", events[:4] + events[6:])
    with pytest.raises(UsageError, match="history of O-1 has event 7 in the place of event 5"):
        await replay([hole], workflows=[Old])
    with pytest.raises(UsageError, match="has event 7 in the place"):
        write_history(tmp_path / "o.json", hole)
    with pytest.raises(UsageError, match=r"ends in \.json"):
        write_history(tmp_path / "o.txt", recorded("O-1"))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


async def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for stderr, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stderr)
        await replay([recorded("O-1"), recorded("O-2")], workflows=[Old])
        assert stderr.getvalue().endswith("replaying 2 of 2\n") == shown
