"""Who decides, by which rules, and in which time: the policy of a request.

Who may decide is named by *principals*: a person ("anna") or a group ("group:finance").
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from musterwerk.principals import GROUP
from musterwerk.wire import Duration, Wire, in_words

APPROVE = "approve"
REJECT = "reject"
#: More people than will ever have to agree.
_MOST = 1000
#: In one list; more people than that are a group.
_MOST_NAMED = 200


def _principal(text: str) -> str:
    name = text.removeprefix(GROUP)
    if not name or name != name.strip() or not name.isprintable() or len(text) > 200:
        raise ValueError(f"{text!r} names nobody; a person's id or group:NAME is expected")
    return text


def _quorum(given: object) -> object:
    if given == "any":
        return 1
    if given == "all":
        return given
    if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= _MOST:
        return given
    share = re.fullmatch(r"(\d{1,3})\s*%", given.strip()) if isinstance(given, str) else None
    if share is not None and 1 <= int(share[1]) <= 100:
        return f"{int(share[1])}%"
    raise ValueError(
        f'{given!r} is no quorum; a number from 1 to 1000, "any", "all" or "60%" is expected'
    )


Principal = Annotated[str, AfterValidator(_principal)]
Principals = Annotated[tuple[Principal, ...], Field(min_length=1, max_length=_MOST_NAMED)]
Person = Annotated[str, AfterValidator(_principal)]
#: How many have to agree: a number, "any" (1), "all", or a share such as "60%", rounded up.
Quorum = Annotated[int | str, BeforeValidator(_quorum)]
OutcomeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class Calendar(Wire):
    """Working time. A whole day in a duration is then a working day, the rest office hours.

    `region` is a country or one of its parts as in ISO 3166 ("DE", "DE-BY"), for its holidays.
    `zone` is an IANA name; where the country has only one it need not be given.
    """

    region: str
    zone: str | None = None
    opens: time = time(9)
    closes: time = time(17)
    #: Monday is 0.
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)

    @model_validator(mode="after")
    def _possible(self) -> Calendar:
        if self.opens >= self.closes:
            raise ValueError(f"opens at {self.opens} but closes at {self.closes}")
        if not self.weekdays or not set(self.weekdays) <= set(range(7)):
            raise ValueError("weekdays are numbers from 0 (Monday) to 6, at least one")
        return self


def _calendar(given: object) -> object:
    """ "DE-BY", or "US-CA@America/Los_Angeles" where the country has several zones."""
    if isinstance(given, str):
        region, _, zone = given.partition("@")
        return {"region": region, "zone": zone or None}
    return given


class Escalation(Wire):
    """`after` its level began, `to` may decide as well, by a quorum of their own."""

    after: Annotated[Duration, Field(gt=timedelta(0))]
    to: Principals
    quorum: Quorum = 1


class Level(Wire):
    """One of several rounds that have to agree, one after the other.

    `rejections` is how many reject for all; a request is also rejected as soon as no outcome can
    reach its quorum any more, so that none can hang.
    """

    approvers: Principals
    quorum: Quorum = 1
    rejections: Annotated[int, Field(ge=1)] = 1
    name: str = ""
    remind_every: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = None
    escalations: Annotated[tuple[Escalation, ...], Field(max_length=20)] = ()

    @field_validator("escalations")
    @classmethod
    def _in_order(cls, given: tuple[Escalation, ...]) -> tuple[Escalation, ...]:
        return tuple(sorted(given, key=lambda one: one.after))


class Policy(Wire):
    """Who decides, by which rules, and what happens if nobody does.

    Either `approvers` with `quorum` and the rest, for one level, or `levels`. `four_eyes` keeps
    out the requester and whoever acts for them, and counts nobody twice in all levels; the clock
    can then only reject.
    `expires_after` counts from the start of the request; then `on_expiry` is the outcome. With a
    `calendar` all durations are working time. `allow_anonymous` lets the signals `approve` and
    `reject`, which carry no name, decide a level alone. `login_required`: a link in a mail is not
    enough to see and decide it.
    """

    approvers: Annotated[tuple[Principal, ...], Field(max_length=_MOST_NAMED)] = ()
    quorum: Quorum = 1
    rejections: Annotated[int, Field(ge=1)] = 1
    remind_every: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = None
    escalations: tuple[Escalation, ...] = ()
    levels: Annotated[tuple[Level, ...], Field(max_length=20)] = ()
    four_eyes: bool = False
    expires_after: Annotated[Duration, Field(gt=timedelta(0), le=timedelta(days=3660))] = timedelta(
        days=30
    )
    on_expiry: OutcomeName = REJECT
    calendar: Annotated[Calendar, BeforeValidator(_calendar)] | None = None
    allow_anonymous: bool = False
    login_required: bool = False

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> Policy:
        if bool(self.approvers) == bool(self.levels):
            raise ValueError("name either approvers, or levels that have theirs")
        usual = {"quorum": 1, "rejections": 1, "remind_every": None, "escalations": ()}
        given = [name for name, value in usual.items() if getattr(self, name) != value]
        if self.levels and given:
            raise ValueError(f"{', '.join(given)} belong to each level, not beside levels")
        if self.allow_anonymous and (self.four_eyes or self.levels):
            raise ValueError(
                "allow_anonymous lets anybody decide alone, so it goes neither with four_eyes nor "
                "with levels"
            )
        if self.four_eyes and self.on_expiry != REJECT:
            raise ValueError(
                f"four_eyes asks for a second person, so the clock can only reject: on_expiry is "
                f"{self.on_expiry!r}"
            )
        for level in self.all_levels:
            for one in level.escalations:
                if one.after >= self.expires_after:
                    raise ValueError(
                        f"an escalation after {in_words(one.after)} never happens: all is over "
                        f"after {in_words(self.expires_after)}"
                    )
        return self

    @property
    def all_levels(self) -> tuple[Level, ...]:
        """At least one."""
        if self.levels:
            return self.levels
        return (
            Level(
                approvers=self.approvers,
                quorum=self.quorum,
                rejections=self.rejections,
                remind_every=self.remind_every,
                escalations=self.escalations,
            ),
        )
