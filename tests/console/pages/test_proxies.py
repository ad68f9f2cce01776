"""Behind a proxy: whose word counts for where a request comes from, and whether by TLS."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest

from musterwerk.console.access import cookies
from musterwerk.console.serving import listen, serve, url_of
from tests.console.office import Office


@pytest.mark.parametrize(
    ("proxies", "address", "tls"),
    [
        ((), "127.0.0.1", False),
        (("192.0.2.1",), "127.0.0.1", False),
        (("127.0.0.1",), "203.0.113.7", True),
        (("127.0.0.0/8", "203.0.113.0/24"), "198.51.100.66", True),
    ],
)
async def test_only_a_named_proxy_is_believed(
    office: Office,
    caplog: pytest.LogCaptureFixture,
    proxies: tuple[str, ...],
    address: str,
    tls: bool,
) -> None:
    """A guesser would have a new address for each guess, by writing one into a header."""
    listening, ready = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(office.app, listening, ready.set, proxies=proxies))
    await ready.wait()
    headers = {
        "Host": "inbox.example.com",
        # The first is what the client wrote itself.
        "X-Forwarded-For": "198.51.100.66, 203.0.113.7",
        "X-Forwarded-Proto": "https",
        "Cookie": f"{cookies.DOOR}=door",
    }
    form = {"form": cookies.form_token("door"), "name": "anna", "password": "wrong wrong"}
    async with httpx.AsyncClient(base_url=url_of(listening), headers=headers) as http:
        page = await http.get("/login")
        with caplog.at_level(logging.WARNING):
            assert (await http.post("/login", data=form)).status_code == 401
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    assert f"from {address}" in caplog.text
    assert ("without TLS" not in page.text) is tls
