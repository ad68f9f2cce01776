"""The furniture that all services share: errors, health, faults, idempotency, the body limit."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from musterwerk.errors import EffectUndone, KeyReused, UsageError
from musterwerk.shop.services.exchange import Answer, Boundary, calling
from musterwerk.shop.services.faults import FaultPlan, Faults
from musterwerk.shop.services.idempotency import OneAtATime
from musterwerk.shop.services.problems import Problem


@dataclass(frozen=True)
class Service:
    """What a service is made of.

    `refusals` are the refusals that faults may pretend, by path. Reading is spared from faults,
    but for the addresses that begin with one of `exposed`: they share the service's outages.
    """

    name: str
    router: APIRouter
    close: Callable[[], None]
    refusals: Mapping[str, Problem] = field(default_factory=dict[str, Problem])
    exposed: tuple[str, ...] = ()


def create_app(service: Service, plan: FaultPlan | None = None) -> Boundary:
    """The service as an ASGI application: network, faults, one request per key, API."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None, None]:
        yield
        service.close()

    api = FastAPI(title=f"Musterwerk {service.name}", version="1", lifespan=lifespan)
    _answer_problems(api)
    api.include_router(service.router)
    faults = Faults(service.name, plan or FaultPlan(), service.refusals, OneAtATime(calling(api)))

    @api.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "service": service.name}

    @api.get("/faults")
    async def injected() -> dict[str, Any]:
        """Faults injected so far by kind, and requests being handled or held back by a fault."""
        return faults.report()

    def weather(path: str) -> Answer | None:
        return faults.outage() if path.startswith(service.exposed) else None

    return Boundary(api, faults, weather)


def _answer_problems(api: FastAPI) -> None:
    async def problem(_: Request, error: Exception) -> JSONResponse:
        return as_problem(error).response()

    for kind in (
        Problem,
        KeyReused,
        EffectUndone,
        UsageError,
        RequestValidationError,
        HTTPException,
        OperationalError,
    ):
        api.add_exception_handler(kind, problem)


def as_problem(error: Exception) -> Problem:
    """The answer for an error that a service knows of; any other is raised again."""
    match error:
        case Problem():
            return error
        case KeyReused():
            return Problem("key-reused", error.message)
        case EffectUndone():
            return Problem("undone", error.message)
        case UsageError():
            # The ledger's word for a step called with its undo's key, or the other way round.
            return Problem("invalid", str(error))
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            slug = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "invalid")
            return Problem(slug, str(error.detail))
        case OperationalError():
            return Problem("unavailable", f"the database does not answer: {error.orig}")
        case _:
            raise error


def _invalid(error: RequestValidationError) -> Problem:
    # What was sent is not sent back: it may be large, and it may be none of the reader's business.
    found = error.errors()
    if found and found[0]["type"] == "json_invalid":
        return Problem("invalid", f"the body is not JSON, from character {found[0]['loc'][-1]} on")
    errors = [
        {
            "field": ".".join(str(part) for part in item["loc"] if part != "body") or "body",
            "problem": str(item["msg"]).removeprefix("Value error, "),
        }
        for item in found
    ]
    detail = "; ".join(f"{item['field']}: {item['problem']}" for item in errors)
    return Problem("invalid", detail, errors=errors)
