"""One's own account: language and zone, password, sessions, and when one is away."""

from __future__ import annotations

from datetime import timedelta
from functools import cache, partial
from zoneinfo import available_timezones

from fastapi import APIRouter, Request
from starlette.responses import Response

from musterwerk.console.access import cookies
from musterwerk.console.access.hashing import LONGEST, SHORTEST, hashed, is_right
from musterwerk.console.auth import ServicesDep
from musterwerk.console.pages.login import address_of
from musterwerk.console.pages.site import FormDep, Viewer, ViewerDep, goto, in_thread, render, text
from musterwerk.console.problems import Problem
from musterwerk.console.services import Services
from musterwerk.errors import UsageError
from musterwerk.store.directory import AbsenceRow, read_absence

router = APIRouter()
_CHANNEL = "console"


@router.get("/me")
def show(request: Request, viewer: ViewerDep, services: ServicesDep, done: str = "") -> Response:
    """`done` is what was changed on the way here."""
    return _page(request, viewer, services, done=done)


@router.post("/me/settings")
def settings(viewer: ViewerDep, services: ServicesDep, given: FormDep) -> Response:
    fields = {name: text(given, name) for name in ("language", "zone")}
    services.people.change(viewer.person, actor=viewer.person, channel=_CHANNEL, **fields)
    return goto("/me", done="settings")


@router.post("/me/password")
async def password(
    request: Request, viewer: ViewerDep, services: ServicesDep, given: FormDep
) -> Response:
    """The old one is asked, so that an open browser is not enough; guessing it is limited."""
    if not services.access.local:
        raise Problem("forbidden", "passwords are switched off here")
    old, new, again = (str(given.get(name) or "") for name in ("old", "new", "again"))
    address = address_of(request)

    async def refused(wrong: str, status: int = 422, wait: int = 0) -> Response:
        waited = timedelta(seconds=wait)
        page = partial(_page, request, viewer, services, wrong=wrong, status=status, wait=waited)
        return await in_thread(page)

    if wait := services.logins.wait(viewer.person, address):
        page = await refused("often", 429, wait)
        page.headers["Retry-After"] = str(wait)
        return page
    if new != again:
        return await refused("differ")
    if not SHORTEST <= len(new) <= LONGEST:
        return await refused("length")
    with services.logins.attempt(viewer.person, address):
        if not await in_thread(is_right, services.passwords, viewer.person, old):
            services.logins.failed(viewer.person, address)
            return await refused("old")
    await in_thread(_change_password, services, viewer, new)
    return goto("/me", done="password")


@router.post("/me/sessions")
def log_out_everywhere(viewer: ViewerDep, services: ServicesDep, _: FormDep) -> Response:
    services.sessions.close_all(viewer.person)
    response = goto("/login")
    cookies.end_session(response)
    return response


@router.post("/me/absences")
def be_away(request: Request, viewer: ViewerDep, services: ServicesDep, given: FormDep) -> Response:
    """Days are those where the viewer is; the last one counts whole."""
    typed = {name: text(given, name) for name in ("from", "until", "substitute")}
    row = _absence(viewer, services, typed)
    if isinstance(row, str):
        return _page(request, viewer, services, wrong=row, status=422, typed=typed)
    with services.people.changes(actor=viewer.person, channel=_CHANNEL) as change:
        change.absence(row)
    return goto("/me", done="absence")


@router.post("/me/absences/{number}/end")
def be_there(number: int, viewer: ViewerDep, services: ServicesDep, _: FormDep) -> Response:
    if number not in {one.id for one in _absences(viewer, services)}:
        raise Problem("not-found", f"there is no absence {number} of yours")
    with services.people.changes(actor=viewer.person, channel=_CHANNEL) as change:
        change.end_absence(number)
    return goto("/me", done="ended")


def _change_password(services: Services, viewer: Viewer, new: str) -> None:
    services.passwords.put(
        viewer.person, hashed(new), actor=viewer.person, channel=_CHANNEL, but=viewer.secret
    )


def _absence(viewer: Viewer, services: Services, typed: dict[str, str]) -> AbsenceRow | str:
    """Or what is wrong with it."""
    substitute = typed["substitute"]
    if substitute == viewer.person:
        return "oneself"
    if substitute and ((other := services.people.get(substitute)) is None or not other.active):
        return "substitute"
    given = {"person": viewer.person, **{name: value for name, value in typed.items() if value}}
    try:
        row = read_absence(given, viewer.row.zone)
    except UsageError:
        return "days"
    return "over" if row.ends <= services.now() else row


def _absences(viewer: Viewer, services: Services) -> list[AbsenceRow]:
    found = services.people.absences(ending_after=services.now())
    return [one for one in found if one.person == viewer.person]


def _page(
    request: Request,
    viewer: Viewer,
    services: Services,
    *,
    done: str = "",
    wrong: str = "",
    status: int = 200,
    typed: dict[str, str] | None = None,
    wait: timedelta = timedelta(),
) -> Response:
    has_password = services.passwords.hash_of(viewer.person) is not None
    absences = _absences(viewer, services)
    return render(
        request,
        "me.html",
        status=status,
        done=done,
        wrong=wrong,
        wait=wait,
        typed=typed or {"from": "", "until": "", "substitute": ""},
        zones=_zones(),
        local=services.access.local,
        has_password=has_password,
        shortest=SHORTEST,
        sessions=services.sessions.of(viewer.person, viewer.secret),
        absences=absences,
        names=services.people.names(one.substitute for one in absences if one.substitute),
        people=[one for one in services.people.all() if one.active and one.id != viewer.person],
    )


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(one for one in available_timezones() if "/" in one or one == "UTC"))
