"""The tables of approvals. What is in a database is made by `migrations/`.

People, groups, roles, absences and tokens are primary data. Requests and what hangs on them are
a projection of what Temporal knows, and can be built anew. Acts and notices are on their way.
"""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, text

from musterwerk.store.tables import CleanText, UtcDateTime, metadata

people = Table(
    "musterwerk_people",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("name", CleanText, nullable=False),
    Column("mail", CleanText),
    Column("language", String(10), nullable=False),
    Column("zone", CleanText, nullable=False),
    Column("active", Boolean, nullable=False),
)

roles = Table(
    "musterwerk_roles",
    metadata,
    Column("person", CleanText, primary_key=True),
    Column("role", String(20), primary_key=True),
)

groups = Table("musterwerk_groups", metadata, Column("name", CleanText, primary_key=True))

members = Table(
    "musterwerk_members",
    metadata,
    Column("group_name", CleanText, primary_key=True),
    Column("person", CleanText, primary_key=True),
    Index("musterwerk_members_by_person", "person"),
)

absences = Table(
    "musterwerk_absences",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("person", CleanText, nullable=False),
    Column("starts", UtcDateTime, nullable=False),
    Column("ends", UtcDateTime, nullable=False),
    Column("substitute", CleanText),
    Index("musterwerk_absences_by_end", "ends"),
)

tokens = Table(
    "musterwerk_tokens",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("person", CleanText, nullable=False),
    # SHA-256 in hexadecimal: the secret is in nobody's backup.
    Column("hash", String(64), nullable=False, unique=True),
    Column("label", CleanText, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)

#: The requester has a question to answer. A literal, because only that finds a partial index.
ASKED_BACK = text("state = 'info_requested'")

# `status` is what the workflow said of itself; the other columns are what is searched by.
requests = Table(
    "musterwerk_requests",
    metadata,
    Column("id", CleanText, primary_key=True),
    Column("namespace", CleanText, nullable=False),
    Column("run_id", CleanText, nullable=False),
    Column("parent", CleanText),
    Column("subject", CleanText, nullable=False),
    Column("requester", CleanText, nullable=False),
    Column("state", CleanText, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("status", JSON, nullable=False),
    Index("musterwerk_requests_by_deadline", "is_open", "expires_at", "id"),
    Index("musterwerk_requests_by_end", "is_open", "ended_at", "id"),
    Index("musterwerk_requests_by_requester", "requester", "is_open", "expires_at", "id"),
    Index(
        "musterwerk_requests_asked_back",
        *("requester", "expires_at", "id"),
        sqlite_where=ASKED_BACK,
        postgresql_where=ASKED_BACK,
    ),
)

# Up to 1.2 MB each, and the same for all versions of a revision: not written with each of them.
request_details = Table(
    "musterwerk_request_details",
    metadata,
    Column("request_id", CleanText, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("details", JSON, nullable=False),
)

# Who may decide an open request. The first page of somebody's inbox is one short range of an
# index for each principal, however many requests are open.
seats = Table(
    "musterwerk_seats",
    metadata,
    Column("request_id", CleanText, primary_key=True),
    Column("principal", CleanText, primary_key=True),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("claimed", Boolean, nullable=False),
    Index("musterwerk_seats_by_deadline", "principal", "expires_at", "request_id"),
    Index("musterwerk_seats_unclaimed", "principal", "claimed", "expires_at", "request_id"),
)

# Four eyes keep them out, or they have voted on the level.
kept_out = Table(
    "musterwerk_kept_out",
    metadata,
    Column("request_id", CleanText, primary_key=True),
    Column("person", CleanText, primary_key=True),
)

# Who asked, was asked, or voted, once a request has ended: persons and groups.
parties = Table(
    "musterwerk_parties",
    metadata,
    Column("request_id", CleanText, primary_key=True),
    Column("person", CleanText, primary_key=True),
    Column("ended_at", UtcDateTime, nullable=False),
    Index("musterwerk_parties_by_end", "person", "ended_at", "request_id"),
)

acts = Table(
    "musterwerk_acts",
    metadata,
    Column("request_id", CleanText, primary_key=True),
    Column("id", CleanText, primary_key=True),
    Column("person", CleanText, nullable=False),
    Column("act", JSON, nullable=False),
    Column("state", String(10), nullable=False),
    # SQL's own null where there is none: JSON's would be an answer.
    Column("reply", JSON(none_as_null=True)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    # When it is looked at again, and how often that was in vain.
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Index("musterwerk_acts_due", "state", "due_at"),
)

notices = Table(
    "musterwerk_notices",
    metadata,
    Column("key", CleanText, primary_key=True),
    Column("event", String(20), nullable=False),
    Column("request_id", CleanText, nullable=False),
    Column("to", JSON, nullable=False),
    Column("but", JSON, nullable=False),
    Column("actor", CleanText, nullable=False),
    Column("text", CleanText, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_until", UtcDateTime),
    Column("done_at", UtcDateTime),
    Column("last_error", CleanText),
    Index("musterwerk_notices_due", "done_at", "due_at"),
)

notices_sent = Table(
    "musterwerk_notices_sent",
    metadata,
    Column("key", CleanText, primary_key=True),
    Column("target", CleanText, primary_key=True),
    Column("sent_at", UtcDateTime, nullable=False),
)
