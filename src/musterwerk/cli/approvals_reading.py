"""Requests from the database, or where there is none from the workflows themselves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from musterwerk.approvals import ApprovalHandle
from musterwerk.approvals.model import STATUS, WORKFLOW
from musterwerk.cli.address import DEFAULT_DATA, find_address
from musterwerk.cli.office import actor, opened
from musterwerk.cli.output import Output
from musterwerk.cli.running import run
from musterwerk.errors import (
    ApprovalNotFound,
    ApprovalRefused,
    MusterwerkError,
    ServerError,
    StoreError,
    StoreMissing,
    UsageError,
)
from musterwerk.runtime.connection import Target

if TYPE_CHECKING:
    from musterwerk.store import InboxTable, Store
    from musterwerk.store.inbox_pages import Search

Box = Literal["mine", "unassigned", "questions", "all", "decided"]
_PERSONAL = ("mine", "unassigned", "questions", "waiting")
_STATES = ("open", "info_requested", "approved", "rejected", "expired", "withdrawn")
_PAGE = 200
_QUERY = timedelta(seconds=5)
_SIDE_BY_SIDE = 8


@dataclass(frozen=True)
class Where:
    address: str | None
    data: Path

    @property
    def only_there(self) -> bool:
        """A folder was named and no server: what is not in it is not looked for elsewhere."""
        return self.data != DEFAULT_DATA and self.address is None

    @property
    def elsewhere(self) -> bool:
        """A server was named and no database with it: the one that lies here is another's."""
        named = self.data != DEFAULT_DATA or os.environ.get("MUSTERWERK_DATABASE_URL")
        return self.address is not None and not named

    def target(self) -> Target:
        return find_address(self.address, self.data)


@dataclass(frozen=True)
class Wanted:
    box: Box | None
    person: str | None
    state: str | None
    requester: str | None
    limit: int


def listed(out: Output, where: Where, wanted: Wanted) -> list[dict[str, Any]]:
    """The requests' status, without details; says where it is from."""
    found = None if where.elsewhere else _stored(out, where, wanted)
    if found is not None:
        return found
    if wanted.person or wanted.box in _PERSONAL:
        raise UsageError(
            "whose a request is, is known in the database only: --data says where it is"
        )
    found = run(_asked(out, where.target(), wanted))
    if not found:
        _check_state(wanted.state, ())
    return found


async def find(out: Output, where: Where, identity: str) -> dict[str, Any]:
    """One request's status with its details and its story, which the database alone knows."""
    if not where.elsewhere:
        try:
            if found := await asyncio.to_thread(_one, where, identity):
                return found
        except StoreMissing as missing:
            if where.only_there:
                raise
            out.say(f"Asked the workflow itself: {missing}.")
    client = await where.target().connect()
    try:
        async with asyncio.timeout(_QUERY.total_seconds() * 2):
            status = await ApprovalHandle(client, identity).status()
    except (TimeoutError, ServerError) as error:
        raise ServerError(
            f"{identity} does not answer; is a `musterwerk worker` there? ({error or 'too late'})"
        ) from error
    except ApprovalRefused as refused:
        raise refused_at_start(identity, refused) from refused
    return status.as_json() | {"story": []}


def is_stranger(where: Where, person: str) -> bool:
    """Nobody by this name, where people are known at all, from here."""
    if where.elsewhere:
        return False
    try:
        with opened(where.data) as store:
            from musterwerk.store import PeopleTable

            people = PeopleTable(store)
            return people.get(person) is None and bool(people.all())
    except (StoreError, UsageError):
        return False


def refused_at_start(identity: str, refused: ApprovalRefused) -> MusterwerkError:
    return ApprovalNotFound(f"{identity} was refused, nobody was asked: {refused.message}")


def _stored(out: Output, where: Where, wanted: Wanted) -> list[dict[str, Any]] | None:
    try:
        with opened(where.data) as store:
            found = _pages(store, wanted)
            out.say(f"From the database {store}.")
            return found
    except StoreMissing as missing:
        if where.only_there:
            raise
        out.say(f"Asked the workflows themselves: {missing}.")
        return None


