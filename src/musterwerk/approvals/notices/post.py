"""A notice opened: to whom it goes now, and what each of them reads. Blocks on the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from musterwerk.approvals.notices import wording
from musterwerk.approvals.notices.recipients import meant, readers
from musterwerk.approvals.notices.wording import Reader
from musterwerk.approvals.state import Notice, Status
from musterwerk.notify import Message, Settings, Webhook
from musterwerk.notify.message import Target
from musterwerk.store import InboxTable, PeopleTable, Store
from musterwerk.store.directory import PersonRow
from musterwerk.store.outbox import NoticeRow


@dataclass(frozen=True)
class Letter:
    """`name` is by which it is remembered that it was sent; it is a person's, whatever address
    they have by then. `mail` tells a mail server from a webhook.
    """

    name: str
    target: Target
    message: Message
    mail: bool


@dataclass(frozen=True)
class Opened:
    """`notes` say who cannot be told at all. `lost` if nothing is known of the request."""

    letters: tuple[Letter, ...] = ()
    notes: tuple[str, ...] = ()
    lost: bool = False


class PostRoom:
    def __init__(self, store: Store, settings: Settings) -> None:
        self._inbox = InboxTable(store)
        self._people = PeopleTable(store)
        self._settings = settings

    def open(self, row: NoticeRow, now: datetime) -> Opened:
        found = self._inbox.get(row.request_id)
        if found is None:
            return Opened(lost=True)
        status = Status.read(found.status | {"details": found.details})
        if row.at < status.created_at:
            return Opened()  # of an earlier request that had the same id
        notice = _notice(row)
        webhooks = [
            Letter(one.name, one, wording.event(notice, status), False)
            for one in self._settings.targets
            if isinstance(one, Webhook)
        ]
        letters, notes = self._mails(notice, status, now)
        return Opened((*webhooks, *letters), tuple(notes))

    def _mails(
        self, notice: Notice, status: Status, now: datetime
    ) -> tuple[list[Letter], list[str]]:
        letters: list[Letter] = []
        notes: list[str] = []
        if self._settings.server is None or self._settings.sender is None:
            return letters, notes
        facts = self._people.facts(meant(notice, status), (), status.requester, now)
        told = readers(notice, status, facts.members, facts.substitutes)
        absent = [person for several in told.values() for person in several]
        named = (status.requester, notice.actor, status.claimed_by, *status.by)
        names = self._names((*named, *absent))
        for person, stands_in_for in told.items():
            row = self._people.get(person)
            if row is None or row.mail is None:
                continue
            mailbox = self._settings.mailbox(row.mail)
            if mailbox is None:
                notes.append(f"{person}: {row.mail!r} is no address that mail can be sent to")
                continue
            reader = _reader(row, tuple(names.get(one, one) for one in stands_in_for))
            message = wording.mail(notice, status, reader, names=names)
            letters.append(Letter(f"person:{person}", mailbox, message, True))
        return letters, notes

    def _names(self, people: Iterable[str | None]) -> dict[str, str]:
        found = [self._people.get(person) for person in dict.fromkeys(people) if person]
        return {row.id: row.name for row in found if row is not None}


def _notice(row: NoticeRow) -> Notice:
    # A newer version's event, which has no words here, raises; that version will send it.
    return Notice.read({name: getattr(row, name) for name in Notice.model_fields})


def _reader(row: PersonRow, stands_in_for: tuple[str, ...]) -> Reader:
    language = "de" if row.language == "de" else "en"
    return Reader(row.id, row.name, language, row.zone, stands_in_for)
