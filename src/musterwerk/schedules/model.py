"""A schedule as somebody declares it: what is started, when, and by which rules.

Plain JSON on the wire, and in TOML the same fields under the same names (`documents.py`). What the
server is given for it is made elsewhere (`native.py`, `compiling.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from temporalio import workflow

from musterwerk.errors import UsageError
from musterwerk.schedules.mistakes import told
from musterwerk.wire import Duration, Json, Moment, Wire, in_words

Overlap = Literal[
    "skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all"
]
#: Also part of workflow ids and file names.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
#: Temporal shortens timeouts to a hundred years without a word, those of tasks to two minutes.
_LONGEST = timedelta(days=36_500)
_LONGEST_TASK = timedelta(seconds=120)
_SECOND = timedelta(seconds=1)
#: Numbers on the wire have 32 and 64 bits.
_INT_32, _INT_64 = 2**31 - 1, 2**63 - 1

#: Begins the names of schedules that Musterwerk keeps for itself, and that nobody else may have.
OURS_ALONE = "musterwerk."

#: More exactly it is told where it is written to.
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def _several(given: object) -> object:
    return (given,) if isinstance(given, str | int) else given


def _name(given: str) -> str:
    if _NAME.fullmatch(given):
        return given
    raise ValueError(
        "letters, digits, . _ and - are expected, 100 at most, a letter or digit in front"
    )


def _sendable(given: str) -> str:
    if "\0" in given:
        raise ValueError("a NUL character is in it; databases and screens take none")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise ValueError("a character in it is half of one, and cannot be sent") from None
    return given


def _number_text(given: object) -> object:
    if isinstance(given, bool) or not isinstance(given, int):
        return given
    if abs(given) > 9_999:
        raise ValueError("the number is too large")
    return str(given)


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


Text = Annotated[str, AfterValidator(_sendable)]
Name = Annotated[str, AfterValidator(_name)]
#: As Temporal takes them with what it adds.
_Key = Annotated[Text, Field(min_length=1, max_length=500)]
_Cron = Annotated[str, Field(max_length=1_000)]
#: As in cron: "*", "5", "1-5", "*/2", "1,15", names where the field has some.
FieldText = Annotated[_Cron, BeforeValidator(_number_text)]
_Timeout = Annotated[Duration, Field(ge=_SECOND, le=_LONGEST)]


class Declared(Wire):
    """What is wrong with what is given to a class of these is raised as `UsageError`, a line for
    each field. What is read (`read`, `model_validate`) raises pydantic's own error."""

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            named = fields.get("name")
            place = f"schedule {named!r}: " if isinstance(named, str) else ""
            lines = told(error, {**NESTED, "": type(self).model_fields})
            raise UsageError("\n".join(place + line for line in lines)) from None

    # Else pydantic would call it for what is read and nested as well.
    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]


class Calendar(Declared):
    """Moments by their fields, all of which have to fit: days of month *and* of week."""

    year: FieldText = "*"
    month: FieldText = "*"
    day: FieldText = "*"
    weekday: FieldText = "*"
    hour: FieldText = "0"
    minute: FieldText = "0"
    second: FieldText = "0"


class When(Declared):
    """The moments of a schedule: those of all its parts together, less what is excluded.

    `cron` has five fields, names, `L`, `W`, `#` and `@daily` and the like; day of month and day of
    week are joined by OR, as cron does, where both are restricted. `every` counts from 1970-01-01
    UTC, shifted by `phase`. `at` are one-shots. Wall-clock times are those of `time_zone` (IANA).
    `business_days` is a region ("DE", "DE-BY"): no runs there on Saturdays, Sundays and public
    holidays. `exclude` are dates in `time_zone`. `dst` "once" means that every wall-clock time
    happens exactly once, in the gap of spring right after it, where "server" leaves it to
    Temporal, which may lose or double runs then. What runs every hour goes by elapsed time.
    """

    cron: Annotated[tuple[_Cron, ...], BeforeValidator(_several)] = ()
    every: Annotated[Duration, Field(le=_LONGEST)] | None = None
    phase: Annotated[Duration, Field(le=_LONGEST)] = timedelta(0)
    on: tuple[Calendar, ...] = ()
    at: tuple[Moment, ...] = ()
    time_zone: Annotated[str, Field(max_length=100)] = "UTC"
    business_days: Annotated[str, Field(max_length=100)] | None = None
    exclude: tuple[date, ...] = ()
    jitter: Annotated[Duration, Field(ge=timedelta(0), le=_LONGEST)] = timedelta(0)
    start: Moment | None = None
    end: Moment | None = None
    dst: Literal["server", "once"] = "server"


