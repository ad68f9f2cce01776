"""The screens: HTML made on the server, complete without JavaScript.

One module for each screen, `site.py` for what they share. A new screen is a router here, a
template in `templates/`, and its German in `locale/de.po`.
"""

from __future__ import annotations

from fastapi import APIRouter

from musterwerk.console.pages import (
    acting,
    audit,
    bulk,
    events,
    inbox,
    links,
    login,
    me,
    oidc,
    request,
    schedules,
)

router = APIRouter(include_in_schema=False)
for part in (login, oidc, inbox, request, acting, bulk, events, links, me, audit, schedules):
    router.include_router(part.router)

__all__ = ["router"]
