"""Approvals: people, the inbox, and what is on its way."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _people()
    _inbox()
    _on_the_way()


def _people() -> None:
    _table(
        "people",
        _id(),
        _text("name"),
        _text("mail", null=True),
        sa.Column("language", sa.String(10), nullable=False),
        _text("zone"),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    _table("roles", _key("person"), sa.Column("role", sa.String(20), primary_key=True))
    _table("groups", _key("name"))
    _table("members", _key("group_name"), _key("person"))
    _index("members_by_person", "members", "person")
    _table(
        "absences",
        sa.Column("id", sa.Integer, primary_key=True),
        _text("person"),
        _moment("starts"),
        _moment("ends"),
        _text("substitute", null=True),
    )
    _index("absences_by_end", "absences", "ends")
    _table(
        "tokens",
        _id(),
        _text("person"),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        _text("label"),
        _moment("created_at"),
        _moment("expires_at", null=True),
        _moment("revoked_at", null=True),
        _moment("last_used_at", null=True),
    )


def _inbox() -> None:
    _table(
        "requests",
        _id(),
        _text("namespace"),
        _text("run_id"),
        _text("parent", null=True),
        _text("subject"),
        _text("requester"),
        _text("state"),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        _moment("created_at"),
        _moment("ended_at", null=True),
        _moment("expires_at"),
        _json("status"),
    )
    _index("requests_by_deadline", "requests", "is_open", "expires_at", "id")
    _index("requests_by_end", "requests", "is_open", "ended_at", "id")
    _index("requests_by_requester", "requests", "requester", "is_open", "expires_at", "id")
    _table(
        "request_details",
        _key("request_id"),
        _moment("created_at"),
        sa.Column("revision", sa.Integer, nullable=False),
        _json("details"),
    )
    _table(
        "seats",
        _key("request_id"),
        _key("principal"),
        _moment("expires_at"),
        sa.Column("claimed", sa.Boolean, nullable=False),
    )
    _index("seats_by_deadline", "seats", "principal", "expires_at", "request_id")
    _index("seats_unclaimed", "seats", "principal", "claimed", "expires_at", "request_id")
    _table("kept_out", _key("request_id"), _key("person"))
    _table("parties", _key("request_id"), _key("person"), _moment("ended_at"))
    _index("parties_by_end", "parties", "person", "ended_at", "request_id")


def _on_the_way() -> None:
    _table(
        "acts",
        _key("request_id"),
        _id(),
        _text("person"),
        _json("act"),
        sa.Column("state", sa.String(10), nullable=False),
        _json("reply", null=True),
        _moment("created_at"),
        _moment("updated_at"),
        _moment("due_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
    )
    _index("acts_due", "acts", "state", "due_at")
    _table(
        "notices",
        _key("key"),
        sa.Column("event", sa.String(20), nullable=False),
        _text("request_id"),
        _json("to"),
        _json("but"),
        _text("actor"),
        _text("text"),
        _moment("at"),
        _moment("due_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        _moment("claimed_until", null=True),
        _moment("done_at", null=True),
        _text("last_error", null=True),
    )
    _index("notices_due", "notices", "done_at", "due_at")
    _table("notices_sent", _key("key"), _key("target"), _moment("sent_at"))


def _table(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(f"musterwerk_{name}", *columns)


def _index(name: str, table: str, *columns: str) -> None:
    op.create_index(f"musterwerk_{name}", f"musterwerk_{table}", list(columns))


def _id() -> sa.Column[Any]:
    return _key("id")


def _key(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, primary_key=True)


def _text(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=null)


def _json(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.JSON, nullable=null)


def _moment(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)
