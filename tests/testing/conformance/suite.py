"""The cases of the conformance suite."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.common import RetryPolicy

from musterwerk.testing import Attempt, Natural, Start
from tests.testing.conformance import activities as a
from tests.testing.conformance import relatives
from tests.testing.conformance import workflows as w
from tests.testing.conformance.cases import Case, Stage
from tests.testing.conformance.engines import chain

_ACTIVITIES = [
    a.greet, a.greet_synchronously, a.Greeter("good day").greet_with, a.fails_until, a.refuses,
    a.delays_its_retry, a.takes, a.goes_on_from_heartbeat, a.beats_then_hangs,
    a.waits_to_be_cancelled,
]  # fmt: skip


class Nobody(Natural):
    """No worker takes an activity."""

    def attempt_starts(self, attempt: Attempt) -> Start:
        return Start(queued=timedelta(days=1))


async def _signals(stage: Stage) -> object:
    await stage.reached("workflow_task_completed")
    for word in ("one", "two", "three"):
        await stage.handle.signal(w.Mailbox.say, word)
    return None


async def _asks(stage: Stage) -> object:
    await stage.reached("workflow_task_completed")
    answers: list[Any] = [await stage.handle.query(w.Mailbox.words)]
    try:
        await stage.handle.query(w.Mailbox.breaks)
    except WorkflowQueryFailedError as error:
        answers.append(str(error))
    await stage.handle.signal(w.Mailbox.say, "one")
    return answers


async def _updates(stage: Stage) -> object:
    await stage.reached("workflow_task_completed")
    answers: list[Any] = [await stage.handle.execute_update(w.Mailbox.add, "one")]
    try:
        await stage.handle.execute_update(w.Mailbox.add, "")
    except WorkflowUpdateFailedError as error:
        answers.append(chain(error.cause))
    try:
        await stage.handle.execute_update(w.Mailbox.fail)
    except WorkflowUpdateFailedError as error:
        answers.append(chain(error.cause))
    answers.append(await stage.handle.execute_update(w.Mailbox.add_slowly, "two"))
    return answers


async def _tells_late(stage: Stage) -> None:
    await stage.reached("timer_started")
    await stage.handle.signal("late", "early word")


async def _cancels_timer(stage: Stage) -> None:
    await stage.reached("timer_started")
    await stage.handle.cancel()


async def _cancels_activity(stage: Stage) -> None:
    await stage.reached("activity_task_scheduled")
    await stage.handle.cancel()


async def _terminates(stage: Stage) -> None:
    await stage.reached("timer_started")
    await stage.handle.terminate(reason="enough")


def _calls(what: str, **options: Any) -> Case:
    name = f"call-{what.replace(' ', '-').replace(',', '')}"
    return Case(name, w.Calls.run, [w.Calls], _ACTIVITIES, [what], **options)


def _cancel(kind: str, answer: str) -> Case:
    name = f"cancel-{kind}-{answer}".replace(" ", "-").lower()
    return Case(name, w.Cancels.run, [w.Cancels], _ACTIVITIES, [kind, answer], loose=True)


def _local(what: str, **options: Any) -> Case:
    name = f"local-{what.replace(' ', '-')}".lower()
    return Case(name, w.Locals.run, [w.Locals], _ACTIVITIES, [what], **options)


def _parent(what: str, **options: Any) -> Case:
    name = f"child-{what.replace(' ', '-')}".lower()
    return Case(
        name,
        relatives.Parent.run,
        [relatives.Parent, relatives.Child],
        (),
        [what],
        loose=True,
        **options,
    )


def _case(name: str, cls: Any, *args: Any, **options: Any) -> Case:
    return Case(name, cls.run, [cls, relatives.Child], _ACTIVITIES, args, **options)


def _fickle(name: str, cls: Any, **options: Any) -> Case:
    not_on = {"replayer": "it cannot be replayed: that is the point"}
    return _case(name, cls, evicted=True, own_words=True, not_on=not_on, **options)


CASES = [
    _calls("async"),
    _calls("sync"),
    _calls("method"),
    _calls("retried"),
    _calls("exhausted"),
    _calls("refused"),
    _calls("not for this"),
    _calls("own delay"),
    _calls("heartbeat details"),
    _calls("start to close"),
    _calls("start to close, again"),
    _calls("schedule to close"),
    _calls("schedule to close while retrying"),
    _calls("no time for a retry"),
    _calls("schedule to start", decisions=Nobody()),
    _calls("heartbeat"),
    *(
        _cancel(kind, answer)
        for kind in ("TRY_CANCEL", "WAIT_CANCELLATION_COMPLETED")
        for answer in ("agree", "fail", "complete", "never sent")
    ),
    _cancel("ABANDON", "never sent"),
    *(_case(f"wait-{what.replace(' ', '-')}", w.Waits, what) for what in (
        "sleep", "condition", "cancelled timer", "timer never sent"
    )),
    _case("wait-both", w.Waits, "both", loose=True),
    _case("long-wait", w.LongWait, not_on={"server": "it would take 40 days"}),
    _case("signals", w.Mailbox, 3, outside=_signals, loose=True),
    _case("queries", w.Mailbox, 1, outside=_asks),
    _case("updates", w.Mailbox, 2, outside=_updates, loose=True),
    _case("late-handler", w.Late, outside=_tells_late, loose=True),
    _case("cancelled-timer", w.Cancelled, "timer", outside=_cancels_timer),
    _case("cancelled-swallowed", w.Cancelled, "swallowed", outside=_cancels_timer),
    _case("cancelled-cleans-up", w.Cancelled, "cleans up", outside=_cancels_timer),
    _case("cancelled-activity", w.Cancelled, "activity", outside=_cancels_activity, loose=True),
    _case("terminated", w.Cancelled, "timer", outside=_terminates),
    *(_parent(what) for what in (
        "simple", "fail", "exists", "signal", "never sent",
        "TERMINATE", "ABANDON", "REQUEST_CANCEL",
    )),
    *(_parent(what) for what in (
        "TRY_CANCEL", "WAIT_CANCELLATION_COMPLETED", "WAIT_CANCELLATION_REQUESTED",
    )),
    *(_case(f"neighbour-{what.replace(' ', '-')}", relatives.Neighbour, what, loose=True)
      for what in ("missing signal", "missing cancel", "signal", "cancel")),
    _case("continue-as-new", w.Counts, 2, 0),
    _case("patched", w.Patched),
    _case("fails", w.Fails, "once"),
    _case("fails-finally", w.Fails, "final", options={"retry_policy": RetryPolicy()}),
    _case("fails-until-third", w.Fails, "until third", options={
        "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=50)),
    }),
    _case("run-times-out", w.Fails, "hangs", options={"run_timeout": timedelta(seconds=1)}),
    _case("execution-times-out", w.Fails, "hangs", options={
        "execution_timeout": timedelta(seconds=1),
    }),
    _case("memo", w.Fails, "memo"),
    _fickle("nondeterminism", w.Fickle, failure_types=[workflow.NondeterminismError]),
    _fickle("nondeterminism-retried", w.Fickle, failure_types=[Exception], options={
        "retry_policy": RetryPolicy(initial_interval=w.SOON, maximum_attempts=2),
    }),
    _fickle("nondeterminism-by-definition", w.FickleAndFailing),
    *(_local(what) for what in (
        "one", "sync", "several", "retried", "refused", "backoff", "timeout", "schedule to close",
        "TRY_CANCEL", "WAIT_CANCELLATION_COMPLETED", "ABANDON",
    )),
]  # fmt: skip
