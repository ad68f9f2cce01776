"""People and groups: seen by everybody, changed by admins."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter
from pydantic import BaseModel

from musterwerk.console.api import bodies
from musterwerk.console.auth import AdminDep, CallerDep, ServicesDep
from musterwerk.console.problems import Problem, documented
from musterwerk.store.directory import PersonRow

router = APIRouter(tags=["people"])


class PersonView(BaseModel):
    """Mail, language, zone and roles are for admins; others see null."""

    id: str
    name: str
    active: bool
    groups: list[str]
    mail: str | None = None
    language: str | None = None
    zone: str | None = None
    roles: list[str] | None = None


class People(BaseModel):
    items: list[PersonView]


class GroupView(BaseModel):
    name: str
    members: list[str]


class Groups(BaseModel):
    items: list[GroupView]


@router.get("/people", summary="Everybody", responses=documented())
def list_people(caller: CallerDep, services: ServicesDep) -> People:
    groups = services.people.groups()
    full = caller.has("admin")
    return People(items=[_view(services, one, groups, full) for one in services.people.all()])


@router.get("/groups", summary="Groups and who is in them", responses=documented())
def list_groups(caller: CallerDep, services: ServicesDep) -> Groups:
    found = services.people.groups()
    return Groups(items=[GroupView(name=name, members=list(who)) for name, who in found.items()])


@router.put(
    "/people/{person_id}",
    summary="Add or change somebody",
    responses=documented("forbidden", changes=True),
)
def put_person(
    person_id: str, given: bodies.PersonChange, caller: AdminDep, services: ServicesDep
) -> PersonView:
    """`active: false` is how somebody leaves: they decide nothing any more, and their tokens
    open nothing. Nobody is deleted: the audit trail goes on naming them."""
    fields = given.model_dump(exclude={"groups", "roles"}, exclude_unset=True)
    with services.people.changes(actor=caller.person, channel="rest") as change:
        before = change.known(person_id)
        if before is None and not given.name:
            raise Problem("invalid", f"name: is missing, and nobody is known as {person_id!r}")
        row = before or PersonRow(person_id, given.name or "")
        change.person(replace(row, **fields))
        if given.groups is not None:
            change.only_in(person_id, given.groups)
        if given.roles is not None:
            change.only_with(person_id, given.roles)
    after = services.people.get(person_id)
    if after is None:
        raise Problem("internal", f"{person_id!r} is gone again")
    return _view(services, after, services.people.groups(), True)


@router.put(
    "/groups/{name}",
    summary="Say who is in a group",
    responses=documented("forbidden", changes=True),
)
def put_group(
    name: str, given: bodies.Members, caller: AdminDep, services: ServicesDep
) -> GroupView:
    """These and nobody else. A group that is not there is made."""
    before = services.people.groups().get(name, ())
    with services.people.changes(actor=caller.person, channel="rest") as change:
        change.group(name)
        for person in sorted(set(before) - set(given.members)):
            change.leave(name, person)
        for person in given.members:
            change.join(name, person)
    return GroupView(name=name, members=sorted(set(given.members)))


@router.delete(
    "/groups/{name}",
    status_code=204,
    summary="Dissolve a group",
    responses=documented("forbidden", changes=True),
)
def delete_group(name: str, caller: AdminDep, services: ServicesDep) -> None:
    """Requests that ask it then have nobody; see to them first."""
    if name not in services.people.groups():
        raise Problem("not-found", f"there is no group {name[:200]!r}")
    with services.people.changes(actor=caller.person, channel="rest") as change:
        change.drop_group(name)


def _view(
    services: ServicesDep, row: PersonRow, groups: dict[str, tuple[str, ...]], full: bool
) -> PersonView:
    view = PersonView(
        id=row.id,
        name=row.name,
        active=row.active,
        groups=[name for name, who in groups.items() if row.id in who],
    )
    if not full:
        return view
    more = {"mail": row.mail, "language": row.language, "zone": row.zone}
    return view.model_copy(update=more | {"roles": list(services.people.roles_of(row.id))})
