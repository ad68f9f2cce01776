"""When a request's clock does something, and which policies no clock can follow.

This reads calendars and time zones: it runs in an activity, never in a workflow.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from musterwerk.approvals.acts import Planning, Timeline
from musterwerk.approvals.calendars.working_time import WorkingTime, working_time
from musterwerk.approvals.policy import Calendar, Level, Policy
from musterwerk.errors import UsageError

MAX_REMINDERS = 500


def timeline(planning: Planning) -> Timeline:
    """Reminders count from when the level began, each from the one before.

    Nothing is planned for the moment of expiry or later. Escalations are those of the level, in
    its order, as far as they happen. Raises `UsageError` if the policy has a flaw.
    """
    policy = planning.policy
    level = policy.all_levels[planning.level]
    times = working_time(policy.calendar)
    end = times.after(planning.started, policy.expires_after)
    return Timeline(
        reminders=_reminders(level, times, planning.since, end),
        escalations=_escalations(level, times, planning.since, end),
        expires_at=end,
    )


def _reminders(
    level: Level, times: WorkingTime, since: datetime, end: datetime
) -> tuple[datetime, ...]:
    found: list[datetime] = []
    if level.remind_every is not None:
        at = times.after(since, level.remind_every)
        while at < end and len(found) < MAX_REMINDERS:
            found.append(at)
            at = times.after(at, level.remind_every)
    return tuple(found)


def _escalations(
    level: Level, times: WorkingTime, since: datetime, end: datetime
) -> tuple[datetime, ...]:
    found: list[datetime] = []
    for one in level.escalations:
        at = times.after(since, one.after)
        # Even a policy with the flaw that `_order` finds keeps its order.
        at = max(at, found[-1]) if found else at
        if at >= end:
            break
        found.append(at)
    return tuple(found)


def flaws(policy: Policy) -> list[str]:
    """Why no clock can follow this policy: sentences that also say what to write."""
    if (calendar := policy.calendar) is not None:
        try:
            for year in range(2):
                soon = datetime.now(UTC) + timedelta(days=366 * year)
                working_time(calendar).after(soon, timedelta(days=1))
        except UsageError as error:
            return [f"calendar: {error}"]
    return [
        f"{_place(policy, number)}{flaw}"
        for number, level in enumerate(policy.all_levels)
        for flaw in (*_too_often(policy, level), *_order(policy, level))
    ]


def _too_often(policy: Policy, level: Level) -> list[str]:
    if level.remind_every is None:
        return []
    whole = _worth(policy.expires_after, policy.calendar)
    count = -(-whole // _worth(level.remind_every, policy.calendar)) - 1
    if count <= MAX_REMINDERS:
        return []
    return [
        f"remind_every {level.remind_every} would remind {count} times until the request expires "
        f"after {policy.expires_after}, and at most {MAX_REMINDERS} are possible; "
        "remind less often"
    ]


def _order(policy: Policy, level: Level) -> list[str]:
    """`after` is sorted by its length, but 20 office hours are more than one working day."""
    found: list[str] = []
    before = timedelta(0)
    for one in level.escalations:
        worth = _worth(one.after, policy.calendar)
        if worth < before:
            found.append(
                f"the escalation after {one.after} would come before one that is listed earlier, "
                "because hours are office hours; write whole days"
            )
        if worth >= _worth(policy.expires_after, policy.calendar):
            found.append(
                f"the escalation after {one.after} never happens: all is over after "
                f"{policy.expires_after} (hours are office hours)"
            )
        before = max(before, worth)
    return found


def _worth(duration: timedelta, calendar: Calendar | None) -> timedelta:
    """How much office time it takes."""
    if calendar is None:
        return duration
    day = _since_midnight(calendar.closes) - _since_midnight(calendar.opens)
    return duration.days * day + (duration - timedelta(days=duration.days))


def _since_midnight(clock: time) -> timedelta:
    at = clock.replace(tzinfo=None)
    return datetime.combine(date.min, at) - datetime.combine(date.min, time())


def _place(policy: Policy, number: int) -> str:
    return f"levels.{number}: " if policy.levels else ""
