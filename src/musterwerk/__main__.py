"""`python -m musterwerk` is the `musterwerk` command."""

from __future__ import annotations

from musterwerk.cli.main import main

main()
