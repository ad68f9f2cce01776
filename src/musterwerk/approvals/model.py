"""What is asked, of whom, under which rules, and what comes of it: the types people write down.

All of it is plain JSON on the wire. Who may decide is named by *principals*: a person ("anna") or
a group ("group:finance").
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime, time, timedelta
from typing import Annotated, Any, Generic, Literal, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    field_validator,
    model_validator,
)
from typing_extensions import TypeVar

from musterwerk.approvals.wire import Duration, Json, Moment, Wire, plain
from musterwerk.canonical import canonical
from musterwerk.principals import GROUP

#: The workflow that carries one request, and the task queue of a worker of ours.
WORKFLOW = "musterwerk.Approval"
TASK_QUEUE = "musterwerk"
#: Its update, its signal (same content, same effect) and its queries.
ACT = "act"
STATUS = "status"
REPLY = "reply"
RECORD = "record"

APPROVE = "approve"
REJECT = "reject"

#: A payload may hold 2 MB; a request also carries its policy, and its history repeats it.
MAX_DETAILS = 1_200_000
#: Policy and schema beside them.
_MAX_RULES = 100_000
#: Ids are part of addresses and file names.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~:@-]{0,199}$"
#: More people than will ever have to agree.
_MOST = 1000
#: In one list; more people than that are a group.
_MOST_NAMED = 200
#: Words that states need for themselves.
_RESERVED = {"open", "info_requested", "approved", "rejected", "expired", "withdrawn"}

#: What is answered; a request that asks for nothing has no type for it.
A = TypeVar("A", default=Any)


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
    out the requester and whoever acts for them, and counts nobody twice in all levels.
    `expires_after` counts from the start of the request; then `on_expiry` is the outcome. With a
    `calendar` all durations are working time. `allow_anonymous` lets the signals `approve` and
    `reject`, which carry no name, decide a level alone.
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
        for level in self.all_levels:
            for one in level.escalations:
                if one.after >= self.expires_after:
                    raise ValueError(
                        f"an escalation after {one.after} never happens: all is over "
                        f"after {self.expires_after}"
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


class ApprovalRequest(Wire, Generic[A]):
    """A question to people. `details` is whatever they need to see: anything that becomes JSON.

    `outcomes` are the ways to decide; "reject" is always among them, and ends the request. Every
    other has to pass all levels, where the last has the last word; those in `ends_at_once` do not
    (such as "ask_customer"). `answer` is a type whose value is asked for with every outcome but
    "reject" (or with those in `answer_for`): a Pydantic model, a dataclass, or any other type
    Pydantic knows. `requester` is a person or a service.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    subject: Annotated[str, Field(min_length=1, max_length=300)]
    details: Any = None
    requester: Person
    policy: Policy
    outcomes: Annotated[tuple[OutcomeName, ...], Field(min_length=1, max_length=20)] = (
        APPROVE,
        REJECT,
    )
    ends_at_once: tuple[OutcomeName, ...] = ()
    answer: type[A] | None = Field(default=None, exclude=True, repr=False)
    answer_for: tuple[OutcomeName, ...] | None = None
    #: Of `answer`; or given in its place where the type is not at hand, as in a file.
    answer_schema: dict[str, Any] | None = None

    @field_validator("subject")
    @classmethod
    def _one_line(cls, given: str) -> str:
        if not given.isprintable() or not given.strip():
            raise ValueError("a subject is one line of printable text")
        return given

    @field_validator("details", mode="before")
    @classmethod
    def _as_json(cls, given: Any) -> Any:
        found = plain(given)
        size = len(json.dumps(found))
        if size > MAX_DETAILS:
            raise ValueError(
                f"the details are {size} bytes, and at most {MAX_DETAILS} can be carried; "
                "keep them where they are and send a link"
            )
        return found

    @model_validator(mode="before")
    @classmethod
    def _schema(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        fields = cast("dict[str, Any]", given)
        if fields.get("answer") is None:
            return fields
        if fields.get("answer_schema") is not None:
            raise ValueError("give either answer or answer_schema")
        return {**fields, "answer_schema": TypeAdapter(fields["answer"]).json_schema()}

    @model_validator(mode="after")
    def _consistent(self) -> ApprovalRequest[A]:
        if len(set(self.outcomes)) != len(self.outcomes) or _RESERVED & set(self.outcomes):
            raise ValueError(f"outcomes are different names, and none of {sorted(_RESERVED)}")
        if REJECT not in self.outcomes or len(self.outcomes) < 2:
            raise ValueError('outcomes hold "reject" and at least one other')
        if self.policy.on_expiry not in self.outcomes:
            raise ValueError(f"on_expiry is {self.policy.on_expiry!r}, which is no outcome")
        for name in ("answer_for", "ends_at_once"):
            if strangers := set(getattr(self, name) or ()) - set(self.outcomes):
                raise ValueError(f"{name} names {sorted(strangers)}, which are no outcomes")
        rules = {"policy": self.policy.as_json(), "answer_schema": self.answer_schema}
        if len(json.dumps(rules)) > _MAX_RULES:
            raise ValueError(f"policy and answer_schema are larger than {_MAX_RULES} bytes")
        if self.answer_schema is not None and self.needs_answer(self.policy.on_expiry):
            raise ValueError(f"on_expiry is {self.policy.on_expiry!r}, which needs an answer")
        return self

    def needs_answer(self, outcome: str) -> bool:
        if self.answer_schema is None:
            return False
        return outcome != REJECT if self.answer_for is None else outcome in self.answer_for

    def digest(self, started_at: datetime | None = None, revision: int = 1) -> str:
        """What a decision is bound to: SHA-256 over all that is shown, as canonical JSON.

        The start tells it from another request under the same id with the same content.
        """
        shown = {
            "subject": self.subject,
            "details": self.details,
            "requester": self.requester,
            "outcomes": self.outcomes,
            "answer_schema": self.answer_schema,
            "revision": revision,
            "started_at": started_at.isoformat() if started_at else None,
        }
        return hashlib.sha256(canonical(shown)).hexdigest()


#: approved, rejected, expired, withdrawn, or the name of another outcome.
State = str
ENDED_BY_CLOCK = "expired"
WITHDRAWN = "withdrawn"


class Vote(Wire):
    """What one person said. `on_behalf_of` is whose place they took, if not their own."""

    person: str
    outcome: str
    at: Moment
    level: int
    act_id: str
    digest: str
    reason: str = ""
    answer: Json = None
    on_behalf_of: str | None = None
    channel: str = ""
    #: The panels of its level in which it counts: 0 are the approvers, then the escalations.
    panels: tuple[int, ...] = ()

    @property
    def holder(self) -> str:
        """Whose place it fills."""
        return self.on_behalf_of or self.person


class Decision(Wire, Generic[A]):
    """How a request ended. `str()` of it is "approved", or "rejected: " and the reason.

    `outcome` is one of the request's, and "reject" for what was withdrawn. `by` are those whose
    votes made it; nobody where the clock did. `answer` is the last of them's, of the request's
    `answer` type. `record` is the hash over the request's whole trail of events.
    """

    request_id: str
    state: State
    outcome: str
    by: tuple[str, ...] = ()
    reason: str = ""
    answer: A | None = None
    at: Moment
    votes: tuple[Vote, ...] = ()
    digest: str = ""
    record: str = ""

    @property
    def approved(self) -> bool:
        """By people, or by the clock under `on_expiry="approve"`."""
        return self.outcome == APPROVE

    def __str__(self) -> str:
        word = state_of(self.outcome)
        return f"{word}: {self.reason}" if self.reason and word == "rejected" else word


def state_of(outcome: str) -> State:
    return {APPROVE: "approved", REJECT: "rejected"}.get(outcome, outcome)


#: The way by which something reached the request.
Channel = Literal["library", "cli", "rest", "console", "mail", "signal", "parent", "clock"]
