"""The web application: what people and programs do to requests over HTTP.

Needs `pip install "musterwerk[console]"`.
"""

from __future__ import annotations

from musterwerk.console.app import create_app
from musterwerk.console.services import Services

__all__ = ["Services", "create_app"]
