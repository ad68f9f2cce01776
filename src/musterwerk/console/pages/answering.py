"""Refusals as pages, for whoever is not a program."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.responses import Response

from musterwerk.console.access.mail_links import Closed
from musterwerk.console.pages.link_views import closed_page
from musterwerk.console.pages.site import LoginNeeded, goto, render
from musterwerk.console.problems import Problem

_PROGRAMS = ("/api/", "/health", "/static/")


def answer_pages(app: FastAPI) -> None:
    async def log_in(_: Request, error: Exception) -> Response:
        assert isinstance(error, LoginNeeded)  # noqa: S101 - registered for nothing else
        return goto("/login", **({} if error.path == "/" else {"next": error.path}))

    async def link_closed(request: Request, error: Exception) -> Response:
        assert isinstance(error, Closed)  # noqa: S101 - registered for nothing else
        return closed_page(request, error)

    app.add_exception_handler(LoginNeeded, log_in)
    app.add_exception_handler(Closed, link_closed)


def for_programs(request: Request) -> bool:
    return request.url.path.startswith(_PROGRAMS)


def error_page(request: Request, problem: Problem) -> Response:
    """In the reader's language: the kind of problem; its details are for programs."""
    return render(request, "problem.html", status=problem.kind.status, problem=problem)
