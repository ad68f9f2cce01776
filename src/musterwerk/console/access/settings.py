"""Who may come in, and by which door: from the environment, checked before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from musterwerk.errors import UsageError

_OIDC = "MUSTERWERK_OIDC_"
_LOCAL = "MUSTERWERK_LOCAL_LOGIN"
_PROXIES = "MUSTERWERK_PROXIES"
_NEEDED = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
_MORE = ("NAME", "CLAIM")


@dataclass(frozen=True)
class Provider:
    """Where a company keeps its accounts (OpenID Connect).

    `claims` name the person: each is somebody's id, but for `email`, which is their mail.
    """

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str = ""
    claims: tuple[str, ...] = ("preferred_username", "email")


@dataclass(frozen=True)
class AccessSettings:
    """`proxies` are believed when they say for whom they ask, and whether that was by TLS."""

    provider: Provider | None = None
    local: bool = True
    proxies: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> AccessSettings:
        """Raises `UsageError` that names the variable and what is expected of it."""
        given = {name: value.strip() for name, value in environ.items() if value.strip()}
        provider = _provider(given)
        local = given.get(_LOCAL, "on").lower()
        if local not in ("on", "off"):
            raise UsageError(f"{_LOCAL} is {local!r}; on or off is expected")
        if local == "off" and provider is None:
            raise UsageError(f"{_LOCAL} is off, so nobody could log in; set {_OIDC}ISSUER too")
        return cls(provider, local == "on", _proxies(given.get(_PROXIES, "")))


def is_this_machine(host: str | None) -> bool:
    if host is None or host == "localhost" or host.endswith(".localhost"):
        return host is not None
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _provider(given: Mapping[str, str]) -> Provider | None:
    found = {name: given[_OIDC + name] for name in (*_NEEDED, *_MORE) if _OIDC + name in given}
    if not found:
        return None
    if missing := [_OIDC + name for name in _NEEDED if name not in found]:
        raise UsageError(f"log-in by OIDC also needs {' and '.join(missing)}")
    issuer = found["ISSUER"]
    if not _is_issuer(issuer):
        raise UsageError(f"{_OIDC}ISSUER: {issuer!r}; https://HOST, as the provider spells it")
    claims = (found["CLAIM"],) if "CLAIM" in found else Provider.claims
    return Provider(
        issuer, found["CLIENT_ID"], found["CLIENT_SECRET"], found.get("NAME", ""), claims
    )


def _is_issuer(text: str) -> bool:
    """What it says travels by TLS; on this machine it may do without."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_this_machine(parts.hostname))
    return bool(safe and parts.hostname) and not (parts.query or parts.fragment or parts.username)


def _proxies(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    for one in found:
        try:
            size = ip_network(one).prefixlen
        except ValueError:
            size = 0
        if size == 0:  # "*" and 0.0.0.0/0 too: then everybody could say that they are anybody
            raise UsageError(
                f"{_PROXIES}: {one!r} is neither an address nor a network (10.0.0.0/8)"
            )
    return found
