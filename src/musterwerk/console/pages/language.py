"""English and German: texts are written in English, `locale/de.po` has their German."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_timedelta, get_timezone
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from babel.units import format_unit

LANGUAGES = ("en", "de")
#: The forms in which a day is named, in the patterns of CLDR.
_DAYS = {
    "name": "ccc",
    "short": "d MMM",
    "column": "ccc d MMM",
    "date": "d MMM y",
    "weekday": "EEEE, d MMMM",
    "long": "EEEE, d MMMM y",
    "month": "LLLL y",
}


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


def clock(at: datetime, zone: str, language: str, *, exact: bool = False) -> str:
    """ "14:00"; `exact` with the zone, for days that have an hour twice."""
    seconds = ":ss" if at.second else ""
    pattern = f"HH:mm{seconds}" + (" z" if exact else "")
    return format_datetime(at, pattern, tzinfo=get_timezone(zone), locale=_locale(language))


def day(of: date, form: str, language: str) -> str:
    """ "date" is "28 Nov 2026", "long" is "Saturday, 28 November 2026"."""
    pattern = _DAYS[form] if language != "de" else _DAYS[form].replace("d MMM", "d. MMM")
    return format_date(of, pattern, locale=_locale(language))


def length(span: timedelta, language: str) -> str:
    """ "1 hr 5 mins": the two largest units; less than ten seconds with a decimal."""
    left, found = abs(span).total_seconds(), list[str]()
    if left < 9.95:
        return format_unit(round(left, 1), "second", "short", locale=_locale(language))
    left = round(left)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number, left = divmod(left, size)
        if number and len(found) < 2:
            found.append(format_unit(number, unit, "short", locale=_locale(language)))
    return " ".join(found)


def number(of: float, language: str) -> str:
    return format_decimal(of, locale=_locale(language))


@cache
def _locale(language: str) -> Locale:
    return Locale("en", "GB") if language == "en" else Locale(language)
