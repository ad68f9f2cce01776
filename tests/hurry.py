"""What only makes tests slow, and proves nothing in them: costly hashes, disks that are waited for.

A plugin of pytest. What takes long in real use stays as it is there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a folder of the user's own in it
_ENOUGH = 2 * 2**30
#: Where pytest makes its folders; whoever has set it keeps it.
_ROOT = "PYTEST_DEBUG_TEMPROOT"
#: They wait for the clock more than they compute: begun first, others compute meanwhile.
_FIRST = (
    "tests/schedules/ledger/test_outages.py",
    "tests/shop/test_operator.py",
    "tests/benchmarks/",
    "tests/shop/test_demo.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Databases write each commit to the disk: tests do not have to survive a power cut."""
    given = config.option.basetemp or os.environ.get(_ROOT)
    if not given and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH:
        os.environ[_ROOT] = str(_MEMORY)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        found = (at for at, name in enumerate(_FIRST) if item.nodeid.startswith(name))
        return next(found, len(_FIRST))

    items.sort(key=rank)


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """A quarter of a second of computing for each log-in; processes of ours keep the real ones."""
    from argon2 import PasswordHasher

    from musterwerk.console.access import hashing

    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "_hasher", cheap)
        yield
