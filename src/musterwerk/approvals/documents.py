"""A request as a document: JSON or TOML that somebody wrote, and what is wrong with it in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from musterwerk.approvals.model import ID_PATTERN, ApprovalRequest
from musterwerk.approvals.wire import Wire, in_words
from musterwerk.errors import UsageError

T = TypeVar("T", bound=Wire)
_LENGTH = re.compile(r"(days|seconds)=(\d+)")


class RequestDocument(ApprovalRequest[Any]):
    """A request, and with `id` the name it is to have. A type cannot be written down: its JSON
    schema stands in `answer_schema`."""

    answer: SkipJsonSchema[type[Any] | None] = Field(default=None, exclude=True, repr=False)
    id: Annotated[str, Field(pattern=ID_PATTERN)] | None = Field(
        default=None, description="Unique; the same id with the same content is the same request."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_type(cls, given: Any) -> Any:
        if isinstance(given, dict) and "answer" in cast("dict[str, Any]", given):
            raise ValueError("answer: write its JSON schema as answer_schema")
        return cast("Any", given)

    @field_validator("answer_schema")
    @classmethod
    def _fit_to_judge_by(cls, given: dict[str, Any] | None) -> dict[str, Any] | None:
        """Found out when somebody answers, nobody could decide any more."""
        if given is not None and (flaw := _schema_flaw(given)):
            raise ValueError(flaw)
        return given

    def request(self) -> ApprovalRequest[Any]:
        plain = self.model_dump(exclude={"id", "answer"})
        return ApprovalRequest[Any].model_validate(plain)


def about_stranger(requester: str) -> str:
    """A requester need not be a person: it is no mistake, but it may be a slip of the pen."""
    return (
        f"the requester {requester!r} is nobody known: right for a service, which gets no mails; "
        "a person would be added with `musterwerk people apply`"
    )


def _schema_flaw(schema: dict[str, Any]) -> str | None:
    """None also where what it takes is not installed: then the worker says so, later."""
    try:
        from musterwerk.approvals.answers import schema_flaw
    except ModuleNotFoundError:
        return None
    return schema_flaw(schema)


@dataclass(frozen=True)
class Mistake:
    """`field` is the place in the document, such as "policy.escalations.0.after"."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}" if self.field else self.problem


def read_document(given: Mapping[str, Any], name: str = "the request") -> RequestDocument:
    """Raises `UsageError` with every mistake."""
    try:
        return RequestDocument.model_validate(given)
    except ValidationError as error:
        found = mistakes(cast("list[dict[str, Any]]", error.errors(include_url=False)))
        lines = "\n".join(f"  {one}" for one in found)
        raise UsageError(f"{name} is no request for approval:\n{lines}") from None


def read_act_fields(kind: type[T], given: Mapping[str, Any]) -> T:
    """Raises `UsageError` with the first mistake."""
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        (first, *_) = mistakes(cast("list[dict[str, Any]]", error.errors(include_url=False)))
        raise UsageError(str(first)) from None


#: By pydantic's names of mistakes. What is in braces is the mistake's context.
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "no such field",
    "string_type": "text is expected",
    "string_too_short": "at least {min_length} characters are expected",
    "string_too_long": "at most {max_length} characters are expected",
    "string_pattern_mismatch": "is not spelled as such a name is",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "dict_type": "a table (an object) is expected",
    "model_type": "a table (an object) is expected",
    "model_attributes_type": "a JSON object is expected",
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
    "too_long": "at most {max_length} are expected",
    "too_short": "at least {min_length} is expected",
    "literal_error": "{expected} is expected",
    "greater_than": "more than {gt} is expected",
    "greater_than_equal": "{ge} or more is expected",
    "less_than": "less than {lt} is expected",
    "less_than_equal": "{le} or less is expected",
    "time_delta_parsing": 'a length of time is expected, such as "7 days" or "1d 12h"',
    "time_delta_type": 'a length of time is expected, such as "7 days" or "1d 12h"',
    "datetime_parsing": "a time is expected, such as 2026-12-24T09:00:00+01:00",
    "datetime_from_date_parsing": "a time is expected, such as 2026-12-24T09:00:00+01:00",
    "datetime_type": "a time is expected, such as 2026-12-24T09:00:00+01:00",
    "time_parsing": "a time of day is expected, such as 09:00:00",
    "time_type": "a time of day is expected, such as 09:00:00",
    "timezone_aware": "the time zone is missing, such as +01:00 or Z",
}


def mistakes(errors: Iterable[Mapping[str, Any]]) -> list[Mistake]:
    """Pydantic's errors in words, without what was sent and without patterns."""
    return [Mistake(_place(one["loc"]), problem(one)) for one in errors]


def _place(loc: Iterable[Any]) -> str:
    """Without pydantic's own steps, such as "function-before[...]"."""
    return ".".join(str(part) for part in loc if "[" not in str(part))


def problem(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors in words, without its place."""
    words = _WORDS.get(error["type"])
    if words is None:
        return str(error["msg"]).removeprefix("Value error, ")
    context: dict[str, Any] = error.get("ctx") or {}
    return words.format_map({name: _shown(value) for name, value in context.items()})


def _shown(value: Any) -> Any:
    """A length of time comes as its `repr`."""
    if not str(value).startswith("datetime.timedelta("):
        return value
    parts = {name: int(number) for name, number in _LENGTH.findall(str(value))}
    return in_words(timedelta(**parts))
