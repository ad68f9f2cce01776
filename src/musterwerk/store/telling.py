"""What a workflow tells the store of itself: one version of a request, and what led to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from musterwerk.store.audit_tables import iso


@dataclass(frozen=True)
class RequestRow:
    """A request as it stands. `status` is the workflow's own word for it, without details.

    `version` counts within one execution; who uses an id again after its end begins at 1, with a
    later `created_at`. `claimed` says whether somebody is on it.
    """

    id: str
    namespace: str
    run_id: str
    subject: str
    requester: str
    state: str
    is_open: bool
    revision: int
    version: int
    created_at: datetime
    expires_at: datetime
    status: dict[str, Any]
    parent: str | None = None
    ended_at: datetime | None = None
    claimed: bool = False


@dataclass(frozen=True)
class NewNotice:
    key: str
    event: str
    to: tuple[str, ...]
    at: datetime
    but: tuple[str, ...] = ()
    actor: str = ""
    text: str = ""


@dataclass(frozen=True)
class NewEntry:
    """One line of a request's story. `number` counts from 1 within one execution."""

    number: int
    at: datetime
    event: str
    actor: str
    channel: str
    on_behalf_of: str | None = None
    digest: str = ""
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    record: str = ""


def source_of(request_id: str, created_at: datetime, number: int | str) -> str:
    """The audit trail's name of an entry; an id that is used again does not collide."""
    return f"{request_id}@{iso(created_at)}/{number}"


#: Entries that say who was asked.
ASKING = ("asked", "escalated", "delegated")


def asked(event: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    """The principals that an entry says were asked to decide."""
    to: str | list[str] = data.get("to", []) if event in ASKING else []
    return (to,) if isinstance(to, str) else tuple(to)


@dataclass(frozen=True)
class Telling:
    """What a workflow tells of itself at one version.

    `seats` are principals who may decide, `kept_out` persons who may not, or have. `parties`
    are who asked and who voted; who was asked is in the entries. `details` need to be told once
    for each revision. `replies` are by act id, and `contents` say to which act (`content_of`).
    """

    request: RequestRow
    seats: tuple[str, ...] = ()
    kept_out: tuple[str, ...] = ()
    parties: tuple[str, ...] = ()
    details: Any = None
    entries: tuple[NewEntry, ...] = ()
    notices: tuple[NewNotice, ...] = ()
    replies: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    contents: dict[str, str] = field(default_factory=dict[str, str])
