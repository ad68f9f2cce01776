"""Passwords against their hashes: Argon2id with the parameters of RFC 9106 (low memory)."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from musterwerk.errors import UsageError
from musterwerk.store.passwords import PasswordTable

#: NIST SP 800-63B: length counts, rules of composition do not.
SHORTEST, LONGEST = 10, 1000
_hasher = PasswordHasher()


def hashed(password: str) -> str:
    """Raises `UsageError` where it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(
            f"a password has {SHORTEST} to {LONGEST} characters, and this one {len(password)}; "
            "choose another"
        )
    return _hasher.hash(password)


def is_right(table: PasswordTable, person: str, password: str) -> bool:
    """Takes as long for who does not exist, or has no password."""
    kept = table.hash_of(person)
    try:
        _hasher.verify(kept or _nobodys(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    if kept is None:
        return False
    if _hasher.check_needs_rehash(kept):
        table.refresh(person, kept, _hasher.hash(password))
    return True


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe(32))
