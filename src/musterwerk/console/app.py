"""The application: the API, the relay beside it, and what every answer has in common."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from musterwerk.console import metrics, pages
from musterwerk.console.answering import answer_problems
from musterwerk.console.api import router
from musterwerk.console.boundary import Boundary
from musterwerk.console.health import Health, HealthCheck
from musterwerk.console.pages.answering import answer_pages
from musterwerk.console.relay import ActRelay, stop
from musterwerk.console.services import Services

PREFIX = "/api/v1"
_ABOUT = """People decide; this is how programs ask them, and how people and programs answer.

Every address but this description and `/health` needs a token (`Authorization: Bearer mw_...`).
Whoever may not see a request gets
404, as if it were not there. Errors are `application/problem+json` (RFC 9457).

What somebody does to a request is recorded before it is answered. 200 says that it is applied,
202 that it will be; the same `Idempotency-Key` again does nothing twice. A decision names the
`digest` of what was shown: if the request has changed since, it answers 409 `changed`.
"""


def create_app(services: Services, *, relay: bool = True) -> ASGIApp:
    """`relay=False` where another process relays, or a test does by hand."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        running = [asyncio.create_task(services.live.run())]
        if relay:
            running.append(asyncio.create_task(ActRelay(services).run()))
        yield
        for task in running:
            await stop(task)

    app = FastAPI(
        title="Musterwerk",
        version=version("musterwerk"),
        description=_ABOUT,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.services = services
    answer_problems(app)
    app.include_router(router, prefix=PREFIX)
    answer_pages(app)
    app.include_router(metrics.router)
    app.include_router(pages.router)
    app.mount("/static", _Assets(packages=[("musterwerk.console", "static")]))

    check = HealthCheck(services)

    @app.get(
        "/health",
        tags=["service"],
        summary="Is it there, and what is away?",
        responses={503: {"model": Health, "description": "The database is away."}},
    )
    async def health(response: Response) -> Health:
        found = await check.look()
        if found.status == "unavailable":
            response.status_code = 503
        return found

    return Boundary(app)


class _Assets(StaticFiles):
    """Kept by browsers, and asked for again only by their ETag."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
