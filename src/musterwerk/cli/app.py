"""The Typer app: our commands, those of others, and what each kind of error means outside."""

from __future__ import annotations

import sys
import traceback
from importlib import import_module, metadata
from typing import Annotated

import typer
from temporalio.service import RPCError

from musterwerk.cli.extensions import add_commands
from musterwerk.errors import MusterwerkError, UsageError

#: Each is a module of this package, which is loaded when its command is wanted.
_COMMANDS = ("audit", "dev", "sagas", "schedules", "approvals", "people", "console", "worker")
FAILED = 1
USAGE = 2
_debug = False


def build(wanted: str | None = None) -> typer.Typer:
    """With the one command that is `wanted`, if it is ours; else with all there are.

    To load them all takes seconds on a small machine, for which nobody should wait at night.
    """
    app = typer.Typer(
        name="musterwerk",
        help="People decide, clocks trigger, failures undo: durable business processes.",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.callback()(_root)
    for command in (wanted,) if wanted in _COMMANDS else _COMMANDS:
        import_module(f"musterwerk.cli.{command}").register(app)
    if wanted not in _COMMANDS:
        add_commands(app)
    return app


def execute() -> int:
    """Run the command line that this process was given; returns its exit code."""
    try:
        # Before a command there may be options: `--help` is then about all of them.
        first = next((word for word in sys.argv[1:] if word != "--debug"), None)
        build(first)(prog_name="musterwerk")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except MusterwerkError as error:
        _report(f"musterwerk: {error}", error)
        return USAGE if isinstance(error, UsageError) else FAILED
    except RPCError as error:
        status = error.status.name.lower().replace("_", " ")
        _report(f"musterwerk: the Temporal server says: {error.message} ({status})", error)
        return FAILED
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        _report(f"musterwerk: unexpected {type(error).__name__}: {error}", error)
        if not _debug:
            sys.stderr.write("musterwerk: `musterwerk --debug ...` shows where it came from\n")
        return FAILED
    return 0


def _report(message: str, error: Exception) -> None:
    if _debug:
        traceback.print_exception(error)
    sys.stderr.write(message + "\n")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"musterwerk {metadata.version('musterwerk')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    global _debug  # one process, one command line
    _debug = debug
