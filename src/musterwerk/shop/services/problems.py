"""What a service answers when it cannot do what it was asked: `application/problem+json`."""

from __future__ import annotations

from typing import Any

from musterwerk.problems import Kind, RefusedRequest

#: Every problem a service may answer with; the slug ends the problem's `type`.
KINDS = {
    "missing-key": Kind(400, "The Idempotency-Key header is missing or malformed"),
    "card-declined": Kind(402, "The card was declined"),
    "not-found": Kind(404, "There is nothing here"),
    "method-not-allowed": Kind(405, "This address does not take this method"),
    "out-of-stock": Kind(409, "Not enough in stock"),
    "cannot-ship": Kind(409, "The order cannot be shipped"),
    "already-handed-over": Kind(409, "The parcel has left the house"),
    "order-taken": Kind(409, "The order is already served under another key"),
    "refund-refused": Kind(409, "The refund cannot be made until somebody repairs it"),
    "order-differs": Kind(409, "This order id stands for other content"),
    "too-late": Kind(409, "The order can no longer be cancelled"),
    "in-flight": Kind(409, "A request with this key is still being processed"),
    "undone": Kind(410, "This request was undone"),
    "too-large": Kind(413, "The request body is too large"),
    "invalid": Kind(422, "The request is not valid"),
    "key-reused": Kind(422, "This key was used for a request with other content"),
    "unknown-sku": Kind(422, "No such article"),
    "undeliverable": Kind(422, "The mail server refuses this message for good"),
    "internal": Kind(500, "The service failed"),
    "unavailable": Kind(503, "The service is not available now"),
}


#: What any request that changes something may be answered with.
COMMON = (
    "missing-key",
    "in-flight",
    "too-large",
    "invalid",
    "key-reused",
    "internal",
    "unavailable",
)

COMMON_TO_READING = ("invalid", "internal", "unavailable")


class Problem(RefusedRequest):
    """Refuses a request: raised anywhere in a service, it becomes the answer."""

    kinds = KINDS


def documented(*slugs: str, changes: bool = True) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for OpenAPI: these problems and the common ones."""
    return Problem.responses((*(COMMON if changes else COMMON_TO_READING), *slugs))
