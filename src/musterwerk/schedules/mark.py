"""What a schedule on the server carries of its declaration: in a header of what it starts, and for
the runs themselves in their memo."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from musterwerk.schedules.model import Schedule, When
from musterwerk.wire import Wire

#: Of the schedule's memo, which says whose it is, of the header, and of the runs' memo.
MARK = "musterwerk"
#: What reading one raises that another codec has encoded, or another version of ours has written.
UNREADABLE = (KeyError, RuntimeError, ValidationError)


class Mark(Wire):
    """`as_of` is the moment for which it was compiled. `former` are names that it had, the last
    one first. `renaming` says whether that one was paused, while there may be both."""

    declared: Schedule
    set_name: str
    as_of: datetime
    former: tuple[str, ...] = ()
    renaming: bool | None = None


class Told(Wire):
    """What each run is told of its schedule: in its memo, which outlives continue-as-new."""

    when: When
    as_of: datetime
