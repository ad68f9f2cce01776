"""`/api/v1`: one file for each kind of thing that is asked or done."""

from __future__ import annotations

from fastapi import APIRouter

from musterwerk.console.api import acting, asking, audit, directory, me, reading, tokens

router = APIRouter()
for part in (reading, asking, acting, me, directory, tokens, audit):
    router.include_router(part.router)