class Retry(Declared):
    """Of the started workflow; Temporal's names."""

    # Temporal makes the maximum a hundred times as long where none is given.
    initial_interval: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(days=365))] = _SECOND
    backoff_coefficient: Annotated[float, Field(ge=1, strict=True, allow_inf_nan=False)] = 2.0
    maximum_interval: Annotated[Duration, Field(gt=timedelta(0), le=_LONGEST)] | None = None
    maximum_attempts: Annotated[int, Field(ge=0, le=_INT_32, strict=True)] = 0
    non_retryable_error_types: tuple[Text, ...] = ()

    @field_validator("maximum_interval")
    @classmethod
    def _not_below_initial(cls, most: timedelta | None, info: ValidationInfo) -> timedelta | None:
        """Temporal takes the schedule, and drops each of its runs."""
        first: timedelta = info.data.get("initial_interval", timedelta(0))
        if most is not None and most < first:
            raise ValueError(f"initial_interval, which is {in_words(first)}, or more is expected")
        return most


class Schedule(Declared):
    """`id` is the base of the runs' workflow ids, to which Temporal adds the due time.

    `runs` is how many there will be in all. `alert` are mail addresses and web addresses (http,
    https) of those who are told of what is not well; none means the operators. `catch_up` is how
    late a run may be started at most after an outage, ten seconds or more. `grace` is how late it
    may be before somebody is told. `renamed_from` is the name that it had before.
    """

    name: Name
    workflow: Annotated[_Key, BeforeValidator(_type_name)]
    task_queue: _Key
    when: When
    args: tuple[Json, ...] = ()
    id: _Key | None = None
    overlap: Overlap = "skip"
    catch_up: Annotated[Duration, Field(ge=timedelta(seconds=10), le=_LONGEST)] = timedelta(365)
    pause_on_failure: bool = False
    runs: Annotated[int, Field(ge=1, le=_INT_64, strict=True)] | None = None
    execution_timeout: _Timeout | None = None
    run_timeout: _Timeout | None = None
    task_timeout: Annotated[Duration, Field(ge=_SECOND, le=_LONGEST_TASK)] | None = None
    retry: Retry | None = None
    memo: dict[Text, Json] = Field(default_factory=dict[str, Any])
    search_attributes: dict[Text, Json] = Field(default_factory=dict[str, Any])
    grace: _Timeout = timedelta(minutes=5)
    alert: tuple[Annotated[Text, AfterValidator(_target)], ...] = ()
    owner: Text = ""
    note: Text = ""
    renamed_from: Name | None = None

    def __init__(self, *given: Any, **fields: Any) -> None:
        """Name and workflow may be given without their names."""
        names = ("name", "workflow")
        if len(given) > len(names):
            raise UsageError("a Schedule takes name and workflow alone without their names")
        super().__init__(**dict(zip(names, given, strict=False)), **fields)

    __init__.__pydantic_base_init__ = True  # pyright: ignore[reportFunctionMemberAccess]


#: The fields that there are within others.
NESTED: Mapping[str, Collection[str]] = {
    "when": When.model_fields,
    "on": Calendar.model_fields,
    "retry": Retry.model_fields,
}
