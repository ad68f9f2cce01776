"""Refusals as pages, for whoever is not a program."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import Response

from musterwerk.console.pages.site import LoginNeeded, goto, render
from musterwerk.console.problems import Problem

_PROGRAMS = ("/api/", "/health", "/static/")


def answer_pages(app: FastAPI) -> None:
    async def log_in(_: Request, error: Exception) -> Response:
        assert isinstance(error, LoginNeeded)  # noqa: S101 - registered for nothing else
        return goto("/login", **({} if error.path == "/" else {"next": error.path}))

    app.add_exception_handler(LoginNeeded, log_in)


def for_programs(request: Request) -> bool:
    return request.url.path.startswith(_PROGRAMS)


def error_page(request: Request, problem: Problem) -> Response:
    """In the reader's language: the kind of problem; its details are for programs."""
    return render(request, "problem.html", status=problem.kind.status, problem=problem)
