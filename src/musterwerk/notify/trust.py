"""Whom we believe on the other end of TLS: the authorities that httpx brings along."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """Read once a process: it takes 50 ms of computing, which every client made would cost."""
    return httpx.create_ssl_context()
