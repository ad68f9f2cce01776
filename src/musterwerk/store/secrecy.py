"""How a secret is kept: whoever reads the database, or a copy of it, cannot use what is there.

A plain hash will do for what 32 random bytes were made into; passwords need more
(`console/access/hashing.py`).
"""

from __future__ import annotations

from hashlib import sha256


def hash_of(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
