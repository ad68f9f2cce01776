"""What is sent with acts. Unknown fields are mistakes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from musterwerk.approvals.acts import Text as AnyText
from musterwerk.approvals.policy import OutcomeName, Person
from musterwerk.wire import Json


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Decision(_Body):
    """A rejection needs a reason; `answer` is for requests that ask for one."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"outcome": "approve", "digest": "…", "reason": "as agreed on Monday"}]
        }
    )

    outcome: OutcomeName
    digest: Annotated[str, Field(max_length=200)] | None = Field(
        default=None, description="Required: of the request as it was shown."
    )
    reason: AnyText = ""
    answer: Json = None
    on_behalf_of: Person | None = None


class Delegation(_Body):
    to: Person
    holder: Person | None = None
    reason: AnyText = ""


class Text(_Body):
    text: Annotated[AnyText, Field(min_length=1)]


class Amendment(_Body):
    """What is not given stays as it is; `clear_details` leaves none."""

    subject: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    details: Json = None
    clear_details: bool = False


class Withdrawal(_Body):
    reason: AnyText = ""


class Absence(_Body):
    """Away from `starts` until before `ends`; of yourself, where `person` is not given."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "starts": "2026-12-24T00:00:00+01:00",
                    "ends": "2027-01-07T00:00:00+01:00",
                    "substitute": "ben",
                }
            ]
        }
    )

    person: Person | None = None
    starts: AwareDatetime
    ends: AwareDatetime
    substitute: Person | None = None


class PersonChange(_Body):
    """What is not given stays as it is; for somebody new, `name` is needed.

    `groups` and `roles` replace those there are.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "Anna Huber",
                    "mail": "anna@example.com",
                    "language": "de",
                    "zone": "Europe/Berlin",
                    "groups": ["finance"],
                    "roles": ["approver"],
                }
            ]
        }
    )

    name: str | None = None
    mail: str | None = None
    language: str | None = None
    zone: str | None = None
    active: bool | None = None
    groups: list[str] | None = None
    roles: list[str] | None = None


class Members(_Body):
    members: Annotated[list[Person], Field(max_length=10_000)]


class NewToken(_Body):
    """It opens everything its person may do, until it expires or is revoked."""

    person: Person
    label: Annotated[str, Field(max_length=200)] = ""
    expires_at: AwareDatetime | None = Field(
        default=None, description="Not given: in 90 days. null: never."
    )
