"""The inbox: told in whatever order and however often, it shows how requests stand."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from musterwerk.canonical import content_of
from musterwerk.errors import StoreError, UsageError
from musterwerk.store import ActTable, InboxTable, NoticeTable, Store
from musterwerk.store.audit import AuditTrail
from musterwerk.store.inbox_pages import Search
from musterwerk.store.membership import Place
from musterwerk.store.telling import NewEntry, NewNotice, RequestRow, Telling
from tests.databases import forget_requests

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ME = (Place("anna", "anna"), Place("group:finance", "anna"))


@pytest.fixture
def inbox(store: Store) -> InboxTable:
    return InboxTable(store)


def telling(name: str = "r-1", version: int = 1, **fields: Any) -> Telling:
    """At `version`, with that many entries; fields of the request among the others."""
    names = set(RequestRow.__dataclass_fields__)
    row: dict[str, Any] = {
        "namespace": "default",
        "run_id": "run",
        "subject": f"Refund {name}",
        "requester": "rita",
        "state": "open",
        "is_open": True,
        "revision": 1,
        "created_at": NOON,
        "expires_at": NOON + DAY,
        "status": {"request_id": name, "version": version},
    }
    row |= {key: fields.pop(key) for key in list(fields) if key in names}
    request = RequestRow(id=name, version=version, **row)
    entries = tuple(entry(number) for number in range(1, version + 1))
    rest: dict[str, Any] = {"seats": ("group:finance",), "entries": entries, **fields}
    return Telling(request, **rest)


def ended(name: str, version: int = 2, after: timedelta = DAY, **fields: Any) -> Telling:
    how: dict[str, Any] = {"state": "approved", "is_open": False, "ended_at": NOON + after}
    return telling(name, version, **(how | fields))


def entry(number: int, **fields: Any) -> NewEntry:
    return NewEntry(number, NOON + number * DAY, "comment", "anna", "cli", **fields)


def shown(inbox: InboxTable, box: Any = "mine", person: str = "anna", **fields: Any) -> list[str]:
    options: dict[str, Any] = {"places": ME, **fields}
    search = Search(box, person, **options)
    return [status["request_id"] for status in inbox.page(search).statuses]


def walked(inbox: InboxTable, search: Search) -> Iterator[str]:
    while True:
        page = inbox.page(search)
        yield from (status["request_id"] for status in page.statuses)
        if page.next is None:
            return
        assert len(page.statuses) == search.limit
        search = replace(search, after=page.next)


def test_told_twice_is_told_once(inbox: InboxTable, store: Store) -> None:
    """An activity whose answer was lost is run again."""
    notice = NewNotice("r-1/1", "asked", ("group:finance",), NOON)
    told = telling(version=3, details={"amount": "730.00"}, notices=(notice,))
    inbox.write(told, NOON)
    before = inbox.get("r-1"), AuditTrail(store).lines(), NoticeTable(store).waiting()
    inbox.write(told, NOON + DAY)
    assert (inbox.get("r-1"), AuditTrail(store).lines(), NoticeTable(store).waiting()) == before
    assert (len(before[1]), before[2], shown(inbox)) == (3, 1, ["r-1"])


def test_what_is_late_leaves_the_newer_alone(inbox: InboxTable, store: Store) -> None:
    """A request that has ended would come back into everybody's inbox."""
    inbox.write(ended("r-1", 2), NOON)
    inbox.write(replace(telling(version=1), entries=(entry(7),)), NOON)
    assert (shown(inbox), shown(inbox, "decided")) == ([], ["r-1"])
    assert [line.source[-2:] for line in AuditTrail(store).lines()] == ["/1", "/2", "/7"]


def test_an_id_used_again_is_another_request(inbox: InboxTable) -> None:
    """It begins at version 1, without the details and the story of the one before."""
    inbox.write(ended("r-1", 9, details="old"), NOON)
    inbox.write(telling(created_at=NOON + 2 * DAY), NOON)
    found = inbox.get("r-1")
    assert found is not None
    assert (found.state, found.version, found.details) == ("open", 1, None)
    assert [one.number for one in inbox.entries("r-1")] == [1]
    inbox.write(ended("r-1", 10, details="older"), NOON)
    assert shown(inbox) == ["r-1"]


def test_details_stay_until_a_new_revision(inbox: InboxTable) -> None:
    """They are told once for each: 1 MB with every vote would fill the history."""

    def details() -> object:
        found = inbox.get("r-1")
        return found and found.details

    inbox.write(telling(details=["first"]), NOON)
    inbox.write(telling(version=2), NOON)
    assert details() == ["first"]
    inbox.write(telling(version=4, revision=2), NOON)  # overtook the one that brings them
    assert details() is None
    inbox.write(telling(version=3, revision=2, details=["second"]), NOON)
    assert details() == ["second"]
    inbox.write(telling(details=["first"]), NOON)
    assert details() == ["second"]


