"""What people do to a request, and what they are told: the wire of its update and its signal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from musterwerk.approvals.model import Channel
from musterwerk.approvals.policy import OutcomeName, Person, Policy, Principal
from musterwerk.wire import Json, Moment, Wire

Text = Annotated[str, Field(max_length=20_000)]


class _Act(Wire):
    """`id` is taken once: the same act sent again gets the first reply.

    `made_at` is the sender's time. It counts where the worker was away: a decision made before
    the deadline is in time even if it could be looked at only afterwards.
    """

    id: Annotated[str, Field(min_length=1, max_length=200)]
    by: Person
    channel: Channel = "library"
    made_at: Moment | None = None


class Decide(_Act):
    """`digest` is that of what was shown; None (not advised) consents to whatever is there.

    `on_behalf_of` names the absent or delegating person whose place is taken, where somebody
    could act for several or for themselves.
    """

    kind: Literal["decide"] = "decide"
    outcome: OutcomeName
    reason: Text = ""
    answer: Json = None
    digest: str | None = None
    on_behalf_of: Person | None = None


class Claim(_Act):
    """Nobody else decides until it is released, or until the next escalation."""

    kind: Literal["claim"] = "claim"


class Release(_Act):
    """By who claimed it, or by an operator."""

    kind: Literal["release"] = "release"


class Delegate(_Act):
    """`to` decides in the place of `by`; an operator may name another `holder` of the place."""

    kind: Literal["delegate"] = "delegate"
    to: Person
    holder: Person | None = None
    reason: Text = ""


class Ask(_Act):
    """A question back to the requester. Deadlines go on."""

    kind: Literal["ask"] = "ask"
    text: Annotated[Text, Field(min_length=1)]


class Inform(_Act):
    """The answer to a question, by the requester or an operator."""

    kind: Literal["inform"] = "inform"
    text: Annotated[Text, Field(min_length=1)]


class Comment(_Act):
    kind: Literal["comment"] = "comment"
    text: Annotated[Text, Field(min_length=1)]


class Amend(_Act):
    """The requester changes what is asked: a new revision, and all votes are void.

    What is None stays as it is; `clear_details` leaves none.
    """

    kind: Literal["amend"] = "amend"
    subject: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    details: Json = None
    clear_details: bool = False


class Withdraw(_Act):
    """By the requester, an operator, or the workflow that asked."""

    kind: Literal["withdraw"] = "withdraw"
    reason: Text = ""


Act = Annotated[
    Decide | Claim | Release | Delegate | Ask | Inform | Comment | Amend | Withdraw,
    Field(discriminator="kind"),
]
_ACT: TypeAdapter[Any] = TypeAdapter(Act)


def read_act(given: Mapping[str, Any]) -> Act:
    """Raises pydantic's `ValidationError`."""
    act: Act = _ACT.validate_python(given, extra="ignore")
    return act


#: What became of an act. "applied" and "recorded" are good; all others changed nothing.
Verdict = Literal[
    "applied",
    "recorded",  # durable and on its way: no worker has looked at it yet
    "changed",  # the request is not what was shown: look again
    "closed",  # it has ended; who ended it and when is in the reply
    "already_decided",  # this person has
    "claimed",  # somebody else is on it
    "not_entitled",
    "excluded",  # four eyes: who asked, sent it, stands in for them, or decided an earlier level
    "unknown_person",
    "invalid",  # an outcome that is not offered, a missing reason, an answer of the wrong shape
]


class Reply(Wire):
    """`message` is for people. The rest is how the request stands after the act."""

    act_id: str
    actor: str = ""
    verdict: Verdict
    message: str
    state: str = "open"
    outcome: str | None = None
    by: tuple[str, ...] = ()
    at: Moment | None = None
    revision: int = 1
    digest: str = ""
    version: int = 0

    @property
    def ok(self) -> bool:
        return self.verdict in ("applied", "recorded")


class Asked(Wire):
    """Who sent a request, and by which way; `by` is its requester, or who asks for them."""

    by: Person
    channel: Channel = "library"


class Question(Wire):
    """What the workflow has to know of the world to judge an act; asked in an activity."""

    principals: tuple[Principal, ...]
    people: tuple[Person, ...]
    requester: Person
    at: Moment
    answer: Any = None
    answer_schema: dict[str, Any] | None = None


class Facts(Wire):
    """The answer: everybody in it exists and is active.

    `members` has the people of each principal that was asked for. `substitutes` has, for those
    who are absent, who stands in. `acting_for_requester` are the requester's substitutes.
    `roles` are of the people asked for. `flaws` say what is wrong with the answer.
    """

    members: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    known: tuple[str, ...] = ()
    substitutes: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    acting_for_requester: tuple[str, ...] = ()
    roles: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    flaws: tuple[str, ...] = ()


class Timeline(Wire):
    """When a level's clock does something, all in UTC, each list in order of time."""

    reminders: tuple[Moment, ...] = ()
    escalations: tuple[Moment, ...] = ()
    expires_at: Moment


class Planning(Wire):
    """What a timeline is computed from. `started` is of the request, `since` of the level."""

    policy: Policy
    level: int
    started: Moment
    since: Moment


class Plan(Wire):
    """The timeline, or why there is none: the policy's calendar cannot be used.

    `console` is where people reach the console; `indexed`, whether `CONSOLE_ATTRIBUTE` can be used.
    """

    timeline: Timeline | None = None
    flaws: tuple[str, ...] = ()
    console: str | None = None
    indexed: bool = False
