"""What pytest knows of Musterwerk, without any line in a conftest.

It is loaded into every run of pytest where Musterwerk is installed, so it imports nothing until
something of it is used. Hence its place: a module inside the package would import the package, and
that Temporal's SDK.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Unpack

    from musterwerk.testing import ReplayFixture, ReplayOptions, ReplayReport
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
