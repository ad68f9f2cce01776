"""A request as a document: JSON or TOML that somebody wrote, and what is wrong with it in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, cast

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from musterwerk.approvals.model import ID_PATTERN, ApprovalRequest
from musterwerk.documents import mistakes
from musterwerk.errors import UsageError
from musterwerk.wire import Wire

T = TypeVar("T", bound=Wire)


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