def test_a_megabyte_of_details_is_kept(inbox: InboxTable) -> None:
    text = "ü\0\ud800" + "x" * 1_000_000
    inbox.write(telling(details={"text": text}), NOON)
    found = inbox.get("r-1")
    assert found is not None
    assert found.details == {"text": text}


def test_the_story_is_told_in_its_order(inbox: InboxTable) -> None:
    said = entry(2, on_behalf_of="ben", digest="d", data={"text": "why?"}, record="r")
    inbox.write(replace(telling(version=2), entries=(said, entry(1))), NOON)
    assert inbox.entries("r-1") == [entry(1), said]
    assert inbox.entries("r-2") == []


def test_all_of_it_or_nothing(inbox: InboxTable, store: Store) -> None:
    """A vote that is in the inbox and not in the trail is what an audit must never find."""
    broken: Any = replace(entry(2), actor=None)
    with pytest.raises(StoreError):
        inbox.write(replace(telling(), entries=(entry(1), broken)), NOON)
    assert (inbox.get("r-1"), AuditTrail(store).lines()) == (None, [])


def test_a_late_reply_does_not_answer_another_act_of_its_id(
    inbox: InboxTable, store: Store
) -> None:
    """A record that is written once more, after its worker died, comes after somebody has used the
    id again: the second decision would be told as done, and be lost."""
    approve, reject = ({"by": "anna", "kind": "decide", "outcome": one} for one in "ar")
    reply = {"actor": "anna", "verdict": "applied"}
    told = telling(replies={"K1": reply}, contents={"K1": content_of(approve)})
    inbox.write(told, NOON)
    acts = ActTable(store)
    acts.put("K1", "r-1", "anna", reject, NOON + DAY)
    inbox.write(told, NOON + DAY)
    found = acts.get("K1", "r-1")
    assert found is not None
    assert (found.state, found.reply) == ("sending", None)
    acts.put("K1", "r-2", "anna", approve | {"channel": "console"}, NOON)
    second = replace(told, request=replace(told.request, id="r-2"))
    inbox.write(second, NOON)
    found = acts.get("K1", "r-2")
    assert found is not None
    assert found.state == "done"


def test_a_reply_completes_its_act_once(inbox: InboxTable, store: Store) -> None:
    first = {"actor": "anna", "verdict": "applied"}
    acts = ActTable(store)
    for request in ("r-1", "r-2"):
        acts.put("a", request, "anna", {"kind": "claim"}, NOON)
    inbox.write(telling(replies={"a": first, "other": {"actor": "ben"}}), NOON + DAY)
    inbox.write(telling(replies={"a": {"actor": "anna", "verdict": "closed"}}), NOON + 2 * DAY)
    found = acts.get("a", "r-1")
    assert found is not None
    assert (found.state, found.reply, found.updated_at) == (
        "done",
        first,
        NOON + DAY,
    )
    other = acts.get("a", "r-2")
    assert other is not None
    assert other.reply is None


def test_mine_is_what_i_may_decide_now(inbox: InboxTable) -> None:
    inbox.write(telling("group"), NOON)
    inbox.write(telling("me", seats=("anna", "group:finance")), NOON)
    inbox.write(telling("others", seats=("ben", "group:managers")), NOON)
    inbox.write(telling("voted", kept_out=("anna",)), NOON)
    inbox.write(telling("claimed", claimed=True), NOON)
    inbox.write(ended("over"), NOON)
    assert shown(inbox) == ["claimed", "group", "me"]
    assert shown(inbox, "unassigned") == ["group", "me"]
    assert shown(inbox, "all") == ["claimed", "group", "me", "others", "voted"]
    assert shown(inbox, places=()) == []


def test_a_substitute_sees_what_the_absent_could_still_decide(inbox: InboxTable) -> None:
    places = (Place("carla", "carla"), Place("anna", "anna"), Place("group:finance", "anna"))
    inbox.write(telling("open"), NOON)
    inbox.write(telling("anna-voted", kept_out=("anna",)), NOON)
    inbox.write(telling("carla-asked-for-it", kept_out=("carla",)), NOON)
    assert shown(inbox, person="carla", places=places) == ["open"]
    # Who is in the group herself decides whatever the other has done.
    own = (*places, Place("group:finance", "carla"))
    assert shown(inbox, person="carla", places=own) == ["anna-voted", "open"]


def test_filters(inbox: InboxTable) -> None:
    inbox.write(telling("plain"), NOON)
    inbox.write(telling("asked", state="info_requested"), NOON)
    inbox.write(telling("late", expires_at=NOON + 2 * DAY, requester="otto"), NOON)
    inbox.write(telling("percent", subject="100 % Off_x"), NOON)
    for box in ("mine", "unassigned", "all"):
        assert shown(inbox, box, state="info_requested") == ["asked"]
        assert shown(inbox, box, requester="otto") == ["late"]
        assert shown(inbox, box, text="refund L") == ["late"]
        assert shown(inbox, box, text="% off_") == ["percent"]
        assert shown(inbox, box, text="0%") == []
        assert shown(inbox, box, expires_before=NOON + 2 * DAY) == ["asked", "percent", "plain"]
        assert shown(inbox, box, expires_before=NOON + DAY) == []


