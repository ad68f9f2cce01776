"""The office in memory does what the real activities do with their database.

Requests are simulated with it, whatever people do to them. Then everything that their workflow
asked and told is asked and told the real one as well: at first in the same order, then in any.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import make_url, select
from temporalio.testing import ActivityEnvironment

from musterwerk.approvals import ApprovalRequest, Escalation, Policy, names
from musterwerk.approvals.activities import ApprovalActivities
from musterwerk.approvals.model import ACT
from musterwerk.approvals.policy import Level
from musterwerk.approvals.state import Entry, Notice
from musterwerk.approvals.workflow import ApprovalWorkflow
from musterwerk.canonical import content_of
from musterwerk.shop.staff import HEADS_GROUP, MANAGERS_GROUP, STAFF, hire
from musterwerk.store import ActTable, InboxTable, Store
from musterwerk.store.approval_tables import notices
from musterwerk.testing import Message, Simulator
from tests.explored.office import MemoryOffice

HOUR = timedelta(hours=1)
MANAGERS, HEADS = f"group:{MANAGERS_GROUP}", f"group:{HEADS_GROUP}"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
POLICIES = {
    "one": Policy(approvers=(MANAGERS,)),
    "two of them": Policy(approvers=(MANAGERS, "otto"), quorum=2, four_eyes=True),
    "escalates": Policy(
        approvers=(MANAGERS,),
        remind_every=2 * HOUR,
        escalations=(Escalation(after=3 * HOUR, to=(HEADS,)),),
        expires_after=9 * HOUR,
    ),
    "levels": Policy(levels=(Level(approvers=("mona",)), Level(approvers=(HEADS,)))),
    "nobody": Policy(approvers=("group:strangers",)),
    "no calendar": Policy(approvers=(MANAGERS,), calendar={"region": "XX"}),  # type: ignore[arg-type]
}
_examples = count(1)


class Real:
    """The activities over a database in which the same people are hired."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.inbox, self.acts = InboxTable(store), ActTable(store)
        self.activities = ApprovalActivities(store)

    def tell(self, request_id: str) -> Any:
        """What is kept of a request."""
        found = self.inbox.get(request_id)
        if found is None:
            return None
        entries = [Entry(**vars(one)).as_json() for one in self.inbox.entries(request_id)]
        with self.store.read() as connection:
            rows = connection.execute(select(notices).where(notices.c.request_id == request_id))
            told = [
                Notice(**{name: row[name] for name in Notice.model_fields}).as_json()
                for row in rows.mappings()
            ]
        return found.status, found.details, entries, {one["key"]: one for one in told}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    store = Store(make_url(f"sqlite:///{tmp_path_factory.mktemp('office') / 'office.sqlite'}"))
    hire(store)
    yield Real(store)
    store.close()


def tell(office: MemoryOffice, request_id: str) -> Any:
    if request_id not in office.stands:
        return None
    began = office.ages[request_id][0]
    story = {
        number: entry
        for (of, since, number), entry in office.story.items()
        if (of, since) == (request_id, began)
    }
    return (
        office.stands[request_id],
        office.details[request_id][2] if request_id in office.details else None,
        [story[number] for number in sorted(story)],
        {key: one for key, one in office.told.items() if key.startswith(f"{request_id}@")},
    )


Asked = Sequence[tuple[str, dict[str, Any]]]


def simulate(
    request_id: str, request: ApprovalRequest[Any], acts: Sequence[dict[str, Any]], start: datetime
) -> Asked:
    """What the request's workflow asked and told, in order."""
    messages = [
        Message("signal", ACT, (act,), at=HOUR * number) for number, act in enumerate(acts, 1)
    ]
    with Simulator(
        workflows=[ApprovalWorkflow],
        activities=MemoryOffice(STAFF["people"]).activities(),
        start=start,
    ) as simulator:
        outcome = simulator.run(
            ApprovalWorkflow.run, request.as_json(), id=request_id, messages=messages
        )
    assert outcome.status in ("completed", "failed"), outcome.task_failure
    return [(call.attempt.activity_type, call.arguments[0]) for call in outcome.calls]


def compare(real: Real, asked: Asked, request_id: str, acts: Sequence[dict[str, Any]]) -> None:
    """The same asked and told in both: the same answers, and the same is kept."""
    office = MemoryOffice(STAFF["people"])
    pairs = {
        names.FACTS: (office.facts, real.activities.facts),
        names.PLAN: (office.plan, real.activities.plan),
        names.RECORD: (office.record, real.activities.record),
    }

    async def ask() -> None:
        for name, given_ in asked:
            answers = [await ActivityEnvironment().run(one, given_) for one in pairs[name]]
            assert answers[0] == answers[1], f"{name} of {given_}"

    for act in acts:
        real.acts.put(act["id"], request_id, act["by"], act, NOW)
    asyncio.run(ask())
    assert tell(office, request_id) == real.tell(request_id)
    for act in acts:
        kept = real.acts.get(act["id"], request_id)
        assert kept is not None
        reply = office.replies.get((request_id, act["id"], kept.person, content_of(kept.act)))
        assert reply == kept.reply


def request(policy: str, **more: Any) -> ApprovalRequest[Any]:
    return ApprovalRequest(
        subject="Ship it", details={"n": 1}, requester="shop", policy=POLICIES[policy], **more
    )


