"""Refusals as pages, for whoever is not a program."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from musterwerk.console.access import cookies
from musterwerk.console.access.mail_links import Closed
from musterwerk.console.pages.forming import words_of
from musterwerk.console.pages.link_views import closed_page
from musterwerk.console.pages.site import LoginNeeded, goto, render, text
from musterwerk.console.problems import Problem

_PROGRAMS = ("/api/", "/health", "/metrics", "/static/")


def answer_pages(app: FastAPI) -> None:
    async def log_in(request: Request, error: Exception) -> Response:
        assert isinstance(error, LoginNeeded)  # noqa: S101 - registered for nothing else
        after = {} if error.path == "/" else {"next": error.path}
        written = await _written(request)
        if written:
            return render(request, "logged_out.html", status=401, written=written, after=after)
        return goto("/login", **after)

    async def link_closed(request: Request, error: Exception) -> Response:
        assert isinstance(error, Closed)  # noqa: S101 - registered for nothing else
        return closed_page(request, error)

    app.add_exception_handler(LoginNeeded, log_in)
    app.add_exception_handler(Closed, link_closed)


async def _written(request: Request) -> list[str]:
    """In a form of ours, by somebody whose session has ended meanwhile: it is not lost."""
    secret = cookies.session_of(request)
    if request.method != "POST" or secret is None:
        return []
    try:
        given = await request.form()
    except (UnicodeError, HTTPException):
        return []
    if not cookies.is_ours(request, secret, text(given, "form")):
        return []
    return words_of(given)


def for_programs(request: Request) -> bool:
    return request.url.path.startswith(_PROGRAMS)


def error_page(request: Request, problem: Problem) -> Response:
    """In the reader's language: the kind of problem; its details are for programs."""
    return render(
        request,
        "problem.html",
        status=problem.kind.status,
        problem=problem,
        sent=request.method == "POST",
        written=words_of(getattr(request.state, "given", None)),
    )
