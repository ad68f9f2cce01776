"""What people do to schedules, in the audit trail: noted before it is done, and once."""

from __future__ import annotations

from sqlalchemy import select

from musterwerk.store.audit import AuditLine, append, lock
from musterwerk.store.audit_tables import audit
from musterwerk.store.database import Store


def note(store: Store, line: AuditLine) -> bool:
    """False where it is there already, for instance of a form that was sent twice."""
    with store.begin() as connection:
        lock(connection)
        known = select(audit.c.seq).where(audit.c.source == line.source)
        if connection.execute(known).first() is not None:
            return False
        append(connection, [line])
        return True
