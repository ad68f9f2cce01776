"""The auditor: do the services' books agree with each other and with what was ordered?

Plain SQL over every database and the mailbox, and arithmetic of its own. It shares nothing with
the workflow or the services, so that no mistake of theirs can hide in it.
"""

from __future__ import annotations

from musterwerk.shop.books.auditing import Audit, audit

__all__ = ["Audit", "audit"]
