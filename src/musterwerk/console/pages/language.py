"""English and German: texts are written in English, `locale/de.po` has their German."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel import Locale, negotiate_locale
from babel.dates import format_datetime, format_timedelta, get_timezone
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

LANGUAGES = ("en", "de")


@cache
def translations(language: str) -> NullTranslations:
    if language == "en":
        return NullTranslations()
    with files("musterwerk.console").joinpath(f"locale/{language}.po").open("rb") as source:
        catalog = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Translations(compiled)


def preferred(headers: Mapping[str, str]) -> str:
    """The one of ours that a browser likes best."""
    ranked: list[tuple[float, str]] = []
    for part in headers.get("accept-language", "").split(","):
        name, _, weight = part.strip().partition(";q=")
        try:
            ranked.append((-float(weight or 1), name))
        except ValueError:
            continue
    liked = [name.replace("-", "_") for _, name in sorted(ranked, key=lambda one: one[0])]
    return negotiate_locale(liked, LANGUAGES) or "en"


def moment(at: datetime, zone: str, language: str) -> str:
    """ "24 Nov 2026, 14:00 CET": in the reader's zone."""
    pattern = "d. MMM y, HH:mm z" if language == "de" else "d MMM y, HH:mm z"
    return format_datetime(at, pattern, tzinfo=get_timezone(zone), locale=_locale(language))


def distance(span: timedelta, language: str) -> str:
    """ "3 days"; of the past and the future alike."""
    return format_timedelta(abs(span), locale=_locale(language), threshold=1.2)


@cache
def _locale(language: str) -> Locale:
    return Locale("en", "GB") if language == "en" else Locale(language)
