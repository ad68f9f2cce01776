"""Leaving a process that has talked to Temporal.

On CPython 3.11 about one such process in fifteen aborts while the interpreter takes itself apart:
a thread of the SDK's core asks for the interpreter lock too late. So we do by hand what a normal
exit owes to others and leave before that stage.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """Run the exit handlers, flush everything and end the process with this code."""
    # Private by name, and yet the one way to do what a normal exit does at this point.
    atexit._run_exitfuncs()  # pyright: ignore[reportPrivateUsage]
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        # A reader that has gone away (`| head`) is not worth a traceback at this point.
        with contextlib.suppress(BrokenPipeError):
            stream.flush()
    os._exit(code)