def test_decided_comes_latest_first_and_may_be_ones_own(inbox: InboxTable) -> None:
    inbox.write(ended("first", after=DAY, parties=("rita", "anna", "anna")), NOON)
    inbox.write(ended("third", after=3 * DAY, parties=("rita", "ben")), NOON)
    inbox.write(ended("second", after=2 * DAY, parties=("anna",), state="rejected"), NOON)
    inbox.write(telling("open", parties=("anna",)), NOON)
    assert shown(inbox, "decided") == ["third", "second", "first"]
    assert shown(inbox, "decided", party=("anna",)) == ["second", "first"]
    assert shown(inbox, "decided", party=("anna",), state="approved") == ["first"]
    assert shown(inbox, "decided", party=("anna", "rita")) == ["third", "second", "first"]
    for party in (None, ("rita",)):
        search = Search("decided", party=party, limit=1)
        assert list(walked(inbox, search)) == [
            one for one in ("third", "second", "first") if party is None or one != "second"
        ]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.sets(st.sampled_from(["anna", "group:finance", "group:x"]))
        ),
        max_size=12,
    ),
    st.integers(1, 4),
)
def test_pages_together_are_the_whole_list(
    inbox: InboxTable, store: Store, given_: list[tuple[int, set[str]]], limit: int
) -> None:
    """At a deadline shared by many a page would skip some, or show them twice."""
    forget_requests(store)
    inbox.replace(
        telling(f"r-{number}", expires_at=NOON + days * DAY, seats=tuple(seats))
        for number, (days, seats) in enumerate(given_)
    )
    rows = [(days, f"r-{number}", seats) for number, (days, seats) in enumerate(given_)]
    mine = [name for _, name, seats in sorted(rows, key=lambda r: r[:2]) if seats - {"group:x"}]
    everything = [name for _, name, _ in sorted(rows, key=lambda r: r[:2])]
    assert sorted(walked(inbox, Search("mine", "anna", ME, limit=limit))) == sorted(mine)
    found = list(walked(inbox, Search("all", limit=limit)))
    assert sorted(found) == sorted(everything)
    days = {f"r-{number}": days for number, (days, _) in enumerate(given_)}
    assert [days[name] for name in found] == sorted(days.values())


@pytest.mark.parametrize("after", ["", "x", "W10", "WzEsMl0", "WyIyMDI2LTAxLTAxIiwgInIiXQ", "ü"])
def test_a_place_in_the_list_that_is_none_is_refused(inbox: InboxTable, after: str) -> None:
    with pytest.raises(UsageError, match="no place in a list"):
        inbox.page(Search("all", after=after))


def test_filling_again_tells_nobody(inbox: InboxTable, store: Store) -> None:
    """A rebuilt inbox that sends all mails again would be worse than none."""
    inbox.write(telling("gone"), NOON)
    inbox.write(telling("kept", details="d"), NOON)
    before = AuditTrail(store).lines()
    forget_requests(store)
    assert (shown(inbox), inbox.get("kept")) == ([], None)
    notice = NewNotice("n", "asked", ("anna",), NOON)
    newer = telling("kept", 3, details="d", notices=(notice,))
    inbox.replace([newer, telling("kept", 2)])
    inbox.replace([telling("kept", 2, seats=())])
    assert shown(inbox) == ["kept"]
    found = inbox.get("kept")
    assert found is not None
    assert (found.details, found.status["version"]) == ("d", 3)
    assert (AuditTrail(store).lines(), NoticeTable(store).waiting()) == (before, 0)


def test_many_are_filled_at_once(inbox: InboxTable) -> None:
    inbox.replace(telling(f"r-{number:04}", kept_out=("ben",)) for number in range(2100))
    assert len(list(walked(inbox, Search("mine", "anna", ME, limit=200)))) == 2100


def test_many_tell_at_once(inbox: InboxTable, store: Store) -> None:
    """The newest stays, whoever comes first, and its seats are its own."""
    told = [
        replace(telling(version=number, seats=(f"p-{number}", "anna")), entries=(entry(number),))
        for number in range(1, 25)
    ]
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(inbox.write, one, NOON) for one in told]:
            done.result()
    found = inbox.get("r-1")
    assert found is not None
    assert found.status["version"] == 24
    places = tuple(Place(f"p-{number}", "zoe") for number in range(24))
    assert shown(inbox, person="zoe", places=places) == []
    assert shown(inbox, person="zoe", places=(Place("p-24", "zoe"),)) == ["r-1"]
    assert [one.number for one in inbox.entries("r-1")] == list(range(1, 25))
    assert [line.seq for line in AuditTrail(store).lines()] == list(range(1, 25))
