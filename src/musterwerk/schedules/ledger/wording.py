"""What people are told of a schedule that is not well, and when it is again."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime

from musterwerk.notify import Language, Message
from musterwerk.schedules.ledger.address import page_of
from musterwerk.store.ledger_rows import UNJUDGED, IncidentRow


@dataclass(frozen=True)
class _Words:
    """`verdicts` by verdict; `never` for a schedule without a good run so far."""

    subject: dict[str, str]
    verdicts: dict[str, str]
    never: str
    opened: str
    closed: str
    away: str
    unjudged: str
    judged: str


_ENGLISH = _Words(
    subject={
        "open": "{schedule}: {verdict}, due {due}",
        "closed": "{schedule} is well again (it was {verdict}, due {due})",
        "away": "The schedule monitor was away from {due} to {closed}",
        "unjudged": "{schedule} cannot be judged",
        "judged": "{schedule} is judged again",
    },
    verdicts={
        "late": "late",
        "failed": "failed",
        "dropped": "dropped by the server",
        "missed": "missed",
        "skipped": "skipped",
    },
    never="none so far",
    opened="""\
Schedule:       {schedule}
Due:            {due}
Verdict:        {verdict}
Reason:         {reason}
Last good run:  {last_good}

You are told again when a run has gone well, and not before. Look at it:

  {show}
""",
    closed="""\
Schedule:       {schedule}
Well since:     the run due {recovered}
Before:         {verdict}, due {due}: {reason}
Last good run before that:  {last_good}

Which due times have had no run meanwhile:

  {show}
""",
    away="""\
Nobody looked at schedules from {due} to {closed}. {reason}.

They have their verdicts by now:

  {show}
""",
    unjudged="""\
Schedule:  {schedule}
Since:     {due}
Reason:    {reason}

Its runs go on, but nobody is told of what goes wrong with them until this is mended:

  {show}
""",
    judged="""\
Schedule:  {schedule}
It could not be judged since {due}: {reason}

What was due since then has its verdicts by now:

  {show}
""",
)

_GERMAN = _Words(
    subject={
        "open": "{schedule}: {verdict}, fällig {due}",
        "closed": "{schedule} läuft wieder (war {verdict}, fällig {due})",
        "away": "Die Überwachung der Zeitpläne war von {due} bis {closed} weg",
        "unjudged": "{schedule} ist nicht zu beurteilen",
        "judged": "{schedule} wird wieder beurteilt",
    },
    verdicts={
        "late": "verspätet",
        "failed": "gescheitert",
        "dropped": "vom Server verworfen",
        "missed": "ausgefallen",
        "skipped": "übersprungen",
    },
    never="noch keiner",
    opened="""\
Zeitplan:            {schedule}
Fällig:              {due}
Urteil:              {verdict}
Grund:               {reason}
Letzter guter Lauf:  {last_good}

Die nächste Nachricht kommt, wenn wieder ein Lauf gelungen ist, nicht vorher. Ansehen:

  {show}
""",
    closed="""\
Zeitplan:        {schedule}
Läuft wieder:    seit dem Lauf, fällig {recovered}
Vorher:          {verdict}, fällig {due}: {reason}
Letzter guter Lauf davor:  {last_good}

Welche fälligen Zeiten inzwischen keinen Lauf hatten:

  {show}
""",
    away="""\
Niemand hat von {due} bis {closed} nach den Zeitplänen gesehen. {reason}.

Die Urteile sind inzwischen nachgetragen:

  {show}
""",
    unjudged="""\
Zeitplan:  {schedule}
Seit:      {due}
Grund:     {reason}

Seine Läufe gehen weiter, aber niemand erfährt, was dabei schiefgeht, bis das behoben ist:

  {show}
""",
    judged="""\
Zeitplan:  {schedule}
Er war nicht zu beurteilen seit {due}: {reason}

Was seither fällig war, hat inzwischen sein Urteil:

  {show}
""",
)

#: What is no verdict has texts of its own.
_SHOWN = {
    ("away", "closed"): "away",
    (UNJUDGED, "open"): "unjudged",
    (UNJUDGED, "closed"): "judged",
}
_LANGUAGES: dict[Language, _Words] = {"en": _ENGLISH, "de": _GERMAN}


def alert(incident: IncidentRow, language: Language, console: str | None = None) -> Message:
    """Of one that has begun, or is over; which of both, `to_tell` says."""
    words, kind = _LANGUAGES[language], incident.to_tell
    shown = _SHOWN.get((incident.verdict, kind), kind)
    values = {
        "schedule": incident.schedule,
        "due": _text(incident.due),
        "verdict": words.verdicts.get(incident.verdict, incident.verdict),
        "reason": incident.reason,
        "last_good": _text(incident.last_good_at) if incident.last_good_at else words.never,
        "recovered": _text(incident.recovered_due) if incident.recovered_due else "",
        "closed": _text(incident.closed_at) if incident.closed_at else "",
        "show": _where(incident, console),
    }
    body = {
        "open": words.opened,
        "closed": words.closed,
        "away": words.away,
        "unjudged": words.unjudged,
        "judged": words.judged,
    }[shown]
    return Message(
        key=key_of(incident.id, kind),
        subject=words.subject[shown].format(**values),
        text=body.format(**values),
        data={**_as_json(incident), "kind": shown},
    )


def key_of(incident_id: str, kind: str) -> str:
    digest = hashlib.sha256(incident_id.encode("utf-8", "replace")).hexdigest()
    return f"schedule-{kind}-{digest[:32]}"


def _where(incident: IncidentRow, console: str | None) -> str:
    """The page, where there is a console, and the command."""
    page = [console + page_of(incident.schedule)] if console else []
    return "\n  ".join([*(page if incident.schedule else ()), _command(incident)])


def _command(incident: IncidentRow) -> str:
    command = ["musterwerk", "schedules", "ledger"]
    if incident.schedule:
        command += [incident.schedule]
    return shlex.join([*command, "--from", f"{incident.due:%Y-%m-%dT%H:%M:%SZ}"])


def _as_json(incident: IncidentRow) -> dict[str, object]:
    return {
        "schedule": incident.schedule,
        "due": incident.due.isoformat(),
        "verdict": incident.verdict,
        "reason": incident.reason,
        "last_good_at": incident.last_good_at.isoformat() if incident.last_good_at else None,
        "recovered_due": incident.recovered_due.isoformat() if incident.recovered_due else None,
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
