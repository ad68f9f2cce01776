"""`/api/v1`: one file for each kind of thing that is asked or done."""

from __future__ import annotations

from fastapi import APIRouter

from musterwerk.console.api import acting, asking, audit, directory, me, reading, schedules, tokens

router = APIRouter()
for part in (reading, asking, acting, me, directory, tokens, audit, schedules):
    router.include_router(part.router)
