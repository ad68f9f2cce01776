"""Thousands of runs would fill the log with errors that were made on purpose."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

_lock = threading.Lock()
_explorations = 0
_before = 0


@contextmanager
def quiet() -> Generator[None]:
    """Nothing but critical errors is logged meanwhile, by anybody in this process.

    Of several at once the last one that ends brings the log back.
    """
    global _explorations, _before
    with _lock:
        if not _explorations:
            _before = logging.root.manager.disable
            logging.disable(max(_before, logging.ERROR))
        _explorations += 1
    try:
        yield
    finally:
        with _lock:
            _explorations -= 1
            if not _explorations:
                logging.disable(_before)
