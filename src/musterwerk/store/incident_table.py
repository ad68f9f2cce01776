"""Incidents of schedules, and who has been told of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from musterwerk.store.database import Store
from musterwerk.store.dialects import insert
from musterwerk.store.ledger_rows import IncidentRow, read_incident
from musterwerk.store.schedule_tables import incident_alerts, incidents


class IncidentTable:
    def __init__(self, store: Store) -> None:
        self.store = store

    def note_incident(self, incident: IncidentRow) -> None:
        """Again changes nothing."""
        values = vars(incident) | {"told_to": list(incident.told_to)}
        with self.store.begin() as connection:
            new = insert(connection, incidents).values(values)
            connection.execute(new.on_conflict_do_nothing(index_elements=["id"]))

    def to_tell(self, now: datetime, limit: int = 100) -> list[IncidentRow]:
        """Those that are to be told, or tried again, by now; what failed least comes first."""
        of = incidents.c
        due = of.next_try_at.is_(None) | (of.next_try_at <= now)
        query = select(incidents).where(of.to_tell != "", due)
        with self.store.read() as connection:
            ordered = query.order_by(of.attempts, of.opened_at, of.id).limit(limit)
            return [read_incident(row) for row in connection.execute(ordered).mappings()]

    def tell_later(self, incident: str, kind: str, at: datetime) -> None:
        """Telling has failed."""
        mine = incidents.c.id == incident, incidents.c.to_tell == kind
        change = update(incidents).where(*mine)
        values = {"attempts": incidents.c.attempts + 1, "next_try_at": at}
        with self.store.begin() as connection:
            connection.execute(change.values(values))

    def told(self, incident: str, kind: str) -> set[str]:
        """Which targets have been told."""
        of = incident_alerts.c
        query = select(of.target).where(of.incident == incident, of.kind == kind)
        with self.store.read() as connection:
            return set(connection.execute(query).scalars())

    def mark_told(self, incident: str, kind: str, target: str, at: datetime) -> None:
        values = {"incident": incident, "kind": kind, "target": target, "sent_at": at}
        with self.store.begin() as connection:
            row = insert(connection, incident_alerts).values(values)
            connection.execute(row.on_conflict_do_nothing())

    def all_told(self, incident: str, kind: str) -> None:
        """Unless there is something new to tell meanwhile."""
        mine = incidents.c.id == incident, incidents.c.to_tell == kind
        with self.store.begin() as connection:
            connection.execute(update(incidents).where(*mine).values(to_tell=""))
