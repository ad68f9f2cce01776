"""What the console answers when it cannot do what it was asked: `application/problem+json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:musterwerk:"


@dataclass(frozen=True)
class Kind:
    status: int
    title: str


#: Every problem there is; the slug ends the problem's `type`.
KINDS = {
    "unauthorized": Kind(401, "No valid token"),
    "forbidden": Kind(403, "You may not do this"),
    "not-entitled": Kind(403, "You are not among those who may do this"),
    "excluded": Kind(403, "Four eyes: you may not decide this"),
    "not-found": Kind(404, "There is nothing here"),
    "method-not-allowed": Kind(405, "This address does not take this method"),
    "changed": Kind(409, "The request is not what was shown"),
    "closed": Kind(409, "The request has ended"),
    "already-decided": Kind(409, "This has been decided already"),
    "claimed": Kind(409, "Somebody else is on it"),
    "id-taken": Kind(409, "This id belongs to another request"),
    "too-large": Kind(413, "The body is too large"),
    "invalid": Kind(422, "This is not valid"),
    "refused": Kind(422, "Nobody could ever decide this"),
    "unknown-person": Kind(422, "Nobody active has this name"),
    "key-reused": Kind(422, "This key was used for something else"),
    "digest-required": Kind(428, "Say what you have seen"),
    "internal": Kind(500, "The console failed"),
    "unavailable": Kind(503, "This does not work for the moment"),
}

_ALWAYS = ("unauthorized", "not-found", "method-not-allowed", "invalid", "internal", "unavailable")


class Problem(Exception):
    """Refuses a request: raised anywhere in the console, it becomes the answer.

    `errors` goes through the body field by field; `more` is added to the document.
    """

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[slug]
        self.slug = slug
        self._more = dict(more or {}) | ({"errors": list(errors)} if errors else {})

    def response(self) -> JSONResponse:
        document = self._more | {
            "type": PREFIX + self.slug,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": str(self),
        }
        headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}
        return JSONResponse(
            document, self.kind.status, headers.get(self.kind.status), media_type=MEDIA_TYPE
        )


def documented(*slugs: str, changes: bool = False) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an address for OpenAPI: these problems, and those anywhere."""
    responses: dict[int | str, dict[str, Any]] = {}
    for slug in (*_ALWAYS, *(["too-large"] if changes else []), *slugs):
        kind = KINDS[slug]
        others = responses.get(kind.status, {}).get("description")
        said = f"{slug}: {kind.title}"
        responses[kind.status] = {
            "description": f"{others}; {said}" if others else said,
            "content": {MEDIA_TYPE: {"schema": _SCHEMA}},
        }
    return responses


_SCHEMA = {
    "title": "Problem",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": f"{PREFIX} and the kind of problem"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "In words, for people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "problem": {"type": "string"}},
            },
        },
    },
}
