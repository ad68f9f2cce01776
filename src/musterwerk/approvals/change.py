"""One step of a request, put together: what changes, what is noted of it, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from musterwerk.approvals.acts import Act, Reply, Verdict
from musterwerk.approvals.state import ApprovalState, Entry, Event, Notice
from musterwerk.canonical import content_of

#: An act that comes again after so many others may get another reply than the first time.
_REMEMBERED = 1000
#: Longer messages are for who gets them first.
_SHORT = 300
#: After so many refusals a story is long enough.
_MOST_REFUSED = 2000


@dataclass(frozen=True)
class Step:
    """`plan` says that a level begins, whose timeline is to be computed; `review` that what was
    said so far is to be judged anew.
    """

    state: ApprovalState
    entries: tuple[Entry, ...] = ()
    notices: tuple[Notice, ...] = ()
    reply: Reply | None = None
    plan: bool = False
    review: bool = False


class Change:
    """Collects a step. `state` is as it stands with what was set so far."""

    def __init__(self, state: ApprovalState, at: datetime) -> None:
        self.state = state
        self.at = at
        self.plan = False
        self._entries: list[Entry] = []
        self._notices: list[Notice] = []

    def set(self, **fields: Any) -> None:
        self.state = self.state.model_copy(update=fields)

    def note(
        self,
        event: Event,
        actor: str,
        channel: str,
        *,
        on_behalf_of: str | None = None,
        **data: Any,
    ) -> None:
        entry = Entry(
            number=self.state.version + 1,
            at=self.at,
            event=event,
            actor=actor,
            channel=channel,
            on_behalf_of=on_behalf_of,
            digest=self.state.digest,
            data={name: value for name, value in data.items() if value not in (None, "", ())},
        ).sealed(self.state.record)
        self._entries.append(entry)
        self.set(version=entry.number, record=entry.record, updated_at=self.at)

    def note_act(self, event: Event, act: Act, **data: Any) -> None:
        on_behalf_of = data.pop("on_behalf_of", None)
        self.note(event, act.by, act.channel, on_behalf_of=on_behalf_of, act_id=act.id, **data)

    def tell(
        self,
        event: Event,
        to: tuple[str, ...],
        *,
        but: tuple[str, ...] = (),
        actor: str = "",
        text: str = "",
    ) -> None:
        number = self.state.notices + 1
        self.set(notices=number)
        key = f"{self.state.request_id}@{self.state.story_at.isoformat()}/{number}"
        self._notices.append(
            Notice(key=key, event=event, to=to, but=but, actor=actor, text=text, at=self.at)
        )

    def reply(self, act: Act, verdict: Verdict, message: str) -> Step:
        reply = reply_to(self.state, act, verdict, message)
        kept = reply.model_copy(update={"message": message[:_SHORT]})
        replies = {**self.state.replies, act.id: kept}
        contents = {**self.state.contents, act.id: content_of(act.as_json())}
        for oldest in list(replies)[:-_REMEMBERED]:
            del replies[oldest]
            contents.pop(oldest, None)
        self.set(replies=replies, contents=contents)
        return self.done(reply)

    def refuse(self, act: Act, verdict: Verdict, message: str) -> Step:
        """Nothing changes, but that it was tried is part of the story; not for ever."""
        before = self.state.refusals
        if sum(before.values()) >= _MOST_REFUSED:
            return self.reply(act, verdict, message)
        self.set(refusals={**before, act.by: before.get(act.by, 0) + 1})
        self.note_act("refused", act, kind=act.kind, verdict=verdict, message=message)
        return self.reply(act, verdict, message)

    def done(self, reply: Reply | None = None, *, review: bool = False) -> Step:
        entries, notices = tuple(self._entries), tuple(self._notices)
        return Step(self.state, entries, notices, reply, self.plan, review)


def reply_to(state: ApprovalState, act: Act, verdict: Verdict, message: str) -> Reply:
    return Reply(
        act_id=act.id,
        actor=act.by,
        verdict=verdict,
        message=message,
        state=state.state,
        outcome=state.outcome,
        by=state.by,
        at=state.ended_at,
        revision=state.revision,
        digest=state.digest,
        version=state.version,
    )
