"""The audit trail, and triggers that keep it from being changed by accident."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_REFUSAL = "the audit trail is append-only"


def upgrade() -> None:
    words = ("event", "actor", "channel")
    op.create_table(
        "musterwerk_audit",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("source", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in words),
        sa.Column("on_behalf_of", sa.Text),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("digest", "data", "record", "previous", "hash")
        ),
    )
    op.create_index("musterwerk_audit_by_request", "musterwerk_audit", ["request_id", "seq"])
    op.create_index("musterwerk_audit_by_actor", "musterwerk_audit", ["actor", "seq"])
    if op.get_bind().dialect.name == "postgresql":
        _refuse_on_postgresql()
    else:
        _refuse_on_sqlite()


def _refuse_on_sqlite() -> None:
    for act in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER musterwerk_audit_no_{act.lower()} BEFORE {act} ON musterwerk_audit "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )


def _refuse_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION musterwerk_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    for name, acts, each in (
        ("musterwerk_audit_no_change", "UPDATE OR DELETE", "ROW"),
        ("musterwerk_audit_no_truncate", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {acts} ON musterwerk_audit "
            f"FOR EACH {each} EXECUTE FUNCTION musterwerk_audit_refuse()"
        )
