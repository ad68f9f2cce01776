"""Why a due time has its verdict, in the reader's language and with times of their zone.

The ledger says it in English, for programs and logs. What is not known here is shown as it says it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from musterwerk.console.pages import language as lang
from musterwerk.wire import Duration


def N_(text: str) -> str:  # noqa: N802 - gettext's name for a text that is translated elsewhere
    return text


#: By what the ledger says. A group's name is that of its place in the text.
_KNOWN = [
    (
        r"ended for the next run, as its overlap policy says",
        N_("ended for the next run, as its overlap policy says"),
    ),
    (r"the workflow failed", N_("the workflow failed")),
    (r"the workflow failed: (?P<what>.+)", N_("the workflow failed: %(what)s")),
    (r"the workflow timed out", N_("the workflow timed out")),
    (r"the workflow timed out: (?P<what>.+)", N_("the workflow timed out: %(what)s")),
    (r"the workflow was terminated", N_("the workflow was terminated")),
    (r"the workflow was terminated: (?P<what>.+)", N_("the workflow was terminated: %(what)s")),
    (r"the workflow was canceled", N_("the workflow was canceled")),
    (r"the workflow was canceled: (?P<what>.+)", N_("the workflow was canceled: %(what)s")),
    (r"it began (?P<span>.+) after its time", N_("it began %(span)s after its time")),
    (r"it waits for the run before", N_("it waits for the run before")),
    (
        r"the run of (?P<at>[-0-9]+ [:0-9]+) UTC still went on",
        N_("the run of %(at)s still went on"),
    ),
    (
        r"(?P<count>[0-9]+) due times in a row were skipped: "
        r"the run of (?P<at>[-0-9]+ [:0-9]+) UTC still went on",
        N_("%(count)s due times in a row were skipped: the run of %(at)s still went on"),
    ),
    (
        r"a worker began with it (?P<span>.+) after its time",
        N_("a worker began with it %(span)s after its time"),
    ),
    (
        r"no worker had begun with it by the end of its grace",
        N_("no worker had begun with it by the end of its grace"),
    ),
    (
        r"the next run ended it before a worker had begun with it",
        N_("the next run ended it before a worker had begun with it"),
    ),
    (r"it was paused about then", N_("it was paused about then")),
    (
        r"it was paused before the server came to it",
        N_("it was paused before the server came to it"),
    ),
    (
        r"the schedule was changed before it began",
        N_("the schedule was changed before it began"),
    ),
    (
        r"the schedule was deleted before it began",
        N_("the schedule was deleted before it began"),
    ),
    (
        r"too many runs waited for the one before",
        N_("too many runs waited for the one before"),
    ),
    (
        r"the server came to it too late: its catch-up window was over",
        N_("the server came to it too late: its catch-up window was over"),
    ),
    (
        r"no run is known; Temporal keeps none from so long ago",
        N_("no run is known; Temporal keeps none from so long ago"),
    ),
    (r"there is no run", N_("there is no run")),
    (r"started by hand", N_("started by hand")),
    (r"the server loses this run", N_("the server loses this run")),
    (
        r"the server loses this run at the clock change",
        N_("the server loses this run at the clock change"),
    ),
    (r"the server runs this as well", N_("the server runs this as well")),
    (
        r"the server runs this as well, at the clock change",
        N_("the server runs this as well, at the clock change"),
    ),
]
_PATTERNS = [(re.compile(pattern, re.DOTALL), text) for pattern, text in _KNOWN]
_SPAN: TypeAdapter[timedelta] = TypeAdapter(Duration)


def because(reason: str, zone: str, language: str) -> str | None:
    """None where it is none that is known: then it may be anybody's own words."""
    for pattern, text in _PATTERNS:
        if found := pattern.fullmatch(reason):
            groups = {name: _shown(name, said, zone, language) for name, said in _said(found)}
            words = lang.translations(language).gettext(text)
            return words % groups if groups else words
    return None


def _said(found: re.Match[str]) -> list[tuple[str, str]]:
    return list(found.groupdict().items())


def _shown(name: str, said: str, zone: str, language: str) -> str:
    if name in ("what", "count"):
        return said  # for one, the failure's own words
    try:
        if name == "span":
            return lang.length(_SPAN.validate_python(said), language)
        at = datetime.strptime(said, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return lang.moment(at, zone, language)
    except (ValueError, ValidationError):
        return said