def _pages(store: Store, wanted: Wanted) -> list[dict[str, Any]]:
    from musterwerk.store import InboxTable, PeopleTable
    from musterwerk.store.inbox_pages import Search, states

    box = wanted.box or ("waiting" if wanted.person else "all")
    person = wanted.person or actor()
    search = Search(box, person=person, state=wanted.state, requester=wanted.requester)
    if wanted.person or box in _PERSONAL:
        _check_person(store, person)
    if box in _PERSONAL:
        places = PeopleTable(store).places_of(person, datetime.now(UTC))
        search = replace(search, places=places)
    elif wanted.person and box == "decided":
        principals = PeopleTable(store).principals_of(person, datetime.now(UTC))
        search = replace(search, party=(person, *principals))
    elif wanted.person:
        raise UsageError("--for goes with --box mine, unassigned, questions or decided")
    found = _all_pages(InboxTable(store), search, wanted.limit)
    if not found and wanted.state is not None:
        with store.read() as connection:
            _check_state(wanted.state, states(connection))
    return found


def _all_pages(inbox: InboxTable, search: Search, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = inbox.page(replace(search, limit=min(_PAGE, limit - len(found))))
        found += page.statuses
        if page.next is None or len(found) >= limit:
            return found
        search = replace(search, after=page.next)


def _check_person(store: Store, person: str) -> None:
    """Who asks may be a service, which is no person."""
    from musterwerk.store import PeopleTable
    from musterwerk.store.inbox_pages import has_asked

    if PeopleTable(store).get(person) is not None:
        return
    with store.read() as connection:
        if has_asked(connection, person):
            return
    raise UsageError(
        f"nobody is known as {person!r}, and nothing was asked in that name; see `musterwerk "
        "people list`, and say whose with --for PERSON"
    )


def _check_state(state: str | None, there: Sequence[str]) -> None:
    """Any outcome of a request can be a state; what no request has is a slip of the pen."""
    if state is not None and state not in (*_STATES, *there):
        raise UsageError(
            f"--state: no request is or was {state!r}; choose "
            f"{', '.join(dict.fromkeys((*_STATES, *there)))}"
        )


def _one(where: Where, identity: str) -> dict[str, Any] | None:
    from pydantic import TypeAdapter

    from musterwerk.cli.office import opened
    from musterwerk.store import InboxTable

    with opened(where.data) as store:
        inbox = InboxTable(store)
        row = inbox.get(identity)
        if row is None:
            return None
        story = TypeAdapter(Any).dump_python(inbox.entries(identity), mode="json")
        return row.status | {"details": row.details, "story": story}


async def _asked(out: Output, target: Target, wanted: Wanted) -> list[dict[str, Any]]:
    client = await target.connect()
    running = "!=" if wanted.box == "decided" else "="
    query = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus {running} 'Running'"
    found: list[dict[str, Any]] = []
    silent = 0
    few = asyncio.Semaphore(_SIDE_BY_SIDE)
    with out.progress("asking workflows") as advance:
        ids = [one.id async for one in client.list_workflows(query)]
        for start in range(0, len(ids), _PAGE):
            some = ids[start : start + _PAGE]
            for status in await asyncio.gather(*(_status(client, one, few) for one in some)):
                if status is None:
                    silent += 1
                elif _fits(status, wanted):
                    found.append(status)
            advance(start + len(some), len(ids))
    if silent:
        out.say(f"{silent} requests could not be asked; is a `musterwerk worker` there?")
    key = "ended_at" if wanted.box == "decided" else "expires_at"
    found.sort(key=lambda one: str(one[key]), reverse=wanted.box == "decided")
    return found[: wanted.limit]


async def _status(client: Client, identity: str, few: asyncio.Semaphore) -> dict[str, Any] | None:
    handle = client.get_workflow_handle(identity)
    async with few:
        try:
            found = await handle.query(STATUS, result_type=dict[str, Any], rpc_timeout=_QUERY)
        except (RPCError, WorkflowQueryFailedError):
            return None
    return None if not found else found | {"details": None}


def _fits(status: dict[str, Any], wanted: Wanted) -> bool:
    return wanted.state in (None, status["state"]) and (
        wanted.requester in (None, status["requester"])
    )
