"""Whatever is declared wrongly ends in words: which schedule, which field, what to do instead."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.converter import DataConverter

from musterwerk import schedules
from musterwerk.errors import UsageError
from musterwerk.schedules import Calendar, Retry, Schedule, When
from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.declaring import in_code, read_declaration
from musterwerk.schedules.mark import Mark
from musterwerk.schedules.protos import new_state, to_server
from tests.schedules.test_declaring import flaws, table

#: Field, value as TOML, and what is said.
WRONG = [
    ("runs", "9223372036854775808", "runs: 9223372036854775807 or less is expected"),
    ("runs", "true", "runs: a whole number is expected"),
    ("runs", "0", "runs: 1 or more is expected"),
    ("jitter", '"-PT5S"', "jitter: 0 seconds or more is expected"),
    ("grace", "0", "grace: 1 second or more is expected"),
    ("grace", "-5", "grace: 1 second or more is expected"),
    ("grace", "true", "grace: a length of time is expected"),
    ("catch_up", '"40000 days"', "catch_up: 36500 days or less is expected"),
    ("execution_timeout", "0", "execution_timeout: 1 second or more is expected"),
    ("execution_timeout", '"200000d"', "execution_timeout: 36500 days or less is expected"),
    ("run_timeout", "-1", "run_timeout: 1 second or more is expected"),
    ("task_timeout", '"3m"', "task_timeout: 2 minutes or less is expected"),
    ("every", "0", "every: 0:00:00 is none; whole seconds from 1 on are expected"),
    ("every", f'"{"9" * 5000} days"', "every: '999999"),
    ("every", "1e300", "every: a length of time is expected"),
    ("exclude", "[5]", "exclude.0: a date is expected, such as 2026-12-24"),
    ("note", r'"a\u0000b"', "note: a NUL character is in it"),
    ("task_queue", r'"a\u0000b"', "task_queue: a NUL character is in it"),
    ("cron", f'"{"9" * 900} * * * *"', "cron: '9999"),
    ("cron", f'"{"9" * 5000} * * * *"', "cron.0: at most 1000 characters are expected"),
    ("on", f"[{{ hour = {'9' * 4000} }}]", "on.0.hour: the number is too large"),
    ("on", "[{ hours = 5 }]", "on.0.hours: no such field; did you mean 'hour'?"),
    ("retry", "{ maximum_attempts = 2147483648 }", "retry.maximum_attempts: 2147483647 or less"),
    ("retry", "{ maximum_attempts = true }", "retry.maximum_attempts: a whole number is expected"),
    ("retry", '{ initial_interval = "0s" }', "retry.initial_interval: more than 0 seconds"),
    ("retry", "{ backoff_coefficient = inf }", "retry.backoff_coefficient: a number is expected"),
    (
        "retry",
        "{ max_attempts = 3 }",
        "max_attempts: no such field; did you mean 'maximum_attempts",
    ),
    (
        "retry",
        '{ initial_interval = "1m", maximum_interval = "30s" }',
        "retry.maximum_interval: initial_interval, which is 1 minute, or more is expected",
    ),
    ("timezone", '"UTC"', "timezone: no such field; did you mean 'time_zone'?"),
    ("when", '{ cron = "@daily" }', "when: no such field; cron, every and the like stand beside"),
    ("args", f'["{"x" * 3_000_000}"]', "args: 3.0 MB"),
    ("memo", f'{{ a = "{"x" * 1_100_000}" }}', "memo: 1.1 MB"),
    ("note", f'"{"x" * 2_100_000}"', "note: 2.1 MB"),
]


@pytest.mark.parametrize(("field", "value", "said"), WRONG, ids=lambda one: str(one)[:40])
def test_one_bad_schedule_is_told_and_so_are_the_others(
    tmp_path: Path, field: str, value: str, said: str
) -> None:
    found = flaws(tmp_path, table("bad", **{field: value}) + table("late", cron='"61 * * * *"'))
    (first,) = [line for line in found if line.startswith("schedule 'bad': ")]
    assert said in first
    (other,) = [line for line in found if line not in first]
    assert other.startswith("schedule 'late': cron: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"set = {'[' * 5000}{']' * 5000}", "too many lists or tables are within each other"),
        (table("a", runs="9" * 5000), "a number in it has more digits than can be read"),
        ("[schedule]\nname = 'a'", "[schedule] is one table; write [[schedule]] over each"),
        ("schedule = [1]", "schedule number 1: a table (an object) is expected"),
    ],
    ids=("nested", "digits", "one table", "no table"),
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    assert flaws(tmp_path, text) == [said]


def test_what_is_wrong_with_the_file_hides_no_schedule(tmp_path: Path) -> None:
    found = flaws(tmp_path, 'set = "a b"\nschedules = 1\n' + table("a", runs="0"))
    assert [line.split(":")[0] for line in found] == ["schedules", "set", "schedule 'a'"]
    assert "did you mean 'schedule'?" in found[0]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "jobs.toml"
    path.write_text("\ufeff" + table("a"), "utf-8")
    assert read_declaration(str(path)).schedules[0].name == "a"


def test_python_is_told_the_same(tmp_path: Path) -> None:
    """By TOML and by Python, in the same words."""
    wrong: dict[str, Any] = {"runs": True, "grace": "soon", "catchup": "1d", "overlap": "maybe"}
    with pytest.raises(UsageError) as caught:
        Schedule("a", "W", task_queue="q", when=schedules.cron("0 6 * * *"), **wrong)
    fields = {"runs": "true", "grace": '"soon"', "catchup": '"1d"', "overlap": '"maybe"'}
    assert sorted(str(caught.value).splitlines()) == sorted(flaws(tmp_path, table("a", **fields)))
    assert "catchup: no such field; did you mean 'catch_up'?" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: schedules.every("soon"), "every: a length of time is expected"),
        (lambda: schedules.cron("0 6 * * *", time_zoen="UTC"), "did you mean 'time_zone'?"),
        (lambda: schedules.at(datetime(2026, 1, 1)), "at.0: the time zone is missing"),  # noqa: DTZ001
        (partial(cast("Any", Calendar), hours="1"), "hours: no such field; did you mean 'hour'?"),
        (lambda: Retry(maximum_attempts=2**31), "maximum_attempts: 2147483647 or less"),
        (lambda: Schedule("a", "W", "q"), "takes name and workflow alone without their names"),
        (lambda: Schedule("a", "W", task_queue="q", cron="0 6 * * *"), "it is one of `when`"),
        (lambda: Schedule("a", int, task_queue="q", when=When()), "int'> is no workflow"),
        (lambda: Schedule("a", "W\ud800", task_queue="q", when=When()), "workflow: a character"),
    ],
)
def test_python_raises_no_error_of_a_library(make: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert said in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_an_interval_of_nothing_is_not_called_a_missing_cron() -> None:
    none = Schedule("a", "W", task_queue="q", when=schedules.every("0s"))
    with pytest.raises(UsageError, match="schedule 'a': every: 0:00:00 is none"):
        in_code([none], "x")


def test_what_a_later_version_wrote_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(table("a"))
    (declared,) = read_declaration(str(tmp_path / "a.toml")).schedules
    given = Mark(declared=declared, set_name="x", as_of=datetime(2026, 1, 1)).as_json()  # noqa: DTZ001
    given["declared"] |= {"new": 1, "when": given["declared"]["when"] | {"new": 2}}
    assert Mark.read(given).declared == declared


LENGTHS = st.timedeltas() | st.sampled_from([timedelta(0), timedelta.max, timedelta.min])
NUMBERS = st.integers() | st.sampled_from([0, 2**31, 2**63, 2**64, 10**400])


@given(LENGTHS, LENGTHS, NUMBERS, NUMBERS, st.floats(), st.text())
async def test_whatever_is_taken_can_be_sent(
    one: timedelta, other: timedelta, runs: int, attempts: int, factor: float, text: str
) -> None:
    """An error while applying would come too late, and stop the others."""
    try:
        when = When(cron=("0 6 * * *",), jitter=other)
        retry = Retry(
            initial_interval=one,
            maximum_interval=other,
            maximum_attempts=attempts,
            backoff_coefficient=factor,
        )
        taken = Schedule(
            "a",
            text or "W",
            task_queue=text or "q",
            when=when,
            retry=retry,
            runs=runs,
            catch_up=one,
            execution_timeout=one,
            task_timeout=other,
            note=text,
        )
    except UsageError:
        return
    spec = compile_when(taken.when, datetime.fromisoformat("2026-11-28T00:00:00Z"))
    await to_server(taken, spec, DataConverter.default, new_state(taken))


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a module into the current folder, and forgets it."""
    monkeypatch.chdir(tmp_path)
    kept = dict(sys.modules)

    def write(code: str) -> None:
        sys.modules.pop("my_jobs", None)
        head = "from musterwerk import schedules\nfrom musterwerk.schedules import *\n"
        (tmp_path / "my_jobs.py").write_text(head + code)

    yield write
    for name in set(sys.modules) - set(kept):
        del sys.modules[name]


