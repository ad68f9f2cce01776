"""Every error that the console knows of, as the problem it answers with."""

from __future__ import annotations

import logging
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from temporalio.service import RPCError

from musterwerk.console.pages.answering import error_page, for_programs
from musterwerk.console.problems import Problem
from musterwerk.documents import mistakes
from musterwerk.errors import ApprovalNotFound, ServerError, StoreError, UsageError

_log = logging.getLogger(__name__)
#: Where FastAPI says a value is from; the reader knows.
_PARTS = ("body.", "query.", "path.", "header.")
_MOST = 20


def answer_problems(app: FastAPI) -> None:
    async def answer(request: Request, error: Exception) -> Response:
        problem = as_problem(error)
        return problem.response() if for_programs(request) else error_page(request, problem)

    for kind in (
        Problem,
        RequestValidationError,
        HTTPException,
        UsageError,
        UnicodeError,
        StoreError,
        ServerError,
        ApprovalNotFound,
        RPCError,
        Exception,
    ):
        app.add_exception_handler(kind, answer)


def as_problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _invalid(error)
        case HTTPException(status_code=404):
            return Problem("not-found", "no such address; /api/v1/openapi.json lists them all")
        case HTTPException(status_code=405):
            return Problem("method-not-allowed", "/api/v1/openapi.json says what it takes")
        case HTTPException():
            return Problem("invalid", str(error.detail))
        case UsageError():
            return Problem("invalid", str(error))
        case UnicodeError():
            return Problem("invalid", "the form is in an encoding that is none")
        case ApprovalNotFound():
            return Problem("not-found", str(error))
        case StoreError():
            # The message names the database's address, which is nobody's business here.
            _log.error("%s", error)
            return Problem("unavailable", "the database does not answer; try again")
        case ServerError() | RPCError():
            _log.error("%s", error)
            return Problem("unavailable", "the Temporal server does not answer; try again")
        case _:
            return Problem("internal", "an error of ours; what it was is in the console's log")


def _invalid(error: RequestValidationError) -> Problem:
    found = cast("list[dict[str, Any]]", list(error.errors()))
    if found and found[0]["type"] == "json_invalid":
        return Problem("invalid", f"the body is not JSON, from character {found[0]['loc'][-1]} on")
    errors = [
        {"field": _bare(one.field), "problem": one.problem} for one in mistakes(found)[:_MOST]
    ]
    detail = "; ".join(f"{one['field']}: {one['problem']}" for one in errors)
    return Problem("invalid", detail, errors=errors)


def _bare(field: str) -> str:
    for part in _PARTS:
        if field.startswith(part):
            return field.removeprefix(part)
    return field
