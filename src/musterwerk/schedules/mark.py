"""What a schedule on the server carries of its declaration: in a header of what it starts."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from musterwerk.schedules.model import Schedule
from musterwerk.wire import Wire

#: Of the schedule's memo, which says that it is ours, and of the header.
MARK = "musterwerk"
#: What reading one raises that another codec has encoded, or another version of ours has written.
UNREADABLE = (KeyError, RuntimeError, ValidationError)


class Mark(Wire):
    """`as_of` is the moment for which it was compiled. `renaming` says whether the old one was
    paused, while there are both. `begun` is for the ledger of those that have a number of runs."""

    declared: Schedule
    set_name: str
    as_of: datetime
    renaming: bool | None = None
    begun: tuple[str, ...] = ()
