"""Telling people: by mail and by webhook. Knows neither Temporal nor what the message is about.

Each message has a key of its own; a repeat has the same key, so that a receiver can tell.
Needs `pip install "musterwerk[worker]"`.
"""

from __future__ import annotations

from musterwerk.notify.mail import Mailbox, MailServer
from musterwerk.notify.message import Message
from musterwerk.notify.settings import Language, Settings
from musterwerk.notify.webhook import Webhook

__all__ = ["Language", "MailServer", "Mailbox", "Message", "Settings", "Webhook"]
