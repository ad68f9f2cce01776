"""What a link in a mail opens, and for whom: the door of people who are not logged in.

The secret in the path is all that a caller shows. It stands for one person and one request as
the mail showed it, with none of the person's roles.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from musterwerk.approvals import Status
from musterwerk.console.api.found import find
from musterwerk.console.auth import Caller
from musterwerk.console.problems import Problem
from musterwerk.console.services import Services
from musterwerk.store.directory import PersonRow
from musterwerk.store.mail_links import MailLink

Why = Literal["unknown", "expired", "left", "other", "gone", "changed", "used", "off", "often"]
#: What each answers over HTTP.
STATUS: dict[Why, int] = {
    "unknown": 404,  # never was, is replaced by a newer one, or is long over
    "gone": 404,  # the request is not there, or not theirs to see any more
    "expired": 410,
    "left": 410,
    "other": 403,  # somebody else is logged in
    "off": 403,
    "changed": 409,
    "used": 409,
    "often": 429,
}
#: The step that answers a question; all others decide.
ANSWER = "answer"

_log = logging.getLogger(__name__)


class Closed(Exception):
    """The link does not lead there; `whose` it is, where it is known."""

    def __init__(self, why: Why, whose: PersonRow | None = None) -> None:
        super().__init__(why)
        self.why: Why = why
        self.whose = whose


@dataclass(frozen=True)
class Step:
    """What is about to be done: "decide" and an outcome, or `ANSWER` twice."""

    kind: str
    named: str

    def is_offered(self, status: Status) -> bool:
        if self.kind == "decide":
            return self.named in status.outcomes
        return (self.kind, self.named) == (ANSWER, ANSWER)


@dataclass(frozen=True)
class Opened:
    """`use` says what became of the act by which the link was used, unless that was refused."""

    link: MailLink
    person: PersonRow
    status: Status
    use: Literal["none", "recorded", "applied"] = "none"

    @property
    def caller(self) -> Caller:
        return _caller(self.person)

    @property
    def is_changed(self) -> bool:
        """Whether something else is asked by now than the mail says."""
        return self.status.ended_at is None and self.status.digest != self.link.digest


def owner_of(services: Services, secret: str, address: str) -> tuple[MailLink, PersonRow]:
    """Raises `Closed`, alike for a link that never was and for one that is long over."""
    link = services.links.get(secret)
    if link is None:
        raise Closed("unknown" if _may_try(services, address) else "often")
    person = services.people.get(link.person)
    if person is None or not person.active:
        raise Closed("left", person)
    return link, person


def _may_try(services: Services, address: str) -> bool:
    """Only who has no link is refused: behind a proxy others may have the same address."""
    if not services.link_limits.allows(address):
        return False
    services.link_limits.failed(address)
    if not services.link_limits.allows(address):
        _log.warning("too many unknown links from %s", address)
    return True


def needs_login(services: Services, link: MailLink) -> bool:
    found = services.inbox.get(link.request_id)
    return found is not None and Status.read(found.status).login_required


def opened(services: Services, link: MailLink, person: PersonRow) -> Opened:
    """The request as it stands. Raises `Closed`."""
    if link.expires_at <= services.now():
        raise Closed("expired", person)
    try:
        status = find(services, _caller(person), link.request_id).status
    except Problem:
        raise Closed("gone", person) from None
    if status.digest != link.digest and status.revision <= link.revision:
        raise Closed("gone", person)  # another request that has its id
    act = services.acts.get(link.act_id, link.request_id) if link.act_id else None
    if act is None:
        return Opened(link, person, status)
    if act.reply is None:
        return Opened(link, person, status, "recorded")
    return Opened(link, person, status, "applied" if act.reply["verdict"] == "applied" else "none")


def check(services: Services, found: Opened, step: Step, act_id: str | None = None) -> None:
    """Raises `Closed` unless the link can do this. `act_id` may be the one that used it already:
    the same form sent twice is done once."""
    if not services.mail_decisions:
        raise Closed("off", found.person)
    if found.use != "none" and found.link.act_id != act_id:
        raise Closed("used", found.person)
    if not step.is_offered(found.status):
        raise Closed("gone", found.person)
    if found.is_changed:
        raise Closed("changed", found.person)


def _caller(person: PersonRow) -> Caller:
    return Caller(person.id, frozenset())
