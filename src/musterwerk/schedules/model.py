"""A schedule as somebody declares it: what is started, when, and by which rules.

Plain JSON on the wire, and in TOML the same fields under the same names (`documents.py`). What the
server is given for it is made elsewhere (`native.py`, `compiling.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field
from temporalio import workflow

from musterwerk.wire import Duration, Json, Moment, Wire

Overlap = Literal[
    "skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"
]
#: Also part of workflow ids and file names.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

#: Begins the names of schedules that Musterwerk keeps for itself, and that nobody else may have.
OURS_ALONE = "musterwerk."

#: More exactly it is told where it is written to.
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def _several(given: object) -> object:
    return (given,) if isinstance(given, str | int) else given


def _type_name(given: object) -> object:
    """A workflow class or its run method, as Temporal's own client takes them."""
    if isinstance(given, str) or not callable(given):
        return given
    kind = cast("type[Any]", given) if isinstance(given, type) else None
    find = workflow._Definition
    definition = (
        find.from_class(kind) if kind else find.from_run_fn(cast("Callable[..., Any]", given))
    )
    if definition is None or definition.name is None:
        raise ValueError(
            f"{given!r} is no workflow; its class, its run method or its name is expected"
        )
    return definition.name


def _target(given: str) -> str:
    if given.startswith(("http://", "https://")) or _ADDRESS.fullmatch(given):
        return given
    raise ValueError(f"{given!r} is neither a mail address nor a web address")


#: As in cron: "*", "5", "1-5", "*/2", "1,15", names where the field has some.
FieldText = Annotated[
    str, BeforeValidator(lambda given: str(given) if isinstance(given, int) else given)
]


class Calendar(Wire):
    """Moments by their fields, all of which have to fit: days of month *and* of week."""

    year: FieldText = "*"
    month: FieldText = "*"
    day: FieldText = "*"
    weekday: FieldText = "*"
    hour: FieldText = "0"
    minute: FieldText = "0"
    second: FieldText = "0"


class When(Wire):
    """The moments of a schedule: those of all its parts together, less what is excluded.

    `cron` has five fields, names, `L`, `W`, `#` and `@daily` and the like; day of month and day of
    week are joined by OR, as cron does, where both are restricted. `every` counts from 1970-01-01
    UTC, shifted by `phase`. `at` are one-shots. Wall-clock times are those of `time_zone` (IANA).
    `business_days` is a region ("DE", "DE-BY"): no runs there on Saturdays, Sundays and public
    holidays. `exclude` are dates in `time_zone`. `dst` "once" means that every wall-clock time
    happens exactly once, in the gap of spring right after it, where "server" leaves it to
    Temporal, which may lose or double runs then. What runs every hour goes by elapsed time.
    """

    cron: Annotated[tuple[str, ...], BeforeValidator(_several)] = ()
    every: Duration | None = None
    phase: Duration = timedelta(0)
    on: tuple[Calendar, ...] = ()
    at: tuple[Moment, ...] = ()
    time_zone: str = "UTC"
    business_days: str | None = None
    exclude: tuple[date, ...] = ()
    jitter: Duration = timedelta(0)
    start: Moment | None = None
    end: Moment | None = None
    dst: Literal["server", "once"] = "server"


class Retry(Wire):
    """Of the started workflow; Temporal's names."""

    initial_interval: Duration = timedelta(seconds=1)
    backoff_coefficient: Annotated[float, Field(ge=1)] = 2.0
    maximum_interval: Duration | None = None
    maximum_attempts: Annotated[int, Field(ge=0)] = 0
    non_retryable_error_types: tuple[str, ...] = ()


class Schedule(Wire):
    """`id` is the base of the runs' workflow ids, to which Temporal adds the due time.

    `runs` is how many there will be in all. `alert` are mail addresses and web addresses (http,
    https) of those who are told of what is not well; none means the operators. `catch_up` is how
    late a run may be started at most after an outage, ten seconds or more. `grace` is how late it
    may be before somebody is told. `renamed_from` is the name that it had before.
    """

    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    workflow: Annotated[str, BeforeValidator(_type_name), Field(min_length=1, max_length=500)]
    task_queue: Annotated[str, Field(min_length=1, max_length=500)]
    when: When
    args: tuple[Json, ...] = ()
    id: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    overlap: Overlap = "skip"
    catch_up: Annotated[Duration, Field(ge=timedelta(seconds=10))] = timedelta(days=365)
    pause_on_failure: bool = False
    runs: Annotated[int, Field(ge=1)] | None = None
    execution_timeout: Duration | None = None
    run_timeout: Duration | None = None
    task_timeout: Duration | None = None
    retry: Retry | None = None
    memo: dict[str, Json] = Field(default_factory=dict[str, Any])
    search_attributes: dict[str, Json] = Field(default_factory=dict[str, Any])
    grace: Duration = timedelta(minutes=5)
    alert: tuple[Annotated[str, AfterValidator(_target)], ...] = ()
    owner: str = ""
    note: str = ""
    renamed_from: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None

    def __init__(self, *given: Any, **fields: Any) -> None:
        """Name and workflow may be given without their names."""
        super().__init__(**dict(zip(("name", "workflow"), given, strict=False)), **fields)
