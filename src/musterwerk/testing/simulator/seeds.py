"""What is random in a run, made from a seed; and the seed that Temporal makes of a run's id."""

from __future__ import annotations

import random
import uuid
from functools import lru_cache

_MASK = 0xFFFF_FFFF_FFFF_FFFF


# Simulations with the same seed have the same ids: most of them are computed once only.
_remembered = lru_cache(maxsize=4096)


class Ids:
    """Run ids that are the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.given = 0

    def run_id(self) -> str:
        self.given += 1
        return _run_id(self._seed, self.given)


@_remembered
def _run_id(seed: int, number: int) -> str:
    source = random.Random(f"{seed}/{number}")  # noqa: S311 - to be repeatable is the point
    return str(uuid.UUID(int=source.getrandbits(128), version=4))


@_remembered
def randomness_seed(run_id: str) -> int:
    """SipHash-1-3 with a zero key, over the id and 0xff: how Temporal's core seeds a workflow."""
    data = run_id.encode() + b"\xff"
    v0, v1 = 0x736F_6D65_7073_6575, 0x646F_7261_6E64_6F6D
    v2, v3 = 0x6C79_6765_6E65_7261, 0x7465_6462_7974_6573
    whole = len(data) // 8 * 8
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(0, whole, 8)]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    v2 ^= 0xFF
    for _ in range(3):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


def _round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 = (v0 + v1) & _MASK
    v1 = ((v1 << 13 | v1 >> 51) & _MASK) ^ v0
    v0 = (v0 << 32 | v0 >> 32) & _MASK
    v2 = (v2 + v3) & _MASK
    v3 = ((v3 << 16 | v3 >> 48) & _MASK) ^ v2
    v0 = (v0 + v3) & _MASK
    v3 = ((v3 << 21 | v3 >> 43) & _MASK) ^ v0
    v2 = (v2 + v1) & _MASK
    v1 = ((v1 << 17 | v1 >> 47) & _MASK) ^ v2
    v2 = (v2 << 32 | v2 >> 32) & _MASK
    return v0, v1, v2, v3