ONE = 'Schedule("a", "W", task_queue="q", when=schedules.every("5m"))'


def test_a_module_of_the_current_folder(module: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = list(sys.path)
    module(f"print('hello')\ndef many():\n    print('world')\n    yield {ONE}\nnightly = many()")
    found = read_declaration("my_jobs:nightly")
    assert (found.schedules[0].name, found.set_name) == ("a", "my_jobs.nightly")
    assert capsys.readouterr() == ("", "hello\nworld\n")
    assert sys.path == before


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("class Odd(BaseException): ...\nraise Odd('no')", "importing it fails: Odd: no"),
        ("raise SystemExit(3)", "importing it fails: SystemExit: 3"),
        (f"def f():\n    yield {ONE}\n    raise OSError('gone')\nx = f()", "fails: OSError: gone"),
        ("x = Schedule('a', 'W', task_queue='q', when=When(), runs=0)", "schedule 'a': runs: 1 or"),
        ("y = 1", "has no attribute 'x'"),
        ("x = 1", "my_jobs:x is no Schedule, and no list of them"),
        ("x = []", "my_jobs:x is no Schedule, and no list of them"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("x = 1 +", "importing it fails: SyntaxError"),
    ],
)
def test_a_module_that_does_what_it_wants(module: Any, code: str, said: str) -> None:
    module(code)
    with pytest.raises(UsageError) as caught:
        read_declaration("my_jobs:x")
    assert said in str(caught.value)
    assert all(line.startswith("my_jobs:x") for line in str(caught.value).splitlines())


def test_control_c_stops_reading(module: Any) -> None:
    module("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        read_declaration("my_jobs:x")


@pytest.mark.parametrize("where", [":", "jobs:", ":nightly", "..jobs:x", "nothing:x", "a\0:b"])
def test_no_module_at_all(where: str) -> None:
    with pytest.raises(UsageError):
        read_declaration(where)
