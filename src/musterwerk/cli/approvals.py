"""`musterwerk approvals`: requests for approval, from the command line."""

from __future__ import annotations

import typer

from musterwerk.cli import approvals_simulate

app = typer.Typer(help="Approvals: try a policy before people are asked.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """One command alone would otherwise be the group itself."""


def register(main: typer.Typer) -> None:
    app.command("simulate")(approvals_simulate.simulate)
    main.add_typer(app, name="approvals")
