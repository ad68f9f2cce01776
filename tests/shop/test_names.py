"""Which letterbox a desk's dead letters go to."""

from __future__ import annotations

import pytest

from musterwerk.saga import TASK_QUEUE
from musterwerk.shop.names import letters_queue


@pytest.mark.parametrize(
    ("queue", "letters"),
    [
        ("shop", TASK_QUEUE),
        ("orders", TASK_QUEUE),
        ("shopping-1", TASK_QUEUE),
        ("shop-a1b2c3", f"{TASK_QUEUE}-a1b2c3"),
    ],
)
def test_only_a_demo_has_a_letterbox_of_its_own(queue: str, letters: str) -> None:
    """Letters to a queue that nobody serves would wait there unseen."""
    assert letters_queue(queue) == letters
