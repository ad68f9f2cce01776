"""What a workflow tells of itself, as the store's rows. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from musterwerk.approvals.state import Record
from musterwerk.store.telling import NewEntry, NewNotice, RequestRow, Telling

_OPEN = ("open", "info_requested")
#: Where an open request has no deadline, it comes last.
_NEVER = datetime(9999, 12, 31, tzinfo=UTC)


def telling(record: Record) -> Telling:
    status = record.status
    voted = [vote.person for vote in status.votes if vote.level == status.level]
    return Telling(
        request=_row(record),
        seats=status.may_decide,
        kept_out=(*status.excluded, *voted),
        parties=(status.requester, *status.by, *(vote.person for vote in status.votes)),
        details=status.details,
        entries=tuple(NewEntry(**dict(iter(entry))) for entry in record.entries),
        notices=tuple(NewNotice(**dict(iter(one))) for one in record.notices),
        replies={reply.act_id: reply.as_json() for reply in record.replies},
        contents=record.contents,
    )


def _row(record: Record) -> RequestRow:
    status = record.status
    return RequestRow(
        id=status.request_id,
        namespace=record.namespace,
        run_id=record.run_id,
        parent=record.parent,
        subject=status.subject,
        requester=status.requester,
        state=status.state,
        is_open=status.state in _OPEN,
        revision=status.revision,
        version=status.version,
        created_at=status.story_at,
        ended_at=None if status.state in _OPEN else status.ended_at or status.updated_at,
        expires_at=status.expires_at or _NEVER,
        claimed=status.claimed_by is not None,
        status=status.as_json() | {"details": None},
    )
