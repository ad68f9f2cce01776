"""Verifying the audit trail: pure rules over its lines, and a shell that reads them.

Repeats, on purpose, nothing of the code that writes but the spelling of a hash.
"""

from __future__ import annotations

from musterwerk.store.auditing.export import export
from musterwerk.store.auditing.reading import verify
from musterwerk.store.auditing.verdict import Asked, Deviation, Retained, Verdict

__all__ = ["Asked", "Deviation", "Retained", "Verdict", "export", "verify"]
