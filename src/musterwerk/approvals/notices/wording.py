"""What people are told of a request, in their language and time zone, as text and as HTML.

Subject, details and comments are somebody's free text: they are cut, stripped of what a terminal
or a mail program would obey, and escaped in HTML. In the text form they are indented or quoted,
so that nobody can write what looks like ours.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from musterwerk.approvals.notices.layout import Content, Link, as_html, as_text
from musterwerk.approvals.notices.phrases import BY, LEVEL, OUTCOMES, PHRASES, REASONS
from musterwerk.approvals.notices.rendering import details, moment, one_line, prose
from musterwerk.approvals.policy import APPROVE, REJECT
from musterwerk.approvals.state import Notice, Status
from musterwerk.notify import Language, Message

#: After these one can decide.
_TO_DECIDE = ("asked", "reminded", "escalated", "delegated", "answer", "amended")
_ENDS = ("approved", "rejected", "expired", "withdrawn")


@dataclass(frozen=True)
class Reader:
    """Somebody who is told. `stands_in_for` is empty for whoever is meant themselves.

    `page` is where they find the request in the console, by a link of their own where the mail
    asks them for something; None where there is no console that they could reach.
    """

    id: str
    name: str
    language: Language = "en"
    zone: str = "UTC"
    stands_in_for: tuple[str, ...] = ()
    page: str | None = None


def asks(notice: Notice, status: Status) -> bool:
    """Whether its reader is to decide, or to answer a question."""
    return status.ended_at is None and notice.event in (*_TO_DECIDE, "question")


def mail(
    notice: Notice,
    status: Status,
    reader: Reader,
    *,
    names: Mapping[str, str] | None = None,
) -> Message:
    """`names` has those of people by their id, as far as they are known."""
    words = PHRASES[reader.language]
    values = _values(notice, status, reader.language, names or {})
    kind = _kind(notice, status)
    content = Content(
        language=reader.language,
        subject=words.subject[kind].format(**values),
        hello=words.hello.format(name=one_line(reader.name)),
        opening=_opening(notice, status, reader, kind, values),
        facts=_facts(status, reader, values),
        said=_said(notice, reader.language),
        details=(words.details, details(status.details, reader.language)),
        steps=tuple(_steps(notice, status, reader, values)),
        link=_link(notice, status, reader),
        footer=words.footer,
    )
    return Message(
        key=_key(notice.key, reader.id),
        subject=content.subject,
        text=as_text(content),
        html=as_html(content),
        language=reader.language,
        data={},
    )


def event(notice: Notice, status: Status) -> Message:
    """The same for a machine; whoever needs the details asks for them with the id."""
    data: dict[str, Any] = {
        "key": notice.key,
        "event": notice.event,
        "request_id": status.request_id,
        "subject": status.subject,
        "requester": status.requester,
        "state": status.state,
        "outcome": status.outcome,
        "revision": status.revision,
        "to": list(notice.to),
        "but": list(notice.but),
        "actor": notice.actor,
        "text": notice.text,
        "at": notice.at.isoformat(),
        "expires_at": status.expires_at.isoformat() if status.expires_at else None,
    }
    subject = f"{notice.event}: {one_line(status.subject)}"
    return Message(key=_key(notice.key, ""), subject=subject, text=subject, data=data)


def _key(notice: str, reader: str) -> str:
    """Plain ASCII, whatever the ids are made of."""
    digest = hashlib.sha256(f"{notice}\n{reader}".encode("utf-8", "replace")).hexdigest()
    return f"approval-{digest[:32]}"


def _kind(notice: Notice, status: Status) -> str:
    if notice.event != "ended":
        return notice.event
    return f"ended {status.state if status.state in _ENDS else 'other'}"


def _values(
    notice: Notice, status: Status, language: Language, names: Mapping[str, str]
) -> dict[str, str]:
    def named(person: str) -> str:
        return one_line(names.get(person, person))

    by = ", ".join(named(person) for person in status.by)
    outcome = status.outcome or ""
    return {
        "subject": one_line(status.subject),
        "requester": named(status.requester),
        "actor": named(notice.actor or status.requester),
        "state": status.state.replace("_", " "),
        "outcome": OUTCOMES[language].get(outcome, outcome.replace("_", " ")),
        "by": BY[language].format(names=by) if by else "",
        "claimed_by": named(status.claimed_by or ""),
    }


def _said(notice: Notice, language: Language) -> tuple[str, tuple[str, ...]]:
    words, text = PHRASES[language].said, notice.text
    if notice.event == "ended":
        text = REASONS[language].get(text, text)
    return words.get(notice.event, words[""]), prose(text, language)


def _opening(
    notice: Notice, status: Status, reader: Reader, kind: str, values: Mapping[str, str]
) -> tuple[str, ...]:
    words = PHRASES[reader.language]
    found = [words.opening[kind].format(**values)]
    if notice.event == "ended" and reader.id != status.requester:
        found.append(words.no_longer)
    if reader.stands_in_for:
        found.append(words.stands_in.format(names=one_line(", ".join(reader.stands_in_for))))
    if status.claimed_by not in (None, reader.id) and notice.event in _TO_DECIDE:
        found.append(words.claimed.format(person=values["claimed_by"]))
    return tuple(found)


def _facts(
    status: Status, reader: Reader, values: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    labels, language = PHRASES[reader.language].labels, reader.language
    found = [
        (labels["subject"], values["subject"]),
        (labels["id"], status.request_id),
        (labels["requester"], values["requester"]),
    ]
    if status.revision > 1:
        found.append((labels["revision"], str(status.revision)))
    if status.ended_at is not None:
        found.append((labels["ended"], moment(status.ended_at, reader.zone, language)))
        return tuple(found)
    if status.levels > 1:
        level = LEVEL[language].format(number=status.level + 1, count=status.levels)
        name = f" ({one_line(status.level_name)})" if status.level_name else ""
        found.append((labels["level"], level + name))
    if status.expires_at is not None:
        found.append((labels["deadline"], moment(status.expires_at, reader.zone, language)))
    return tuple(found)


def _link(notice: Notice, status: Status, reader: Reader) -> Link | None:
    if reader.page is None or not asks(notice, status):
        return None
    words = PHRASES[reader.language]
    return Link(
        label=words.link.get(notice.event, words.link["decide"]),
        button=words.button,
        address=reader.page,
        warning=words.warning["login" if status.login_required else ""],
    )


def _steps(
    notice: Notice, status: Status, reader: Reader, values: Mapping[str, str]
) -> list[tuple[str, str]]:
    """What to do, each with the command for it; a personal link leads to all of it."""
    choices = PHRASES[reader.language].choices
    if reader.page is not None:
        return [] if asks(notice, status) else [(choices["show"], reader.page)]

    def command(label: str, *words: str, hint: str = "", shown: str = "") -> tuple[str, str]:
        told = shlex.join(["musterwerk", "approvals", *words, "--as", reader.id])
        return choices[label].format(**values, shown=shown), f"{told} {hint}".rstrip()

    show = shlex.join(["musterwerk", "approvals", "show", status.request_id])
    found = [(choices["show"], show)]
    if notice.event == "question":
        return [*found, command("inform", "answer", status.request_id, "TEXT")]
    if not asks(notice, status):
        return found
    for outcome in status.outcomes:
        own = outcome in (APPROVE, REJECT)
        verb = (outcome, status.request_id) if own else ("decide", status.request_id, outcome)
        reason = "--reason TEXT " if outcome == REJECT else ""
        answer = "--answer JSON " if outcome in status.answer_for else ""
        # Whoever decides on what this mail shows does not decide on what it became since.
        hint = f"{reason}{answer}--digest {status.digest}"
        label = outcome if own else "decide"
        shown = outcome.replace("_", " ")
        found.append(command(label, *verb, hint=hint, shown=shown))
    found.append(command("ask", "ask", status.request_id, "TEXT"))
    if not reader.stands_in_for:
        found.append(command("delegate", "delegate", status.request_id, hint="--to PERSON"))
    return found
