"""Why due times have their verdicts: all that the ledger says is known to the screens."""

from __future__ import annotations

import re
from inspect import getsource

import pytest

from musterwerk.console.pages.reasons import because
from musterwerk.schedules.ledger import case, verdicts


def _said() -> set[str]:
    """Every reason in the ledger's code; in place of what it fills in, something like it."""
    source = getsource(verdicts)
    found = set(re.findall(r'Judgement\(\s*"\w+",\s*f?"([^"]+)"', source))
    found |= {said for _, said in verdicts._FAILURES.items()}  # pyright: ignore[reportPrivateUsage]
    found |= set(re.findall(r'or "([^"]+)"', getsource(case.Case)))
    filled = {
        "{in_words(late)}": "1 hour 2 minutes",
        "{run.due:%Y-%m-%d %H:%M:%S}": "2026-11-28 11:00:00",
        "{said}": "deleted",
    }
    for place, text in filled.items():
        found = {one.replace(place, text) for one in found}
    return found


def test_every_reason_of_the_ledger_is_known() -> None:
    """A new one would stand in English on a German page."""
    said = _said()
    assert len(said) >= 13
    for reason in said:
        assert "{" not in reason
        assert because(reason, "UTC", "en"), reason
        assert because(reason, "UTC", "de") != because(reason, "UTC", "en"), reason


@pytest.mark.parametrize(
    ("reason", "german"),
    [
        (
            "it began 1 hour 2 minutes after its time",
            "er begann 1 Std. 2 Min. nach seiner Zeit",
        ),
        (
            "the run of 2026-11-28 11:00:00 UTC still went on",
            "der Lauf von 28. Nov. 2026, 12:00 MEZ ging noch",
        ),
        (
            "the workflow failed: 100 % of\nthe disk %(what)s",
            "der Workflow ist gescheitert: 100 % of\nthe disk %(what)s",
        ),
    ],
)
def test_in_the_readers_language_and_zone(reason: str, german: str) -> None:
    assert because(reason, "Europe/Berlin", "de") == german


def test_what_is_not_known_is_left_as_it_is() -> None:
    assert because("the moon was full", "UTC", "de") is None
    assert because("it began soon after its time", "UTC", "en") == "it began soon after its time"
