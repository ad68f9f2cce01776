"""Why something was not taken, in the reader's language and with people's names.

The rules say it in English, for programs and logs. What is not known here is shown as they say it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from musterwerk.console.pages import language as lang


def N_(text: str) -> str:  # noqa: N802 - gettext's name for a text that is translated elsewhere
    return text


#: By what the rules say. A group's name is that of its place in the text.
_KNOWN = [
    (r"a rejection needs a reason", N_("a rejection needs a reason")),
    (
        r"(?:'\w+' needs an answer|the answer does not fit): (?P<what>.+)",
        N_("the answer does not fit: %(what)s"),
    ),
    (r"no answer is asked for with '\w+'", N_("no answer is asked for with this decision")),
    (r"'.+' is not offered; choose .+", N_("this decision is not offered")),
    (r"you are not among those who are asked.*", N_("you are not among those who are asked")),
    (
        r"you delegated your place to (?P<who>\S+), who decides in it; .+",
        N_("you delegated your place to %(who)s, who decides in it; delegate it to yourself first"),
    ),
    (r"you have decided already", N_("you have decided already")),
    (r"(?P<who>\S+) has decided in this place", N_("%(who)s has decided in your place")),
    (r"(?P<who>\S+) has decided already", N_("%(who)s has decided already")),
    (
        r"(?P<who>\S+) is on it(?:; they or an operator release it)?",
        N_("%(who)s is on it; ask them, or wait until they give it back"),
    ),
    (
        r"several people have to agree; nobody can claim it",
        N_("several people have to agree, so nobody can take it on alone"),
    ),
    (r"nobody has claimed it", N_("nobody has taken it on")),
    (
        r"only (?P<who>\S+) or an operator can (?:do that|withdraw it)",
        N_("only %(who)s or an operator can do that"),
    ),
    (r"only (?P<who>\S+) can change it", N_("only %(who)s can change it")),
    (r"(?P<who>\S+) was asked, not you", N_("%(who)s was asked, not you")),
    (
        r"nothing has been asked; add a comment instead",
        N_("nothing has been asked; add a comment instead"),
    ),
    (r"nobody active is known as '(?P<who>.+)'", N_("nobody active is known as %(who)s")),
    (
        r"too much has been said here; only decide, please",
        N_("too much has been said here; please decide only"),
    ),
    (
        r"too much of yours was refused here; .+",
        N_("too much of yours was refused here; let an operator give your place to somebody else"),
    ),
    (
        r"no outcome can reach its quorum any more",
        N_("no decision can reach the majority that it needs any more"),
    ),
    (r"nobody decided in time", N_("nobody decided in time")),
    (r"withdrawn", N_("withdrawn")),
]
_PATTERNS = [(re.compile(pattern, re.DOTALL), text) for pattern, text in _KNOWN]


def refusal(message: str, names: Mapping[str, str], language: str) -> str | None:
    """None where it is none that is known: then it may be anybody's own words."""
    for pattern, text in _PATTERNS:
        if found := pattern.fullmatch(message):
            groups = {name: names.get(value, value) for name, value in found.groupdict().items()}
            said = lang.translations(language).gettext(text)
            return said % groups if groups else said
    return None
