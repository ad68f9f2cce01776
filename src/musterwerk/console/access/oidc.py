"""Logging in with a company's own accounts: OpenID Connect, authorization code flow with PKCE.

What one log-in has to remember follows from one secret, which is in the browser's cookie alone:
state, nonce and PKCE verifier. Nothing is kept here, so any process of ours may take the answer.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri  # pyright: ignore
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # pyright: ignore
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from musterwerk.console.access.settings import Provider
from musterwerk.notify.trust import trusted

_SECONDS = 5.0
_SCOPE = "openid profile email"
#: Signatures with the provider's own key only; never "none", nor a secret that two know.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
#: Clocks differ.
_LEEWAY = 60
#: What a provider says of itself is asked for again after so long; its keys at each log-in.
_KEPT = timedelta(minutes=10)


class ProviderAway(Exception):
    """It does not answer, or not as a provider does. The reason is for the log."""


class NotProven(Exception):
    """It answered, and that proves nobody's identity. The reason is for the log."""


@dataclass(frozen=True)
class Trip:
    """One way to the provider and back."""

    secret: str

    @property
    def state(self) -> str:
        return self._derived("state")

    @property
    def nonce(self) -> str:
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        return self._derived("verifier")

    def _derived(self, use: str) -> str:
        found = hmac.digest(self.secret.encode("utf-8", "replace"), use.encode(), sha256)
        return base64.urlsafe_b64encode(found).rstrip(b"=").decode()


@dataclass
class OidcClient:
    provider: Provider
    now: Callable[[], datetime]
    _about: tuple[datetime, Mapping[str, Any]] | None = field(default=None, init=False)

    async def address(self, trip: Trip, back: str) -> str:
        """Where the browser goes to; the answer comes to `back`. Raises `ProviderAway`."""
        async with _http() as http:
            about = await self._discovered(http)
        address = prepare_grant_uri(  # pyright: ignore
            _endpoint(about, "authorization_endpoint"),
            client_id=self.provider.client_id,
            response_type="code",
            redirect_uri=back,
            scope=_SCOPE,
            state=trip.state,
            nonce=trip.nonce,
            code_challenge=str(create_s256_code_challenge(trip.verifier)),  # pyright: ignore
            code_challenge_method="S256",
        )
        return str(address)  # pyright: ignore

    async def claims(self, code: str, trip: Trip, back: str) -> Mapping[str, Any]:
        """What the provider says of who logged in. Raises `ProviderAway` or `NotProven`."""
        async with _http() as http:
            about = await self._discovered(http)
            tokens = await self._tokens(http, about, code, trip, back)
            keys = await _document(http, "GET", _endpoint(about, "jwks_uri"))
            found = self._checked(tokens, keys, trip)
            if not self._complete(found) and "userinfo_endpoint" in about:
                found = {**await self._more(http, about, tokens, found), **found}
        return found

    async def _more(
        self,
        http: httpx.AsyncClient,
        about: Mapping[str, Any],
        tokens: Mapping[str, Any],
        found: Mapping[str, Any],
    ) -> Mapping[str, Any]:
        """What only the user info says. It may be away where the token names somebody already."""
        headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
        address = _endpoint(about, "userinfo_endpoint")
        try:
            more = await _document(http, "GET", address, headers=headers)
        except ProviderAway:
            if set(self.provider.claims) & set(found):
                return {}
            raise
        if more.get("sub") != found["sub"]:
            raise NotProven("the user info is of somebody else")
        if more.get("email") != found.get("email", more.get("email")):
            more.pop("email_verified", None)  # that is said of another mail
        return more

    def _complete(self, found: Mapping[str, Any]) -> bool:
        """Whether all claims are there that name somebody."""
        wanted = set(self.provider.claims)
        return wanted <= set(found) and ("email" not in wanted or "email_verified" in found)

    async def _discovered(self, http: httpx.AsyncClient) -> Mapping[str, Any]:
        if self._about is not None and self.now() - self._about[0] < _KEPT:
            return self._about[1]
        issuer = self.provider.issuer
        address = issuer.rstrip("/") + "/.well-known/openid-configuration"
        about = await _document(http, "GET", address)
        if about.get("issuer") != issuer:
            raise ProviderAway(f"{address} is of the issuer {about.get('issuer')!r}")
        self._about = self.now(), about
        return about

    async def _tokens(
        self, http: httpx.AsyncClient, about: Mapping[str, Any], code: str, trip: Trip, back: str
    ) -> Mapping[str, Any]:
        ours = self.provider.client_id, self.provider.client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": back,
            "code_verifier": trip.verifier,
        }
        ways = about.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = not isinstance(ways, list) or "client_secret_basic" in ways
        if not basic:
            form |= {"client_id": ours[0], "client_secret": ours[1]}
        auth = httpx.BasicAuth(*ours) if basic else httpx.USE_CLIENT_DEFAULT
        return await _document(
            http, "POST", _endpoint(about, "token_endpoint"), data=form, auth=auth
        )

    def _checked(
        self, tokens: Mapping[str, Any], keys: Mapping[str, Any], trip: Trip
    ) -> Mapping[str, Any]:
        ours = self.provider
        try:
            token = jwt.decode(str(tokens.get("id_token")), _keys(keys), algorithms=_ALGORITHMS)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": ours.issuer},
                    "aud": {"essential": True, "value": ours.client_id},
                },
                params={
                    "nonce": trip.nonce,
                    "client_id": ours.client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(int(self.now().timestamp()), _LEEWAY)  # pyright: ignore
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise NotProven(f"the ID token: {type(error).__name__}: {error}") from error
        return token.claims


def _http() -> httpx.AsyncClient:
    headers = {"Accept": "application/json"}
    return httpx.AsyncClient(timeout=_SECONDS, headers=headers, verify=trusted())


async def _document(
    http: httpx.AsyncClient, method: str, address: str, **more: Any
) -> dict[str, Any]:
    """Raises `NotProven` where the provider says no, `ProviderAway` where it says nothing."""
    try:
        answer = await http.request(method, address, **more)
        found: object = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProviderAway(f"{address}: {type(error).__name__}: {error}") from error
    document = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    if 400 <= answer.status_code < 500 and method == "POST":
        raise NotProven(f"{address}: {answer.status_code} {str(document.get('error'))[:100]!r}")
    if answer.status_code != 200 or not document:
        raise ProviderAway(f"{address}: {answer.status_code}")
    return document


def _endpoint(about: Mapping[str, Any], name: str) -> str:
    found = about.get(name)
    if not isinstance(found, str):
        raise ProviderAway(f"the provider names no {name}")
    return found


def _keys(document: Mapping[str, Any]) -> KeySet:
    """Those that sign; a provider may have others for other uses."""
    found = document.get("keys")
    given = cast("list[object]", found) if isinstance(found, list) else []
    several = [cast("dict[str, Any]", one) for one in given if isinstance(one, dict)]
    signing = [
        one
        for one in several
        if one.get("kty") in ("RSA", "EC", "OKP") and one.get("use", "sig") == "sig"
    ]
    return KeySet.import_key_set(cast("KeySetSerialization", {"keys": signing}))
