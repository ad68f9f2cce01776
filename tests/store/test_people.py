"""People, groups, roles and absences: who is asked, and who changed that."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from musterwerk.errors import UsageError
from musterwerk.store import PeopleTable, Store
from musterwerk.store.audit import AuditTrail
from musterwerk.store.directory import AbsenceRow, PersonRow, read_directory
from musterwerk.store.membership import Place

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BY: dict[str, Any] = {"actor": "root", "channel": "cli"}
COMPANY: dict[str, Any] = {
    "people": {
        "anna": {"name": "Anna", "groups": ["finance"], "roles": ["approver", "auditor"]},
        "ben": {"mail": "ben@example.com", "language": "de", "groups": ["finance", "managers"]},
        "carla": {"groups": ["managers"]},
        "rita": {"zone": "Europe/Berlin"},
    }
}


@pytest.fixture
def people(store: Store) -> PeopleTable:
    table = PeopleTable(store, now=lambda: NOON)
    table.apply(COMPANY, **BY)
    return table


def away(people: PeopleTable, person: str, substitute: str | None) -> int:
    with people.changes(**BY) as change:
        return change.absence(AbsenceRow(person, NOON - DAY, NOON + DAY, substitute))


def audited(store: Store) -> list[tuple[str, dict[str, Any]]]:
    return [(line.event, line.data) for line in AuditTrail(store).lines()]


def test_a_dry_run_tells_the_same_and_leaves_all_as_it_was(
    people: PeopleTable, store: Store
) -> None:
    before = people.all(), people.groups(), audited(store)
    document = {"people": {"anna": {"roles": ["operator"]}, "zoe": {"groups": ["new"]}}}
    dry = people.apply(document, **BY, prune=True, dry_run=True)
    assert (people.all(), people.groups(), audited(store)) == before
    done = people.apply(document, **BY, prune=True)
    assert [(one.event, one.data) for one in dry] == [(one.event, one.data) for one in done]
    assert audited(store)[len(before[2]) :] == [(one.event, one.data) for one in done]
    assert "person_added" in {one.event for one in done}


def test_facts_name_active_people_only(people: PeopleTable) -> None:
    """Who has left would count for a quorum, and could be delegated to."""
    people.deactivate("anna", **BY)
    found = people.facts(
        ["group:finance", "group:nobody", "carla", "anna", "zoe"],
        ["anna", "carla", "zoe"],
        "rita",
        NOON,
    )
    assert found.members == {
        "group:finance": ("ben",),
        "group:nobody": (),
        "carla": ("carla",),
        "anna": (),
        "zoe": (),
    }
    assert found.known == ("carla", "rita")
    assert (found.roles, found.substitutes, found.acting_for_requester) == ({}, {}, ())


def test_facts_tell_roles_of_those_asked_for(people: PeopleTable) -> None:
    assert people.facts([], ["anna", "ben"], "rita", NOON).roles == {
        "anna": ("approver", "auditor")
    }


def test_an_absence_counts_from_its_beginning_until_before_its_end(people: PeopleTable) -> None:
    away(people, "anna", "carla")
    times = [NOON - DAY - DAY / 2, NOON - DAY, NOON + DAY - timedelta(microseconds=1), NOON + DAY]
    found = [people.facts(["group:finance"], [], "rita", at).substitutes for at in times]
    assert found == [{}, {"anna": ("carla",)}, {"anna": ("carla",)}, {}]


def test_a_substitute_who_is_away_has_a_substitute(people: PeopleTable) -> None:
    """Nobody could decide in the week both are away; and two who name each other are no loop."""
    away(people, "anna", "ben")
    away(people, "ben", "carla")
    away(people, "carla", "anna")
    found = people.facts(["anna"], [], "carla", NOON)
    assert found.substitutes == {"anna": ("ben", "carla"), "carla": ("anna", "ben")}
    assert found.acting_for_requester == ("anna", "ben")


def test_a_substitute_who_has_left_stands_in_for_nobody(people: PeopleTable) -> None:
    away(people, "anna", "carla")
    people.deactivate("carla", **BY)
    assert people.facts(["anna"], [], "rita", NOON).substitutes == {}
    assert people.places_of("carla", NOON) == ()


def test_somebody_may_act_for_themselves_and_for_the_absent(people: PeopleTable) -> None:
    away(people, "anna", "carla")
    assert people.places_of("carla", NOON) == (
        Place("carla", "carla"),
        Place("group:managers", "carla"),
        Place("anna", "anna"),
        Place("group:finance", "anna"),
    )
    assert people.principals_of("carla", NOON + DAY) == ("carla", "group:managers")


def test_every_change_is_audited_once_with_who_made_it(store: Store) -> None:
    """A right that appears from nowhere is what an auditor looks for."""
    people = PeopleTable(store, now=lambda: NOON)
    for _ in range(2):  # the second time nothing changes
        with people.changes(actor="root", channel="rest") as change:
            change.person(PersonRow("anna", "Anna"))
            change.person(PersonRow("ben", "Ben"))
            change.join("finance", "anna")
            change.grant("anna", "admin")
            change.absence(AbsenceRow("anna", NOON, NOON + DAY, "ben"))
    people.change("anna", mail="anna@example.com", **BY)
    with people.changes(**BY) as change:
        change.withdraw("anna", "admin")
        change.leave("finance", "anna")
        change.end_absence(1)
        change.drop_group("finance")
    assert [event for event, _ in audited(store)] == [
        "person_added",
        "person_added",
        "group_added",
        "member_added",
        "role_granted",
        "absence_added",
        "person_changed",
        "role_withdrawn",
        "member_removed",
        "absence_removed",
        "group_dropped",
    ]
    changed = audited(store)[6][1]
    assert changed == {"id": "anna", "from": {"mail": None}, "to": {"mail": "anna@example.com"}}
    first = AuditTrail(store).lines(limit=1)[0]
    assert (first.actor, first.channel, first.at) == ("root", "rest", NOON)


def test_a_directory_that_is_wrong_changes_nothing(people: PeopleTable, store: Store) -> None:
    """Half a directory is a company in which half the requests can be decided."""
    before = (people.all(), people.groups(), audited(store))
    wrong = {
        "people": {"zoe": {"groups": ["finance"]}, "anna": {}},
        "absences": [
            {"person": one, "from": "2026-12-24", "until": "2026-12-31"}
            for one in ("zoe", "nobody")
        ],
    }
    with pytest.raises(UsageError, match="'nobody'"):
        people.apply(wrong, **BY)
    assert (people.all(), people.groups(), audited(store)) == before


def test_applying_a_directory_again_changes_nothing(people: PeopleTable, store: Store) -> None:
    before = audited(store)
    people.apply(COMPANY, **BY)
    assert audited(store) == before


def test_only_pruning_touches_who_is_not_in_the_directory(people: PeopleTable) -> None:
    over = AbsenceRow("ben", NOON - 3 * DAY, NOON - 2 * DAY)
    with people.changes(**BY) as change:
        change.absence(over)
        change.absence(AbsenceRow("ben", NOON, NOON + DAY))
    smaller = {"people": {"anna": {"groups": ["managers"]}}}
    people.apply(smaller, **BY)
    assert people.groups() == {"finance": ("ben",), "managers": ("anna", "ben", "carla")}
    assert people.roles_of("anna") == ()
    people.apply(smaller, prune=True, **BY)
    assert [one.id for one in people.all() if one.active] == ["anna"]
    assert people.groups() == {"finance": (), "managers": ("anna",)}
    assert people.absences() == [over]


def test_days_of_an_absence_are_those_where_the_person_is() -> None:
    found = read_directory(
        {
            "people": {"rita": {"zone": "Europe/Berlin"}},
            "absences": [
                {"person": "rita", "from": date(2026, 10, 24), "until": "2026-10-25"},
                {"person": "rita", "from": "2026-01-01T08:00", "until": "2026-01-01T16:00Z"},
            ],
        }
    )
    hours = [(one.starts.isoformat(), one.ends.isoformat()) for one in found.absences]
    assert hours == [
        ("2026-10-23T22:00:00+00:00", "2026-10-25T23:00:00+00:00"),  # the clock went back
        ("2026-01-01T07:00:00+00:00", "2026-01-01T16:00:00+00:00"),
    ]


@pytest.mark.parametrize(
    ("person", "message"),
    [
        ({"mial": "x"}, r"people\.anna\.mial: no such field"),
        ({"mail": "a@b.example\nBcc: c@d.example"}, r"people\.anna\.mail: "),
        ({"mail": "nobody"}, r"people\.anna\.mail: "),
        ({"language": "fr"}, r"people\.anna\.language: 'fr'"),
        ({"zone": "Berlin"}, r"people\.anna\.zone: 'Berlin'"),
        ({"zone": "../../etc/passwd"}, r"people\.anna\.zone: "),
        ({"roles": ["boss"]}, r"people\.anna\.roles: 'boss' is no role"),
        ({"groups": "finance"}, r"people\.anna\.groups: a list"),
        ({"groups": ["group:finance"]}, r"people\.anna\.groups: "),
        ({"name": "two\nlines"}, r"people\.anna\.name: "),
        ({"active": "yes"}, r"people\.anna\.active: "),
    ],
)
def test_a_wrong_field_is_named(person: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_directory({"people": {"anna": person}})


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"persons": {}}, "persons: no such field"),
        ({"people": []}, "people: a table"),
        ({"people": {" anna": {}}}, "is no name"),
        ({"absences": {}}, "absences: a list"),
        ({"absences": [{"person": "anna"}]}, r"absences\.0: from is missing"),
        ({"absences": [{"person": "a", "from": 1, "until": 2}]}, r"absences\.0\.from: 1 is"),
        (
            {"absences": [{"person": "a", "from": "2026-01-02", "until": "2026-01-01"}]},
            r"absences\.0: it ends",
        ),
    ],
)
def test_a_wrong_document_is_refused(document: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_directory(document)


def test_nobody_is_added_twice_or_changed_unseen(people: PeopleTable) -> None:
    with pytest.raises(UsageError, match="already a person 'anna'"):
        people.add(PersonRow("anna", "Another"), **BY)
    with pytest.raises(UsageError, match="nobody is known as 'zoe'"):
        people.change("zoe", name="Zoe", **BY)
    assert people.get("anna") == PersonRow("anna", "Anna")
