"""The screens of schedules: the list, the calendar, one schedule, and what is done to it."""

from __future__ import annotations

from fastapi import APIRouter

from musterwerk.console.pages.schedules import acting, backfilling, calendar, detail, listing

router = APIRouter()
# The calendar comes first: its address looks like that of a schedule.
for part in (calendar, listing, detail, backfilling, acting):
    router.include_router(part.router)

__all__ = ["router"]
