"""The words of messages, in each language. Names in braces are filled in by `wording.py`."""

from __future__ import annotations

from dataclasses import dataclass

from musterwerk.approvals.course import SPLIT, TOO_LATE
from musterwerk.approvals.model import WITHDRAWN
from musterwerk.notify import Language


@dataclass(frozen=True)
class Phrases:
    """`subject` and `opening` are by event; of an end by "ended" and its state, or "ended other".

    `no_longer` is for those who were asked and need not decide any more. `choices` are the labels
    of next steps. `link` is what to do with a personal link, by event or "decide"; `warning` what
    it can do in wrong hands, or that a log-in is needed.
    """

    hello: str
    subject: dict[str, str]
    opening: dict[str, str]
    no_longer: str
    stands_in: str
    claimed: str
    labels: dict[str, str]
    details: str
    said: dict[str, str]
    choices: dict[str, str]
    link: dict[str, str]
    button: str
    warning: dict[str, str]
    footer: str


_ENGLISH = Phrases(
    hello="Hello {name},",
    subject={
        "asked": "Please decide: {subject}",
        "reminded": "Reminder: {subject}",
        "escalated": "Escalated to you: {subject}",
        "delegated": "Delegated to you: {subject}",
        "question": "Question about: {subject}",
        "answer": "Answered: {subject}",
        "amended": "Changed: {subject}",
        "ended approved": "Approved: {subject}",
        "ended rejected": "Rejected: {subject}",
        "ended expired": "Expired: {subject}",
        "ended withdrawn": "Withdrawn: {subject}",
        "ended other": "Decided ({state}): {subject}",
    },
    opening={
        "asked": "{requester} asks for a decision, and yours is wanted.",
        "reminded": "This still waits for a decision, and yours is wanted.",
        "escalated": "Nobody has decided this in time. Now you may decide it as well.",
        "delegated": "{actor} has asked you to decide in their place.",
        "question": "{actor} has a question about your request before deciding. The deadline "
        "goes on.",
        "answer": "{actor} has answered your question.",
        "amended": "{requester} has changed this request. Whatever was decided about it is void, "
        "and your decision is wanted.",
        "ended approved": "This request was approved{by}.",
        "ended rejected": "This request was rejected{by}.",
        "ended expired": "Nobody decided this request in time. What counts is: {outcome}.",
        "ended withdrawn": "This request was withdrawn{by}.",
        "ended other": "This request was decided{by}: {outcome}.",
    },
    no_longer="Your decision is no longer needed.",
    stands_in="You get this because you stand in for {names}.",
    claimed="{person} is working on it at the moment.",
    labels={
        "subject": "Request",
        "id": "Number",
        "requester": "Requested by",
        "level": "Level",
        "deadline": "Deadline",
        "ended": "Ended",
        "revision": "Revision",
    },
    details="Details:",
    said={"": "They write:", "ended": "The reason:"},
    choices={
        "show": "Look at it:",
        "approve": "Approve:",
        "reject": "Reject:",
        "decide": 'Decide "{shown}":',
        "ask": "Ask {requester} something first:",
        "delegate": "Let somebody else decide in your place:",
        "inform": "Answer:",
    },
    link={
        "decide": "Open the request, look, then press a button. Opening the link decides nothing.",
        "question": "Open the request, look, then write your answer. Opening the link changes "
        "nothing.",
    },
    button="Open the request",
    warning={
        "": "The link is for you alone: whoever has it can answer in your name. Do not forward "
        "this mail.",
        "login": "The link is for you alone. You have to log in before you see the request.",
    },
    footer="Sent by Musterwerk. Replies to this mail are read by nobody.",
)

