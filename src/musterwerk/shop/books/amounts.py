"""Units and smallest units of money, written for people."""

from __future__ import annotations

from collections.abc import Mapping

NO_DECIMALS = frozenset({"JPY"})


def units(counts: Mapping[str, int]) -> str:
    parts = [f"{number} x {sku}" for sku, number in sorted(counts.items()) if number]
    return ", ".join(parts) or "nothing"


def sums(amounts: Mapping[str, int]) -> str:
    parts = [money(cents, currency) for currency, cents in sorted(amounts.items()) if cents]
    return ", ".join(parts) or "nothing"


def money(cents: int, currency: str) -> str:
    return f"{digits(cents, currency)} {currency}"


def digits(cents: int, currency: str) -> str:
    if currency in NO_DECIMALS:
        return str(cents)
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02}"
