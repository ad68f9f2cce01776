"""A small OpenID provider over HTTP, where somebody is logged in already."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from musterwerk.console.access.settings import AccessSettings, Provider
from musterwerk.console.serving import listen, serve, url_of
from tests.console.office import Office
from tests.console.pages.browsing import Browser, Page

CLIENT, SECRET = "musterwerk", "kept between us"


@dataclass
class Issuer:
    """`account` is who is logged in; `wrong` changes what the ID token says."""

    url: str = ""
    account: dict[str, Any] = field(default_factory=lambda: {"preferred_username": "anna"})
    wrong: dict[str, Any] = field(default_factory=dict[str, Any])
    info: dict[str, Any] = field(default_factory=dict[str, Any])
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    signing: RSAKey | None = None
    says: str = ""
    asked: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    codes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])

    def provider(self, **more: Any) -> Provider:
        return Provider(self.url, CLIENT, SECRET, "Example", **more)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._about),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/keys", self._keys),
                Route("/userinfo", self._userinfo),
            ]
        )

    async def _about(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.says or self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo",
            }
        )

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        query = urlencode({"code": code, "state": asked["state"], "iss": self.url})
        return RedirectResponse(f"{asked['redirect_uri']}?{query}", 303)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["redirect_uri"] != form["redirect_uri"]
            or (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", challenge)
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "7",
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            **self.account,
            **self.wrong,
        }
        token = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signing or self.key)
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": token})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _userinfo(self, _: Request) -> Response:
        return JSONResponse(self.info)


@asynccontextmanager
async def issuing(office: Office) -> AsyncGenerator[Issuer]:
    """A provider at which the office's people have accounts."""
    listening, ready = listen("127.0.0.1", 0), asyncio.Event()
    issuer = Issuer(url_of(listening))
    serving = asyncio.create_task(serve(issuer.app(), listening, ready.set))
    await ready.wait()
    office.services.access = AccessSettings(issuer.provider())
    try:
        yield issuer
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def leave(browser: Browser, path: str = "/login") -> str:
    """Where the button on the log-in page leads."""
    page = await browser.get(path)
    answer = await browser.http.get(page.links["Log in with Example"], follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def back(address: str) -> str:
    """Where the provider sends the browser, as a path of ours."""
    async with httpx.AsyncClient() as http:
        answer = await http.get(address)
    parts = urlsplit(answer.headers["location"])
    assert parts.netloc == "console"
    return f"{parts.path}?{parts.query}"


async def through(browser: Browser, path: str = "/login") -> Page:
    return await browser.get(await back(await leave(browser, path)))


def query_of(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
