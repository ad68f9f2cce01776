"""What is likely to surprise whoever declared it. Pure; `observing.py` asks a server for more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from musterwerk.schedules.compiling import compile_when
from musterwerk.schedules.dates import DateRule
from musterwerk.schedules.meaning import meant, patterns
from musterwerk.schedules.model import Schedule, When
from musterwerk.schedules.preview import Due, compare
from musterwerk.schedules.server_rules import fires
from musterwerk.schedules.zones import zone

_YEARS = timedelta(days=731)
_AROUND = timedelta(days=2)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_LAST = datetime(2100, 12, 31, tzinfo=UTC)
#: Temporal starts 30 a second in a namespace.
MANY = 30
_DAY = timedelta(days=1)
_FEW_DAYS = 4


@dataclass(frozen=True)
class Finding:
    """`rule` is a name for machines. `offsets` are by schedule: by how much to move it."""

    schedule: str
    rule: str
    message: str
    offsets: Mapping[str, str] = field(default_factory=dict[str, str])


def lint(schedules: Iterable[Schedule], now: datetime) -> list[Finding]:
    """Raises `ScheduleMistake` for what cannot be at all."""
    several = list(schedules)
    found = [finding for one in several for finding in _one(one, now)]
    return [*found, *_crowds(several, now)]


def _one(schedule: Schedule, now: datetime) -> Iterator[Finding]:
    compile_when(schedule.when, now)
    if not list(islice(meant(schedule.when, now, _LAST), 1)):
        yield Finding(schedule.name, "never", _why_never(schedule.when, now))
        return
    yield from _clock_changes(schedule, now)
    for pattern in patterns(schedule.when):
        for rule in pattern.dates:
            yield from _short_months(schedule.name, rule)


def _why_never(when: When, now: datetime) -> str:
    if next(meant(when, _FIRST, now), None):
        return "it never fires again: all its times are past"
    return "it never fires: start, end, exclude or business_days leave none of its times"


def _short_months(name: str, rule: DateRule) -> Iterator[Finding]:
    """Where few days are named: a step or a long range means "whichever there are"."""
    late = max(rule.days)
    short = [month for month in rule.months if late > _length(month)]
    if len(rule.days) <= _FEW_DAYS and not rule.years and short and len(rule.months) > 1:
        yield Finding(
            name,
            "short_months",
            f"day {late} does not exist in {len(short)} of its {len(rule.months)} months, where "
            "it does not fire; L is the last day of each month",
        )


def _length(month: int) -> int:
    return 29 if month == 2 else 30 if month in (4, 6, 9, 11) else 31


def _clock_changes(schedule: Schedule, now: datetime) -> Iterator[Finding]:
    when = schedule.when
    spec = compile_when(when, now).spec
    wrong: list[Due] = []
    until = now + _YEARS
    for at in zone(when.time_zone).changes_between(int(now.timestamp()), int(until.timestamp())):
        change = datetime.fromtimestamp(at, UTC)
        span = change - _AROUND, change + _AROUND
        wrong += [
            due for due in compare(when, fires(spec, *span), *span) if due.meant != due.will_happen
        ]
    for rule, said, some in (
        ("lost", "are lost", [due for due in wrong if due.meant]),
        ("doubled", "come that nobody means", [due for due in wrong if due.will_happen]),
    ):
        if some:
            yield Finding(
                schedule.name,
                rule,
                f"{len(some)} runs {said} at clock changes in the next two years, the first on "
                f'{some[0].due_local:%Y-%m-%d %H:%M%z}; dst = "once" mends it',
            )


def _crowds(schedules: list[Schedule], now: datetime) -> Iterator[Finding]:
    """Of the coming day: more in one second than Temporal starts in one."""
    at_once = defaultdict[datetime, list[str]](list)
    for one in schedules:
        for due in islice(meant(one.when, now, now + _DAY), 1_500):
            at_once[due].append(one.name)
    told = set[str]()
    for due, names in sorted(at_once.items()):
        new = [name for name in names if name not in told]
        if len(names) > MANY and new:
            told.update(names)
            # By whole minutes: cron knows no less, and a phase takes them as well.
            offsets = {name: f"{at // MANY}m" for at, name in enumerate(names) if at >= MANY}
            some = ", ".join(f"{name} by {by}" for name, by in islice(offsets.items(), 3))
            more = f" and {len(offsets) - 3} more (-o json)" if len(offsets) > 3 else ""
            yield Finding(
                names[0],
                "crowd",
                f"{len(names)} schedules are due at {due:%H:%M:%S} UTC, and Temporal starts {MANY} "
                f'a second; jitter = "{len(names) // MANY + 1}s" spreads them, or move '
                f"{some}{more}",
                offsets,
            )
