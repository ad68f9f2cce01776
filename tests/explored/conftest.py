from __future__ import annotations

from collections.abc import Callable

import pytest

from musterwerk.testing import Exploration


@pytest.fixture
def complete(request: pytest.FixtureRequest) -> Callable[[Exploration], None]:
    """Every set of faults was tried, unless the command line wanted only so much of it."""
    limits = ("--explore-walks", "--explore-budget")
    limited = any(request.config.getoption(one) is not None for one in limits)

    def check(report: Exploration) -> None:
        assert report.exhausted or limited, str(report)

    return check
