"""Schedules that somebody's own Python holds, as `module:name`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, cast

from musterwerk.errors import UsageError
from musterwerk.schedules.model import Schedule


def imported(where: str) -> tuple[Schedule, ...]:
    """Raises `UsageError` for whatever the module does but for Ctrl-C."""
    module, _, name = where.partition(":")
    if not module or not name:
        raise UsageError(f"{where}: module:name is expected, such as jobs:nightly")
    try:
        with _at_home():
            found = getattr(importlib.import_module(module), name)
            several = (found,) if isinstance(found, Schedule) else found
            all_of_it = (
                tuple(cast("Iterable[Any]", several)) if isinstance(several, Iterable) else ()
            )
    except KeyboardInterrupt:
        raise
    except UsageError as error:  # of a Schedule in it
        raise UsageError(
            "\n".join(f"{where}: {line}" for line in str(error).splitlines())
        ) from error
    except (ImportError, AttributeError) as error:
        raise UsageError(f"{where}: {error}") from error
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
        raise UsageError(f"{where}: importing it fails: {said}") from error
    if not all_of_it or not all(isinstance(one, Schedule) for one in all_of_it):
        raise UsageError(f"{where} is no Schedule, and no list of them")
    return all_of_it


@contextmanager
def _at_home() -> Generator[None]:
    """Modules of the current folder are found, as by `python -m`; what they print is no result."""
    here = os.getcwd()
    sys.path.insert(0, here)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        with suppress(ValueError):  # the module may have seen to it
            sys.path.remove(here)
