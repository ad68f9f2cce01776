"""What the console answers when it cannot do what it was asked: `application/problem+json`."""

from __future__ import annotations

from typing import Any

from musterwerk.problems import Kind, RefusedRequest

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


class Problem(RefusedRequest):
    """Refuses a request: raised anywhere in the console, it becomes the answer."""

    kinds = KINDS


def documented(*slugs: str, changes: bool = False) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an address for OpenAPI: these problems, and those anywhere."""
    return Problem.responses((*_ALWAYS, *(["too-large"] if changes else []), *slugs))
