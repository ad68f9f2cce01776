"""What people are told of a dead letter, in their language."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from musterwerk.notify import Language, Message
from musterwerk.saga.letter import Letter


@dataclass(frozen=True)
class _Words:
    """By kind of letter; `choices` by action, or "kind action" where a kind needs its own."""

    subject: dict[str, str]
    what: dict[str, str]
    retried: str
    waiting: str
    choices: dict[str, str]
    body: str


_ENGLISH = _Words(
    subject={
        "forward": "Cannot be done: {step} of {workflow}",
        "undo": "Cannot be undone: {step} of {workflow}",
        "unknown": "Outcome unknown: {step} of {workflow}",
    },
    what={
        "forward": "The step {step} could not be done: {activity} fails.",
        "undo": "The step {step} could not be undone: {activity} fails.",
        "unknown": "Nobody knows whether the step {step} took effect: {activity} gave no answer.",
    },
    retried="""\
It is tried again from time to time. Until it succeeds, or somebody decides otherwise, it stays
undecided.""",
    waiting="It is not tried again by itself: it waits until somebody decides.",
    choices={
        "retry": "Try again at once, when the cause is mended:",
        "done": "Say that it has been done by other means:",
        "skip": "Give it up:",
        "forward done": "Say that it has been done by other means, and its result:",
        "unknown done": "Say that it has taken effect, and its result:",
        "unknown skip": "Count it as failed, which undoes the whole saga, this step as well:",
    },
    body="""\
{what}

Workflow:  {workflow} ({type}, namespace {namespace})
Since:     {since}
Attempts:  {attempts}
Error:     {error}

{outlook} Look at it:

  {show}

Then choose.

{choices}
This letter: {id}
""",
)

_GERMAN = _Words(
    subject={
        "forward": "Nicht ausführbar: {step} von {workflow}",
        "undo": "Nicht rückgängig zu machen: {step} von {workflow}",
        "unknown": "Ausgang unbekannt: {step} von {workflow}",
    },
    what={
        "forward": "Der Schritt {step} konnte nicht ausgeführt werden: {activity} schlägt fehl.",
        "undo": (
            "Der Schritt {step} konnte nicht rückgängig gemacht werden: {activity} schlägt fehl."
        ),
        "unknown": (
            "Niemand weiß, ob der Schritt {step} gewirkt hat: {activity} blieb ohne Antwort."
        ),
    },
    retried="""\
Es wird von Zeit zu Zeit neu versucht. Bis es gelingt oder jemand anders entscheidet, bleibt es
offen.""",
    waiting="Es wird nicht von selbst neu versucht: Es wartet, bis jemand entscheidet.",
    choices={
        "retry": "Sofort neu versuchen, wenn die Ursache behoben ist:",
        "done": "Melden, dass es auf anderem Weg erledigt wurde:",
        "skip": "Aufgeben:",
        "forward done": "Melden, dass es auf anderem Weg erledigt wurde, mit seinem Ergebnis:",
        "unknown done": "Melden, dass er gewirkt hat, mit seinem Ergebnis:",
        "unknown skip": "Als gescheitert werten: alles wird rückgängig gemacht, er selbst auch:",
    },
    body="""\
{what}

Workflow:  {workflow} ({type}, Namespace {namespace})
Seit:      {since}
Versuche:  {attempts}
Fehler:    {error}

{outlook} Ansehen:

  {show}

Dann entscheiden.

{choices}
Dieser Brief: {id}
""",
)

_LANGUAGES: dict[Language, _Words] = {"en": _ENGLISH, "de": _GERMAN}


def alert(letter: Letter, language: Language) -> Message:
    """The message about a letter; its key depends on the letter's id alone."""
    words = _LANGUAGES[language]
    # A newer sender may know more kinds; of those, what is told is that it cannot be done.
    kind = letter.kind if letter.kind in words.what else "forward"
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
        "outlook": words.retried if letter.retried else words.waiting,
        "what": words.what[kind].format(step=letter.step, activity=letter.activity or letter.step),
        "choices": "".join(_choice(letter, kind, action, words) for action in letter.actions),
    }
    return Message(
        key=key_of(letter.id),
        subject=words.subject[kind].format(**values),
        text=words.body.format(**values),
        data=letter.as_json(),
    )


def _choice(letter: Letter, kind: str, action: str, words: _Words) -> str:
    told = words.choices.get(f"{kind} {action}") or words.choices.get(action, f"{action}:")
    result = " --result JSON" if action == "done" and kind != "undo" else ""
    return f"{told}\n\n  {_resolve(letter)} --{action}{result} --by NAME --reason TEXT\n\n"


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
