"""A notice opened: to whom it goes now, and what each of them reads. Blocks on the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from musterwerk.approvals.notices import wording
from musterwerk.approvals.notices.recipients import meant, readers
from musterwerk.approvals.notices.wording import Reader
from musterwerk.approvals.state import Notice, Status
from musterwerk.notify import Mailbox, Message, Settings, Webhook
from musterwerk.notify.message import Target
from musterwerk.store import InboxTable, MailLinkTable, PeopleTable, Store
from musterwerk.store.directory import PersonRow
from musterwerk.store.mail_links import Shown
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
        self._links = MailLinkTable(store)
        self._settings = settings

    def open(self, row: NoticeRow, now: datetime, told: Collection[str] = ()) -> Opened:
        """Without those whose letters, by name, have been sent: their links must stay good."""
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
            if isinstance(one, Webhook) and one.name not in told
        ]
        letters, notes = self._mails(notice, status, now, told)
        return Opened((*webhooks, *letters), tuple(notes))

    def _mails(
        self, notice: Notice, status: Status, now: datetime, done: Collection[str]
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
        written: list[tuple[PersonRow, Mailbox]] = []
        for person in told:
            row = self._people.get(person)
            if row is None or row.mail is None or _name(person) in done:
                continue
            mailbox = self._settings.mailbox(row.mail)
            if mailbox is None:
                notes.append(f"{person}: {row.mail!r} is no address that mail can be sent to")
            else:
                written.append((row, mailbox))
        pages = self._pages(notice, status, [row.id for row, _ in written], now)
        for row, mailbox in written:
            stands_in_for = tuple(names.get(one, one) for one in told[row.id])
            reader = _reader(row, stands_in_for, pages.get(row.id))
            message = wording.mail(notice, status, reader, names=names)
            letters.append(Letter(_name(row.id), mailbox, message, True))
        return letters, notes

    def _pages(
        self, notice: Notice, status: Status, people: list[str], now: datetime
    ) -> dict[str, str]:
        """Where each of them finds the request; by a new link of their own if they are asked."""
        console = self._settings.console
        if console is None:
            return {}
        if not wording.asks(notice, status):
            return dict.fromkeys(people, f"{console}/requests/{quote(status.request_id)}")
        shown = Shown(
            notice=notice.key,
            request_id=status.request_id,
            revision=status.revision,
            digest=status.digest,
            expires_at=status.expires_at,
        )
        secrets = self._links.issue(shown, people, now)
        return {person: f"{console}/m/{secret}" for person, secret in secrets.items()}

    def _names(self, people: Iterable[str | None]) -> dict[str, str]:
        found = [self._people.get(person) for person in dict.fromkeys(people) if person]
        return {row.id: row.name for row in found if row is not None}


def _notice(row: NoticeRow) -> Notice:
    # A newer version's event, which has no words here, raises; that version will send it.
    return Notice.read({name: getattr(row, name) for name in Notice.model_fields})


def _name(person: str) -> str:
    return f"person:{person}"


def _reader(row: PersonRow, stands_in_for: tuple[str, ...], page: str | None) -> Reader:
    language = "de" if row.language == "de" else "en"
    return Reader(row.id, row.name, language, row.zone, stands_in_for, page)
