"""What concerns the caller: who they are, and when they are away."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from musterwerk.console.api import bodies
from musterwerk.console.auth import Caller, CallerDep, ServicesDep
from musterwerk.console.problems import Problem, documented
from musterwerk.store.directory import AbsenceRow

router = APIRouter(tags=["me"])


class Me(BaseModel):
    """`principals` are all for whom you may act now, those of absent people too."""

    id: str
    name: str
    mail: str | None
    language: str
    zone: str
    roles: list[str]
    principals: list[str]


class AbsenceView(BaseModel):
    id: int
    person: str
    starts: datetime
    ends: datetime
    substitute: str | None


class Absences(BaseModel):
    items: list[AbsenceView]


@router.get("/me", summary="Who am I?", responses=documented())
def get_me(caller: CallerDep, services: ServicesDep) -> Me:
    person = services.people.get(caller.person)
    if person is None:
        raise Problem("unauthorized", "the token is of nobody")
    fields = {name: value for name, value in asdict(person).items() if name != "active"}
    principals = services.people.principals_of(caller.person, services.now())
    return Me(**fields, roles=sorted(caller.roles), principals=list(principals))


@router.get("/absences", summary="When somebody is away", responses=documented("forbidden"))
def list_absences(
    caller: CallerDep,
    services: ServicesDep,
    person: Annotated[
        str | None,
        Query(max_length=200, description="Default: yourself; an admin may ask for all."),
    ] = None,
) -> Absences:
    """Those that are not over. Without `person` an admin sees everybody's."""
    wanted = person or (None if caller.has("admin") else caller.person)
    if wanted is not None:
        _may(caller, wanted)
    found = services.people.absences(ending_after=services.now())
    return Absences(items=[_view(one) for one in found if wanted in (None, one.person)])


@router.put("/absences", summary="Be away", responses=documented("forbidden", changes=True))
def put_absence(given: bodies.Absence, caller: CallerDep, services: ServicesDep) -> AbsenceView:
    """One with the same times is the same: it gets the substitute."""
    person = given.person or caller.person
    _may(caller, person)
    row = AbsenceRow(person, given.starts, given.ends, given.substitute)
    with services.people.changes(actor=caller.person, channel="rest") as change:
        number = change.absence(row)
    return _view(replace(row, id=number))


@router.delete(
    "/absences/{absence_id}",
    status_code=204,
    summary="Be there after all",
    responses=documented("forbidden", changes=True),
)
def delete_absence(absence_id: int, caller: CallerDep, services: ServicesDep) -> Response:
    found = [one for one in services.people.absences() if one.id == absence_id]
    if not found or not (caller.has("admin") or found[0].person == caller.person):
        raise Problem("not-found", f"there is no absence {absence_id} of yours")
    with services.people.changes(actor=caller.person, channel="rest") as change:
        change.end_absence(absence_id)
    return Response(status_code=204)


def _may(caller: Caller, person: str) -> None:
    if person != caller.person and not caller.has("admin"):
        raise Problem("forbidden", "absences of others are an admin's to see and to change")


def _view(row: AbsenceRow) -> AbsenceView:
    return AbsenceView.model_validate(row, from_attributes=True)
