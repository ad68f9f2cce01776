"""Refusals over HTTP: `application/problem+json` (RFC 9457), the same from every application.

Each application lists its own kinds. Needs Starlette, which the extra `console` brings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:musterwerk:"
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}


@dataclass(frozen=True)
class Kind:
    status: int
    title: str


class RefusedRequest(Exception):
    """Raised anywhere in an application, it becomes the answer.

    `errors` goes through the body field by field; `more` is added to the document.
    """

    #: Every problem of the application; the slug ends the problem's `type`.
    kinds: ClassVar[Mapping[str, Kind]]

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = self.kinds[slug]
        self.slug = slug
        self._more = dict(more or {}) | ({"errors": list(errors)} if errors else {})

    def response(self) -> JSONResponse:
        document = self._more | {
            "type": PREFIX + self.slug,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": str(self),
        }
        status = self.kind.status
        return JSONResponse(document, status, _HEADERS.get(status), media_type=MEDIA_TYPE)

    @classmethod
    def responses(cls, slugs: Iterable[str]) -> dict[int | str, dict[str, Any]]:
        """The `responses` of an address for OpenAPI."""
        found: dict[int | str, dict[str, Any]] = {}
        for slug in slugs:
            kind = cls.kinds[slug]
            others = found.get(kind.status, {}).get("description")
            said = f"{slug}: {kind.title}"
            found[kind.status] = {
                "description": f"{others}; {said}" if others else said,
                "content": {MEDIA_TYPE: {"schema": _SCHEMA}},
            }
        return found


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
