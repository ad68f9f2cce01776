"""What is asked, what people say, and what comes of it: the types people write down.

Who decides, and by which rules, is in `policy.py`. All of it is plain JSON on the wire.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, cast

from pydantic import ConfigDict, Field, TypeAdapter, field_validator, model_validator
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypeVar

from musterwerk.approvals.policy import APPROVE, REJECT, OutcomeName, Person, Policy
from musterwerk.canonical import canonical
from musterwerk.wire import Json, Moment, Wire, plain

#: The workflow that carries one request, and the task queue of a worker of ours.
WORKFLOW = "musterwerk.Approval"
TASK_QUEUE = "musterwerk"
#: Its update, its signal (same content, same effect) and its queries.
ACT = "act"
STATUS = "status"
REPLY = "reply"
RECORD = "record"
#: Its search attribute, a Keyword: where its page in the console is.
CONSOLE_ATTRIBUTE = "MusterwerkConsole"

#: A payload may hold 2 MB; a request also carries its policy, and its history repeats it.
MAX_DETAILS = 1_200_000
#: Policy and schema beside them.
_MAX_RULES = 100_000
#: Ids are part of addresses and file names.
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~:@-]{0,199}$"
#: Words that states need for themselves.
_RESERVED = {"open", "info_requested", "approved", "rejected", "expired", "withdrawn"}

#: How a decimal is written in JSON text.
DECIMAL = r"^[+-]?[0-9]+(\.[0-9]+)?$"

#: What is answered; a request that asks for nothing has no type for it.
A = TypeVar("A", default=Any)


class _AnswerSchema(GenerateJsonSchema):
    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        """As text it has to be a number: Pydantic's own takes any, and would refuse it only when
        the decision is made."""
        found = super().decimal_schema(schema)
        for option in found.get("anyOf", [found]):
            if option.get("type") == "string":
                option.setdefault("pattern", DECIMAL)
        return found


def schema_of(answer: Any) -> dict[str, Any]:
    """By which an answer is judged before it counts."""
    return TypeAdapter(answer).json_schema(schema_generator=_AnswerSchema)


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
        return {**fields, "answer_schema": schema_of(fields["answer"])}

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
