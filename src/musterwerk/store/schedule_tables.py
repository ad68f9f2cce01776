"""The tables of the schedule ledger: what was due, what became of it, and who was told."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Table, text

from musterwerk.store.tables import CleanText, UtcDateTime, metadata

#: Of fires that wait for a run or for its end; a late one may have no run yet.
OPEN = "verdict = 'waiting' OR status = 'Running' OR (verdict = 'late' AND run_id IS NULL)"

schedules = Table(
    "musterwerk_schedules",
    metadata,
    Column("name", CleanText, primary_key=True),
    Column("set_name", CleanText, nullable=False),
    Column("workflow", CleanText, nullable=False),
    Column("task_queue", CleanText, nullable=False),
    Column("owner", CleanText, nullable=False),
    Column("note", CleanText, nullable=False),
    Column("time_zone", CleanText, nullable=False),
    Column("paused", Boolean, nullable=False),
    # What the server has is not what its mark declares.
    Column("drifted", Boolean, nullable=False),
    # Empty where somebody has put another action into it by hand.
    Column("declared", JSON(none_as_null=True)),
    # What the monitor compares with when it looks again.
    Column("seen", JSON, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    # Due times up to here are in the ledger.
    Column("watched_until", UtcDateTime, nullable=False),
    Column("next_at", UtcDateTime),
    Column("last_good_at", UtcDateTime),
    Column("gone_at", UtcDateTime),
    # Why it cannot be judged; empty where it can.
    Column("flaw", CleanText, nullable=False, server_default=""),
)

# How a schedule stood: each row from its time on, until the next one.
stands = Table(
    "musterwerk_schedule_stands",
    metadata,
    Column("schedule", CleanText, primary_key=True),
    Column("since", UtcDateTime, primary_key=True),
    # When it was seen; it may have begun at any time from `since` on.
    Column("seen_at", UtcDateTime, nullable=False),
    Column("stand", JSON, nullable=False),
)

fires = Table(
    "musterwerk_fires",
    metadata,
    Column("schedule", CleanText, primary_key=True),
    Column("due", UtcDateTime, primary_key=True),
    # As it was when the verdict was given; counts are kept by it.
    Column("owner", CleanText, nullable=False),
    Column("verdict", String(16), nullable=False),
    # False for runs that somebody started by hand.
    Column("planned", Boolean, nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("workflow_id", CleanText),
    # The last run of a chain of retries or continued ones.
    Column("run_id", CleanText),
    Column("status", String(20)),
    Column("started_at", UtcDateTime),
    Column("run_started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    # When a worker had begun with it; empty where nobody had to look.
    Column("begun_at", UtcDateTime),
    Index("musterwerk_fires_by_due", "due", "schedule"),
    Index("musterwerk_fires_by_verdict", "verdict", "due", "schedule"),
    Index(
        "musterwerk_fires_open",
        "schedule",
        "due",
        sqlite_where=text(OPEN),
        postgresql_where=text(OPEN),
    ),
)

# How many of each verdict there are in a quarter of an hour: a month of a thousand schedules.
fire_counts = Table(
    "musterwerk_fire_counts",
    metadata,
    Column("slot", UtcDateTime, primary_key=True),
    Column("owner", CleanText, primary_key=True),
    Column("verdict", String(16), primary_key=True),
    Column("count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# How late runs began, by the upper end of a span in seconds.
lateness = Table(
    "musterwerk_fire_lateness",
    metadata,
    Column("bucket", Integer, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("milliseconds", BigInteger, nullable=False),
)

# Due times that lie ahead, the next of each schedule: for calendars.
coming = Table(
    "musterwerk_coming_fires",
    metadata,
    Column("schedule", CleanText, primary_key=True),
    Column("due", UtcDateTime, primary_key=True),
    Index("musterwerk_coming_fires_by_due", "due", "schedule"),
)

incidents = Table(
    "musterwerk_schedule_incidents",
    metadata,
    # From the schedule and the due time with which it began.
    Column("id", CleanText, primary_key=True),
    Column("schedule", CleanText, nullable=False),
    Column("due", UtcDateTime, nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("reason", CleanText, nullable=False),
    Column("last_good_at", UtcDateTime),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    # The due time of the run that was well again.
    Column("recovered_due", UtcDateTime),
    # Whom to tell: mail addresses and URLs; empty means the operators.
    Column("told_to", JSON, nullable=False),
    # Which of both has to be told still: "open", "closed" or empty.
    Column("to_tell", String(10), nullable=False),
    # Where telling failed: how often, and when it is tried again.
    Column("attempts", Integer, nullable=False),
    Column("next_try_at", UtcDateTime),
    Index("musterwerk_schedule_incidents_by_schedule", "schedule", "closed_at"),
    Index("musterwerk_schedule_incidents_to_tell", "to_tell", "opened_at"),
)

incident_alerts = Table(
    "musterwerk_schedule_alerts",
    metadata,
    Column("incident", CleanText, primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("target", CleanText, primary_key=True),
    Column("sent_at", UtcDateTime, nullable=False),
)

# One row: how the monitor itself is.
watch = Table(
    "musterwerk_schedule_watch",
    metadata,
    Column("id", Integer, primary_key=True),
    # Of one namespace alone: another one's schedules would look as if they had gone.
    Column("namespace", CleanText, nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    # Up to when everything was looked at.
    Column("good_until", UtcDateTime),
    Column("schedules", Integer, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("error", CleanText, nullable=False),
)
