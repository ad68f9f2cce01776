"""Which worker of ours a desk's requests and dead letters go to."""

from __future__ import annotations

import pytest

from musterwerk.saga import TASK_QUEUE
from musterwerk.shop.names import musterwerk_queue


@pytest.mark.parametrize(
    ("queue", "ours"),
    [
        ("shop", TASK_QUEUE),
        ("orders", TASK_QUEUE),
        ("shopping-1", TASK_QUEUE),
        ("shop-a1b2c3", f"{TASK_QUEUE}-a1b2c3"),
    ],
)
def test_only_a_demo_has_a_worker_of_ours_to_itself(queue: str, ours: str) -> None:
    """What is sent to a queue that nobody serves would wait there unseen."""
    assert musterwerk_queue(queue) == ours