def act(number: int, kind: str, by: str, **more: Any) -> dict[str, Any]:
    return {"id": f"act-{number}", "kind": kind, "by": by, **more}


def decide(number: int, by: str, outcome: str = "approve", **more: Any) -> dict[str, Any]:
    return act(number, "decide", by, outcome=outcome, reason="seen", **more)


COURSES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "decided": ("one", [decide(1, "mona"), decide(2, "mara")]),
    "rejected": ("one", [decide(1, "moritz", "reject")]),
    "withdrawn": ("one", [act(1, "withdraw", "shop", reason="gone"), decide(2, "mona")]),
    "called off by an operator": ("one", [act(1, "withdraw", "otto", reason="stuck")]),
    "talked about": (
        "one",
        [
            *(act(1, "comment", "mona", text="hm"), act(2, "ask", "mona", text="why?")),
            *(act(3, "inform", "shop", text="so"), act(4, "amend", "shop", details={"n": 2})),
            decide(5, "mona"),
        ],
    ),
    "claimed": (
        "one",
        [
            *(act(1, "claim", "mona"), decide(2, "mara"), act(3, "release", "otto")),
            decide(4, "mara"),
        ],
    ),
    "delegated": (
        "two of them",
        [
            *(act(1, "delegate", "mona", to="hanna"), decide(2, "hanna", on_behalf_of="mona")),
            *(act(3, "delegate", "otto", to="zoe", holder="mara"), decide(4, "mara")),
        ],
    ),
    "decided by nobody who may": ("one", [decide(1, "zoe"), decide(2, "otto"), decide(3, "mona")]),
    "escalated": ("escalates", [decide(4, "hanna")]),
    "expired": ("escalates", []),
    "on two levels": ("levels", [decide(1, "mona"), decide(2, "mona"), decide(3, "hanna")]),
    "said twice": ("two of them", [decide(1, "mona"), decide(1, "mona"), decide(2, "mara")]),
    "another under the same id": (
        "two of them",
        [decide(1, "mona"), decide(1, "mona", "reject"), decide(2, "mara")],
    ),
    "asked of nobody": ("nobody", []),
    "by no calendar": ("no calendar", []),
}


@pytest.mark.parametrize(("policy", "acts"), COURSES.values(), ids=COURSES)
def test_a_request(real: Real, policy: str, acts: list[dict[str, Any]]) -> None:
    name = f"request-{next(_examples)}"
    asked = simulate(name, request(policy), acts, NOW)
    compare(real, asked, name, acts)
    # Told again, and from the end: what is late, and what was told before, changes nothing.
    compare(real, [*reversed(asked), *asked], name, acts)


def test_an_answer_of_the_wrong_shape(real: Real) -> None:
    name = f"request-{next(_examples)}"
    schema = {"type": "object", "required": ["amount"]}
    acts = [decide(1, "mona", answer={}), decide(2, "mona", answer={"amount": 1})]
    asked = simulate(name, request("one", answer_schema=schema), acts, NOW)
    assert "required property" in str(asked)
    compare(real, asked, name, acts)


def test_an_id_is_used_again(real: Real) -> None:
    """The older story comes late, and leaves the newer one alone."""
    name = f"request-{next(_examples)}"
    amended = act(1, "amend", "shop", details={"n": 2})
    old = simulate(name, request("one"), [amended, act(2, "withdraw", "shop", reason="gone")], NOW)
    new = simulate(name, request("one"), [decide(2, "mona")], NOW + timedelta(days=1))
    compare(real, [*new, *old], name, [])
    status, details, entries, _ = real.tell(name)
    assert (status["state"], entries[-1]["event"], details) == ("approved", "ended", {"n": 1})


PEOPLE = st.sampled_from(("mona", "mara", "hanna", "otto", "zoe", "shop"))


@st.composite
def acts_of_people(draw: st.DrawFn) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 6))):
        kind = draw(
            st.sampled_from(
                ("decide", "decide", "withdraw", "comment", "claim", "release", "delegate", "amend")
            )
        )
        more: dict[str, Any] = {}
        match kind:
            case "decide":
                more = {"outcome": draw(st.sampled_from(("approve", "reject"))), "reason": "seen"}
            case "comment":
                more = {"text": "hm"}
            case "delegate":
                more = {"to": draw(PEOPLE)}
            case "amend":
                more = {"details": {"n": number}}
            case _:
                pass
        # An id says whose act it is, as the database takes it only from one.
        by = draw(PEOPLE)
        made = act(draw(st.sampled_from((number, 99))), kind, by, **more)
        found.append(made | {"id": f"{made['id']}-{by}"})
    return found


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policy=st.sampled_from(list(POLICIES)), acts=acts_of_people(), data=st.data())
def test_whatever_people_do(
    real: Real, policy: str, acts: list[dict[str, Any]], data: st.DataObject
) -> None:
    name = f"request-{next(_examples)}"
    asked = simulate(name, request(policy), acts, NOW)
    told = [one for one in asked if one[0] == names.RECORD]
    rest = [one for one in asked if one[0] != names.RECORD]
    compare(real, [*rest, *data.draw(st.permutations([*told, *told]))], name, acts)