_GERMAN = Phrases(
    hello="Guten Tag {name},",
    subject={
        "asked": "Bitte entscheiden: {subject}",
        "reminded": "Erinnerung: {subject}",
        "escalated": "An Sie eskaliert: {subject}",
        "delegated": "An Sie übertragen: {subject}",
        "question": "Rückfrage: {subject}",
        "answer": "Beantwortet: {subject}",
        "amended": "Geändert: {subject}",
        "ended approved": "Genehmigt: {subject}",
        "ended rejected": "Abgelehnt: {subject}",
        "ended expired": "Abgelaufen: {subject}",
        "ended withdrawn": "Zurückgezogen: {subject}",
        "ended other": "Entschieden ({state}): {subject}",
    },
    opening={
        "asked": "{requester} bittet um eine Entscheidung, und Ihre ist gefragt.",
        "reminded": "Dies wartet noch auf eine Entscheidung, und Ihre ist gefragt.",
        "escalated": "Niemand hat dies rechtzeitig entschieden. Nun dürfen auch Sie entscheiden.",
        "delegated": "{actor} bittet Sie, an seiner oder ihrer Stelle zu entscheiden.",
        "question": "{actor} hat vor der Entscheidung eine Rückfrage zu Ihrer Anfrage. Die Frist "
        "läuft weiter.",
        "answer": "{actor} hat Ihre Rückfrage beantwortet.",
        "amended": "{requester} hat diese Anfrage geändert. Was darüber entschieden wurde, gilt "
        "nicht mehr, und Ihre Entscheidung ist gefragt.",
        "ended approved": "Diese Anfrage wurde genehmigt{by}.",
        "ended rejected": "Diese Anfrage wurde abgelehnt{by}.",
        "ended expired": "Niemand hat diese Anfrage rechtzeitig entschieden. Es gilt: {outcome}.",
        "ended withdrawn": "Diese Anfrage wurde zurückgezogen{by}.",
        "ended other": "Diese Anfrage wurde entschieden{by}: {outcome}.",
    },
    no_longer="Ihre Entscheidung wird nicht mehr gebraucht.",
    stands_in="Sie bekommen dies als Vertretung von {names}.",
    claimed="{person} ist gerade damit befasst.",
    labels={
        "subject": "Anfrage",
        "id": "Nummer",
        "requester": "Angefragt von",
        "level": "Stufe",
        "deadline": "Frist",
        "ended": "Beendet",
        "revision": "Fassung",
    },
    details="Einzelheiten:",
    said={"": "Dazu heißt es:", "ended": "Die Begründung:"},
    choices={
        "show": "Ansehen:",
        "approve": "Genehmigen:",
        "reject": "Ablehnen:",
        "decide": "„{shown}“ entscheiden:",
        "ask": "{requester} erst etwas fragen:",
        "delegate": "Jemand anderen an Ihrer Stelle entscheiden lassen:",
        "inform": "Antworten:",
    },
    link={
        "decide": "Öffnen Sie die Anfrage, sehen Sie sie an, und drücken Sie dann auf einen Knopf. "
        "Das Öffnen allein entscheidet nichts.",
        "question": "Öffnen Sie die Anfrage, sehen Sie sie an, und schreiben Sie dann Ihre "
        "Antwort. Das Öffnen allein ändert nichts.",
    },
    button="Anfrage öffnen",
    warning={
        "": "Der Link ist nur für Sie: Wer ihn hat, kann in Ihrem Namen antworten. Leiten Sie "
        "diese Mail nicht weiter.",
        "login": "Der Link ist nur für Sie. Sie müssen sich anmelden, bevor Sie die Anfrage sehen.",
    },
    footer="Gesendet von Musterwerk. Antworten auf diese Mail liest niemand.",
)

PHRASES: dict[Language, Phrases] = {"en": _ENGLISH, "de": _GERMAN}
#: Reasons that the rules give, as far as the opening does not say the same.
REASONS: dict[Language, dict[str, str]] = {
    "en": {SPLIT: "No outcome can reach its quorum any more.", TOO_LATE: "", WITHDRAWN: ""},
    "de": {
        SPLIT: "Keine Entscheidung kann die nötige Mehrheit mehr erreichen.",
        TOO_LATE: "",
        WITHDRAWN: "",
    },
}
BY: dict[Language, str] = {"en": " by {names}", "de": " von {names}"}
LEVEL: dict[Language, str] = {"en": "{number} of {count}", "de": "{number} von {count}"}
OUTCOMES: dict[Language, dict[str, str]] = {
    "en": {"approve": "approved", "reject": "rejected"},
    "de": {"approve": "genehmigt", "reject": "abgelehnt"},
}
