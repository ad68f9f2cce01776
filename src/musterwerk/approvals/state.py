"""How a request stands: everything the rules need to know, as plain JSON over continue-as-new."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import Field

from musterwerk.approvals.acts import Reply, Timeline
from musterwerk.approvals.model import ApprovalRequest, Vote
from musterwerk.approvals.policy import Principal, Quorum
from musterwerk.canonical import canonical
from musterwerk.wire import Moment, Wire

Event = Literal[
    "requested",
    "asked",  # a level began: its approvers are asked
    "reminded",
    "escalated",
    "decided",  # one person's vote
    "refused",  # an act that changed nothing
    "claimed",
    "released",
    "delegated",
    "question",
    "answer",
    "comment",
    "amended",
    "reset",  # the workflow was reset in Temporal: a new story begins from what it knew then
    "ended",
]


class Entry(Wire):
    """One line of the request's story, numbered without gaps from 1.

    `record` is the SHA-256 over the record before it and this entry without it: whoever has the
    last one can tell whether a line is missing or was changed.
    """

    number: int
    at: Moment
    event: Event
    actor: str
    channel: str
    on_behalf_of: str | None = None
    digest: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    record: str = ""

    def sealed(self, before: str) -> Entry:
        return self.model_copy(update={"record": self.seal(before)})

    def seal(self, before: str) -> str:
        content = self.model_dump(mode="json", exclude={"record"})
        return hashlib.sha256(canonical([before, content])).hexdigest()


class Panel(Wire):
    """People who can decide a level among themselves: its approvers, or those it escalated to."""

    to: tuple[Principal, ...]
    quorum: Quorum = 1


class Status(Wire):
    """How a request stands, for whoever looks. Without `details` where nobody asked for them.

    `next_at` is when its clock does something next, and `next_event` what ("reminded",
    "escalated", "ended"); an escalation is to `next_to`. `then_to` are the approvers of the level
    that follows. `may_decide` are principals and delegates, whoever of them is kept
    out by `excluded` or has voted on this level.
    """

    request_id: str
    subject: str
    requester: str
    details: Any = None
    outcomes: tuple[str, ...]
    answer_schema: dict[str, Any] | None = None
    answer_for: tuple[str, ...] = ()
    revision: int
    digest: str
    version: int
    state: str
    outcome: str | None = None
    reason: str = ""
    by: tuple[str, ...] = ()
    created_at: Moment
    story_at: Moment
    updated_at: Moment
    ended_at: Moment | None = None
    expires_at: Moment | None = None
    next_at: Moment | None = None
    next_event: str | None = None
    next_to: tuple[str, ...] = ()
    then_to: tuple[str, ...] = ()
    level: int = 0
    levels: int = 1
    level_name: str = ""
    escalated: int = 0
    claimed_by: str | None = None
    may_decide: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    delegations: dict[str, str] = Field(default_factory=dict)
    votes: tuple[Vote, ...] = ()
    question: str | None = None
    asked_by: str | None = None
    login_required: bool = False


class Notice(Wire):
    """Somebody is to be told. Whoever `to` means, and in which language, is found when it is sent.

    `key` is the request's id, its start and a number: the same notice sent again is recognised.
    """

    key: str
    event: Event
    to: tuple[Principal, ...]
    but: tuple[str, ...] = ()
    actor: str = ""
    text: str = ""
    at: Moment


class Record(Wire):
    """What an activity keeps after each step; all of it at once, and again without harm."""

    namespace: str
    run_id: str
    parent: str | None = None
    status: Status
    entries: tuple[Entry, ...] = ()
    notices: tuple[Notice, ...] = ()
    replies: tuple[Reply, ...] = ()
    #: Of the acts that these replies are to, by id: another act may have come by its id since.
    contents: dict[str, str] = Field(default_factory=dict)


class ApprovalState(Wire):
    """The whole of it. `votes` are those of the current revision."""

    request_id: str
    request: ApprovalRequest[Any]
    #: Its page in the console.
    page: str | None = None
    revision: int = 1
    digest: str
    #: Who sent the request; not the requester, where somebody asks for a service.
    sender: str = ""
    started_at: Moment
    #: When the story began that the entries belong to: at the start, or at the last reset.
    story_at: Moment
    updated_at: Moment
    state: str = "open"
    outcome: str | None = None
    reason: str = ""
    by: tuple[str, ...] = ()
    ended_at: Moment | None = None
    level: int = 0
    level_since: Moment
    panels: tuple[Panel, ...] = ()
    timeline: Timeline
    reminded: int = 0
    escalated: int = 0
    claimed_by: str | None = None
    delegations: dict[str, str] = Field(default_factory=dict)
    #: Which operator gave the place of this holder away: under four eyes it is not theirs.
    moved_by: dict[str, str] = Field(default_factory=dict)
    votes: tuple[Vote, ...] = ()
    question: str | None = None
    asked_by: str | None = None
    #: All who have asked since the last answer, and wait for it.
    askers: tuple[str, ...] = ()
    acting_for_requester: tuple[str, ...] = ()
    #: Replies by act id, the latest last: an act is taken once.
    replies: dict[str, Reply] = Field(default_factory=dict)
    #: What each of these acts said, as a short hash.
    contents: dict[str, str] = Field(default_factory=dict)
    #: How often somebody was refused.
    refusals: dict[str, int] = Field(default_factory=dict)
    #: How many entries there are, and the record over all of them; the entries are in the database.
    version: int = 0
    record: str = ""
    notices: int = 0
    #: How much has been said: comments, questions, answers.
    words: int = 0

    def digest_of(self, request: ApprovalRequest[Any], revision: int) -> str:
        """The same content asked for at another time is not what was shown."""
        return request.digest(self.started_at, revision)

    @property
    def is_open(self) -> bool:
        return self.state in ("open", "info_requested")
