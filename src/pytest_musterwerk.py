"""What pytest knows of Musterwerk, without any line in a conftest.

It is loaded into every run of pytest where Musterwerk is installed, so it imports nothing until
something of it is used. Hence its place: a module inside the package would import the package, and
that Temporal's SDK.
"""

from __future__ import annotations

import inspect
import re
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from typing import Unpack

    from musterwerk.testing import Exploration, ReplayFixture, ReplayOptions, ReplayReport
    from musterwerk.testing.histories import Histories


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> ReplayFixture:
    """`await replay("histories", workflows=[Order])` fails where a recorded run would be stuck.

    A relative folder is looked for beside the test's file.
    """
    from musterwerk.testing import replay as replay_all

    async def replay_from_here(
        histories: Histories, *, workflows: Sequence[type], **options: Unpack[ReplayOptions]
    ) -> ReplayReport:
        if isinstance(histories, str | Path):
            histories = request.path.parent / histories
        report = await replay_all(histories, workflows=workflows, **options)
        return report.raise_if_failed()

    return replay_from_here


_EXPLORATION = "exploration"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("musterwerk", "Musterwerk: processes under faults (fixture explore)")
    group.addoption(
        "--explore-faults", type=int, metavar="N", help="try up to N faults at once in every test"
    )
    group.addoption(
        "--explore-budget", type=float, metavar="SECONDS",
        help="end each exploration then; the summary says what was not exhausted",
    )  # fmt: skip
    group.addoption(
        "--explore-walks", type=int, metavar="N",
        help="try N random sets of faults in every test instead of all sets",
    )  # fmt: skip
    group.addoption("--explore-seed", type=int, metavar="SEED", help="of what is random in a run")
    group.addoption(
        "--explore-write", type=Path, metavar="FOLDER",
        help="write each counterexample as a test file into this folder",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "explore(max_faults=2, budget=None, ...): what the fixture explore gives to"
        " musterwerk.testing.explore in this test, if the call does not say otherwise",
    )


@pytest.fixture
def explore(request: pytest.FixtureRequest) -> Iterator[Callable[..., Awaitable[Exploration]]]:
    """`await explore(Order.run, "O-1", world=Shop, invariants=[...])` fails with a counterexample.

    The command line goes before the call's arguments, and these before the test's marker.
    """
    from musterwerk.testing import explore as explore_all

    async def begin(*args: Any, **options: Any) -> Exploration:
        marker = request.node.get_closest_marker("explore")
        usual: dict[str, Any] = dict(marker.kwargs) if marker else {}
        given: dict[str, Any] = {**usual, **options, **_wanted(request.config)}
        if given.get("only") is not None:
            given.pop("walks", None)
        report = await explore_all(*args, **given)
        told = str(report).splitlines()
        said = "; ".join(told) if report.ok else told[0]
        request.node.user_properties.append((_EXPLORATION, said))
        try:
            return report.raise_if_violated()
        except AssertionError as violated:
            folder = request.config.getoption("--explore-write")
            if problem := _write(report, folder, request.node.nodeid):
                violated.add_note(problem)
            raise

    called: list[Coroutine[Any, Any, Exploration]] = []

    def explore_here(*args: Any, **options: Any) -> Awaitable[Exploration]:
        called.append(begin(*args, **options))
        return called[-1]

    yield explore_here
    forgotten = [one for one in called if inspect.getcoroutinestate(one) == inspect.CORO_CREATED]
    for one in forgotten:
        one.close()
    if forgotten:
        pytest.fail("explore(...) was called and not awaited: nothing was explored")


def _write(report: Exploration, folder: Path | None, nodeid: str) -> str:
    """Says why it could not. That must not hide what was found."""
    if folder is None or report.counterexample is None:
        return ""
    name = re.sub(r"\W+", "_", nodeid).strip("_")
    # Parameters that differ in a sign only are the same word by now.
    mark = f"_{zlib.crc32(nodeid.encode()):08x}" if "[" in nodeid else ""
    file = folder / f"test_found_by_{name}{mark}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(report.counterexample.as_pytest(), encoding="utf-8")
    except Exception as error:  # the disk's, or of the user's values
        return f"--explore-write: {file} could not be written: {type(error).__name__}: {error}"
    return ""


def _wanted(config: pytest.Config) -> dict[str, Any]:
    """What the command line asks for, whatever the tests say."""
    wanted: dict[str, Any] = {
        "max_faults": config.getoption("--explore-faults"),
        "walks": config.getoption("--explore-walks"),
        "seed": config.getoption("--explore-seed"),
    }
    seconds = config.getoption("--explore-budget")
    if seconds is not None:
        wanted["budget"] = timedelta(seconds=seconds)
    return {name: value for name, value in wanted.items() if value is not None}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was explored, for a test that passes does not say how much it has tried."""
    lines = [
        f"{report.nodeid}: {what}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for name, what in report.user_properties
        if name == _EXPLORATION
    ]
    if lines:
        terminalreporter.section("explorations")
        for line in lines:
            terminalreporter.line(line)
