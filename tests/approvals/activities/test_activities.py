"""The activities of approvals on both databases, given and giving what travels as JSON."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter
from temporalio.testing import ActivityEnvironment

from musterwerk.approvals import Policy, answers, views
from musterwerk.approvals.activities import ApprovalActivities
from musterwerk.approvals.acts import Claim, Facts, Plan, Planning, Question
from musterwerk.approvals.state import Record, Status
from musterwerk.store import InboxTable, NoticeTable, PeopleTable, Store
from musterwerk.store.inbox_pages import Search
from musterwerk.store.membership import Place
from tests.approvals.people import START, Company

BY: dict[str, Any] = {"actor": "root", "channel": "cli"}
POLICY = Policy(approvers=("group:finance",), quorum=2, four_eyes=True)


@pytest.fixture
def activities(store: Store) -> ApprovalActivities:
    finance = {"groups": ["finance"]}
    away = {"person": "rita", "from": "2026-11-01", "until": "2026-11-09", "substitute": "carla"}
    document: dict[str, Any] = {
        "people": {"anna": finance, "ben": finance, "carla": {}, "rita": {}},
        "absences": [away],
    }
    PeopleTable(store).apply(document, **BY)
    return ApprovalActivities(store)


async def run(activity: Any, given: Any) -> Any:
    """As over the wire."""
    found = await ActivityEnvironment().run(activity, json.loads(json.dumps(given.as_json())))
    return json.loads(json.dumps(found))


def question(**fields: Any) -> Question:
    return Question(
        principals=("group:finance",), people=("anna",), requester="rita", at=START, **fields
    )


async def test_facts_are_what_the_rules_read(activities: ApprovalActivities) -> None:
    found = Facts.read(await run(activities.facts, question()))
    assert found == Facts(
        members={"group:finance": ("anna", "ben")},
        known=("anna", "rita"),
        substitutes={"rita": ("carla",)},
        acting_for_requester=("carla",),
    )


async def test_an_answer_of_the_wrong_shape_is_a_flaw(activities: ApprovalActivities) -> None:
    schema = {"type": "object", "required": ["amount"]}
    wrong = Facts.read(await run(activities.facts, question(answer={}, answer_schema=schema)))
    assert wrong.flaws == ("'amount' is a required property",)
    right = question(answer={"amount": 1}, answer_schema=schema)
    assert Facts.read(await run(activities.facts, right)).flaws == ()


async def test_a_calendar_that_is_none_is_a_flaw(activities: ApprovalActivities) -> None:
    def planning(**fields: Any) -> Planning:
        policy = Policy(approvers=("anna",), expires_after=timedelta(days=1), **fields)
        return Planning(policy=policy, level=0, started=START, since=START)

    good = Plan.read(await run(activities.plan, planning()))
    assert good.timeline is not None
    assert good.timeline.expires_at == START + timedelta(days=1)
    bad = Plan.read(await run(activities.plan, planning(calendar={"region": "XX"})))
    assert bad.timeline is None
    assert len(bad.flaws) == 1


def record(company: Company, since: int = 0, *, details: bool = False) -> Record:
    return Record(
        namespace="default",
        run_id="run",
        status=views.status(company.state, details=details),
        entries=tuple(company.entries[since:]),
        notices=tuple(company.notices),
    )


async def test_a_request_is_in_the_inbox_until_it_has_ended(
    activities: ApprovalActivities, store: Store
) -> None:
    inbox = InboxTable(store)

    def shown(box: Any, person: str) -> list[Status]:
        places = (Place(person, person), Place("group:finance", person))
        search = Search(box, person, places, party=(person,) if box == "decided" else None)
        return [Status.read(one) for one in inbox.page(search).statuses]

    company = Company(POLICY, details={"amount": "730.00"})
    await run(activities.record, record(company, details=True))
    assert (
        shown("mine", "anna")
        == shown("mine", "ben")
        == [views.status(company.state, details=False)]
    )
    assert shown("mine", "rita") == []  # four eyes

    seen = len(company.entries)
    company.act(Claim(id="claim", by="anna"))
    company.decide("anna")
    await run(activities.record, record(company, seen))
    assert shown("mine", "anna") == []
    assert [one.subject for one in shown("mine", "ben")] == ["Refund"]

    seen = len(company.entries)
    company.decide("ben")
    await run(activities.record, record(company, seen))
    assert company.state.state == "approved"
    assert shown("mine", "ben") == []
    assert [one.state for one in shown("decided", "anna")] == ["approved"]
    assert len(shown("decided", "rita")) == 1
    assert shown("decided", "carla") == []

    found = inbox.get("r-1")
    assert found is not None
    assert found.details == {"amount": "730.00"}
    story = inbox.entries("r-1")
    assert [vars(one) for one in story] == [dict(iter(one)) for one in company.entries]


async def test_who_sends_notices_is_woken(store: Store) -> None:
    woken: list[int] = []
    activities = ApprovalActivities(store, told=lambda: woken.append(NoticeTable(store).waiting()))
    company = Company(POLICY)
    await run(activities.record, record(company))
    assert woken == [len(company.notices)] == [1]
    await run(activities.record, record(company).model_copy(update={"notices": ()}))
    assert len(woken) == 1


class Address(BaseModel):
    street: str
    number: int


NESTED = TypeAdapter(list[Address]).json_schema()
PATTERNED: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "properties": {"a": {"type": "integer"}},
    "patternProperties": {"^x-": {"type": "string"}},
    "additionalProperties": False,
}


def _nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"not": found}
    return found


def _doubling(depth: int) -> dict[str, Any]:
    """Each step is asked for twice by the one before."""
    steps = {
        f"step-{number}": {"allOf": [{"$ref": f"#/$defs/step-{number + 1}"}] * 2}
        for number in range(depth)
    }
    return {"$ref": "#/$defs/step-0", "$defs": steps | {f"step-{depth}": {"type": "string"}}}


SLOW = "^(x|xx)+[yz]$"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    ("answer", "schema", "message"),
    [
        ([{"street": "a", "number": "b"}], NESTED, "[0].number: 'b' is not of type 'integer'"),
        ({"a": 1}, {"properties": {"a": {"minimum": 2}}}, "a: 1 is less than the minimum of 2"),
        ("x", {"format": "date"}, "'x' is not a 'date'"),
        ("tomorrow", {"format": "date-time"}, "'tomorrow' is not a 'date-time'"),
        ("25:00", {"format": "time"}, "'25:00' is not a 'time'"),
        ("x" * 100_000, {"type": "string"}, "the answer is 100002 bytes of JSON"),
        (1, {"type": "nonsense"}, "its schema is broken: 'nonsense'"),
        (1, {"$ref": "#/$defs/none"}, "its schema is broken: "),
        (1, {"$ref": "https://example.com/schema.json"}, "its schema is broken: "),
        (1, {"$ref": "#"}, "its schema is broken: "),
        ("x", {"pattern": "("}, "its schema is broken: "),
        ("x", {"pattern": "^y"}, "'x' does not match '^y'"),
        ({"x": 1}, {"additionalProperties": False}, "'x' is not among what may be there"),
        ({"x": 1}, {"patternProperties": {"^x": {"type": "null"}}}, "x: 1 is not of type 'null'"),
        ([1, 1], {"uniqueItems": True}, "has non-unique elements"),
        ({}, {"patternProperties": {}, "unevaluatedProperties": False}, "cannot stand beside"),
        pytest.param(10**400, {"multipleOf": 0.3}, "too large", id="large"),
        pytest.param(10**5000, {"type": "integer"}, "cannot be read", id="huge"),
        (_nested(100_000), {}, "cannot be read"),
        (1, _nested(100_000), "its schema is broken"),
    ],
)
def test_flaws_say_what_and_where(answer: Any, schema: dict[str, Any], message: str) -> None:
    """A schema that raises would be tried for ever, and its request never be decided."""
    (flaw,) = answers.flaws(answer, schema)
    assert message in flaw
    assert len(flaw) <= 300


@pytest.mark.parametrize(
    ("answer", "schema"),
    [
        ([{"street": "a", "number": 1}], NESTED),
        ("2026-11-02T09:00:00Z", {"format": "date-time"}),
        ("2026-11-02", {"format": "date"}),
        (None, {}),
        ({"a": 1, "x-b": "c"}, PATTERNED),
    ],
)
def test_what_fits_has_no_flaws(answer: Any, schema: dict[str, Any]) -> None:
    assert answers.flaws(answer, schema) == ()


@pytest.mark.parametrize(
    ("answer", "schema"),
    [
        ("x" * 5000, {"pattern": SLOW}),
        ({"a": "x" * 5000}, {"properties": {"a": {"$schema": DRAFT_7, "pattern": SLOW}}}),
        ({"x" * 5000: 1}, {"propertyNames": {"pattern": SLOW}}),
        ({"x" * 5000: 1}, {"patternProperties": {SLOW: {}}}),
        ({"x" * 5000: 1}, {"patternProperties": {SLOW: {}}, "additionalProperties": False}),
        ("x", _doubling(64)),
    ],
)
def test_no_schema_holds_up_a_worker(answer: Any, schema: dict[str, Any]) -> None:
    """Whoever may ask could stop every request of everybody."""
    (flaw,) = answers.flaws(answer, schema)
    assert "takes too long" in flaw


def test_many_objects_are_not_compared_with_each_other() -> None:
    """It would take minutes: each with each."""
    many = [{"a": number} for number in range(5000)]
    (flaw,) = answers.flaws(many, {"uniqueItems": True})
    assert "cannot be compared" in flaw


def test_no_more_flaws_than_people_read() -> None:
    assert len(answers.flaws(["x"] * 1000, {"items": {"type": "integer"}})) == 10
