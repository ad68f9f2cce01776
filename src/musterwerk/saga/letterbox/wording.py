"""What people are told of a dead letter, in their language."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from musterwerk.notify import Language, Message
from musterwerk.saga.letter import Letter


@dataclass(frozen=True)
class _Words:
    subject: dict[str, str]
    what: dict[str, str]
    body: str


_ENGLISH = _Words(
    subject={
        "do": "Cannot be done: {step} of {workflow}",
        "undo": "Cannot be undone: {step} of {workflow}",
    },
    what={
        "do": "The step {step} could not be done: {activity} fails.",
        "undo": "The step {step} could not be undone: {activity} fails.",
    },
    body="""\
{what}

Workflow:  {workflow} ({type}, namespace {namespace})
Since:     {since}
Attempts:  {attempts}
Error:     {error}

It is tried again from time to time. Until it succeeds, or somebody decides otherwise, it stays
undecided. Look at it:

  {show}

Then choose one of three. Try again at once, when the cause is mended:

  {resolve} --retry --by NAME --reason TEXT

Say that it has been done by other means:

  {resolve} --done --by NAME --reason TEXT

Give it up:

  {resolve} --skip --by NAME --reason TEXT

This letter: {id}
""",
)

_GERMAN = _Words(
    subject={
        "do": "Nicht ausführbar: {step} von {workflow}",
        "undo": "Nicht rückgängig zu machen: {step} von {workflow}",
    },
    what={
        "do": "Der Schritt {step} konnte nicht ausgeführt werden: {activity} schlägt fehl.",
        "undo": (
            "Der Schritt {step} konnte nicht rückgängig gemacht werden: {activity} schlägt fehl."
        ),
    },
    body="""\
{what}

Workflow:  {workflow} ({type}, Namespace {namespace})
Seit:      {since}
Versuche:  {attempts}
Fehler:    {error}

Es wird von Zeit zu Zeit neu versucht. Bis es gelingt oder jemand anders entscheidet, bleibt es
offen. Ansehen:

  {show}

Dann eines von dreien. Sofort neu versuchen, wenn die Ursache behoben ist:

  {resolve} --retry --by NAME --reason TEXT

Melden, dass es auf anderem Weg erledigt wurde:

  {resolve} --done --by NAME --reason TEXT

Aufgeben:

  {resolve} --skip --by NAME --reason TEXT

Dieser Brief: {id}
""",
)

_LANGUAGES: dict[Language, _Words] = {"en": _ENGLISH, "de": _GERMAN}


def alert(letter: Letter, language: Language) -> Message:
    """The message about a letter; its key depends on the letter's id alone."""
    words = _LANGUAGES[language]
    direction: Literal["do", "undo"] = "undo" if letter.direction == "undo" else "do"
    values = {
        "step": letter.step,
        "workflow": letter.workflow_id,
        "type": letter.workflow_type,
        "namespace": letter.namespace,
        "activity": letter.activity,
        "since": _moment(letter.since),
        "attempts": letter.attempts,
        "error": letter.error,
        "id": letter.id,
        "show": f"musterwerk sagas show {shlex.quote(letter.workflow_id)}",
        "resolve": _resolve(letter),
    }
    what = words.what[direction].format(**values)
    return Message(
        key=key_of(letter.id),
        subject=words.subject[direction].format(**values),
        text=words.body.format(what=what, **values),
        data=letter.as_json(),
    )


def key_of(letter_id: str) -> str:
    """The same for every repeat; plain ASCII, whatever the id is made of."""
    digest = hashlib.sha256(letter_id.encode("utf-8", "replace")).hexdigest()
    return f"dead-letter-{digest[:32]}"


def _resolve(letter: Letter) -> str:
    command = ["musterwerk", "sagas", "resolve", letter.workflow_id, letter.step]
    if letter.saga != "saga":
        command += ["--saga", letter.saga]
    return shlex.join(command)


def _moment(since: str) -> str:
    return datetime.fromisoformat(since).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
