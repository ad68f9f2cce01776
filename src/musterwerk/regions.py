"""What a region means: its public holidays, and its time zone where it has one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

import holidays

from musterwerk.errors import UsageError

_REGION = re.compile(r"([A-Z]{2})(?:-(.{1,40}))?")
#: Holidays that the law leaves to the municipalities, where nearly all of them have it:
#: 15 August in 1,700 of Bavaria's 2,056, its large cities among them.
_ALSO = {"DE-BY": ("catholic",)}
#: Zones that show the same time all through these years count as one.
_COMPARED = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=7 * week) for week in range(210)]


def public_holidays(region: str, year: int) -> frozenset[date]:
    """Whole days only. Raises `UsageError` if there is no such region."""
    country, part = _known(region)
    categories = ("public", *_ALSO.get(region, ()))
    return frozenset(
        holidays.country_holidays(
            country, subdiv=part, years=year, expand=False, categories=categories
        )
    )


def zone_of(region: str, name: str | None = None) -> ZoneInfo:
    """The one that is named, or the region's only one. Raises `UsageError` that says what to write
    instead."""
    country = _known(region)[0]
    if name is not None:
        try:
            return ZoneInfo(name)
        except (KeyError, OSError, ValueError) as error:
            raise _no_zone(name, country) from error
    zones = [ZoneInfo(each) for each in _zones_in(country)]
    if not zones:
        raise UsageError(
            f"no time zone is known for {country!r}; name one, such as {region}@Europe/Berlin"
        )
    if len({tuple(_shown(zone)) for zone in zones}) > 1:
        raise UsageError(
            f"{country} has {len(zones)} time zones, so name the one that is meant, "
            f"such as {region}@{zones[0].key}"
        )
    return zones[0]


def _shown(zone: ZoneInfo) -> Iterator[datetime]:
    for at in _COMPARED:
        yield at.astimezone(zone).replace(tzinfo=None)


def _no_zone(name: str, country: str) -> UsageError:
    example = next(iter(_zones_in(country)), "Europe/Berlin")
    return UsageError(f"there is no time zone {name!r}; an IANA name such as {example} is expected")


@lru_cache(maxsize=256)
def _known(region: str) -> tuple[str, str | None]:
    """The country, and the part of it if one is named."""
    shape = _REGION.fullmatch(region)
    if shape is None:
        raise UsageError(
            f"there is no region {region!r}; a country or a part of one as in ISO 3166 "
            "is expected, such as DE or DE-BY"
        )
    country, part = shape[1], shape[2]
    try:
        parts = holidays.country_holidays(country).subdivisions
    except NotImplementedError as error:
        raise UsageError(
            f"the holidays of {country!r} are not known; a country as in ISO 3166 is expected, "
            "such as DE"
        ) from error
    if part is not None and part not in parts:
        listed = ", ".join(parts) or "none"
        raise UsageError(
            f"{country} has no part {part!r}; those whose holidays are known: {listed}"
        )
    return country, part


@lru_cache(maxsize=256)
def _zones_in(country: str) -> tuple[str, ...]:
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    return tuple(row[2] for row in rows if row[0] == country)
