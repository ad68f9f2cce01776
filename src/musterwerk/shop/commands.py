"""What the shop adds to `musterwerk`: `demo`, `shop order|show|cancel`, and its part of `dev`."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import ValidationError
from rich.console import Console

from musterwerk import schedules
from musterwerk.cli import (
    AddressOption,
    DataOption,
    DevContext,
    Format,
    Output,
    OutputOption,
    run,
)
from musterwerk.cli.address import DEFAULT_DATA
from musterwerk.errors import UsageError
from musterwerk.shop import cdnow
from musterwerk.shop.client import DeskClient, desk_url
from musterwerk.shop.demo.plan import DemoOptions
from musterwerk.shop.demo.report import DemoReport, show
from musterwerk.shop.demo.run import run as run_demo
from musterwerk.shop.model import Order
from musterwerk.shop.reconciliation import schedule as reconciliation
from musterwerk.shop.release import ReleaseRules
from musterwerk.shop.stack import Stack, StackOptions
from musterwerk.shop.staff import hire
from musterwerk.store import Store, database_url

#: What the warehouse of `musterwerk dev` starts with, of every article.
DEV_STOCK = 1000

N = TypeVar("N", int, float)

UrlOption = Annotated[
    str | None, typer.Option("--url", help="Address of the orders service; else from DATA.")
]


def register(app: typer.Typer) -> None:
    app.command("demo")(demo)
    shop = typer.Typer(help="Order at the running desk.", no_args_is_help=True)
    shop.command("order")(order)
    shop.command("show")(show_order)
    shop.command("cancel")(cancel)
    app.add_typer(shop, name="shop")


@asynccontextmanager
async def dev_part(context: DevContext) -> AsyncGenerator[Mapping[str, str]]:
    """The order desk in `musterwerk dev`, with a warehouse that has plenty, and its managers."""
    options = StackOptions(
        data=context.data,
        server=context.target,
        stock=dict.fromkeys(cdnow.CATALOGUE, DEV_STOCK),
        release=ReleaseRules.from_environment(),
    )
    if context.add_people:
        await asyncio.to_thread(_hire, context.data)
    async with Stack(options) as stack:
        for process in stack.processes:
            context.watch(process)
        await schedules.apply(await context.target.connect(), reconciliation(), set_name="shop")
        yield {name.capitalize(): url for name, url in stack.urls.items()}


def _hire(data: Path) -> None:
    store = Store(database_url(data))
    try:
        hire(store)
    finally:
        store.close()


def demo(
    orders: Annotated[int, typer.Option(help="How many of the 6,919 real orders.")] = 300,
    seed: Annotated[int, typer.Option(help="Repeats a run: faults, stock, cancellations.")] = 7,
    faults: Annotated[
        float, typer.Option(help="Share of requests with a failure, 0 to 0.9.")
    ] = 0.2,
    cancel: Annotated[float, typer.Option(help="Share of orders that are cancelled.")] = 0.03,
    workers: Annotated[int, typer.Option(help="Worker processes.")] = 2,
    kill_workers: Annotated[int, typer.Option(help="How many are killed in the middle.")] = 1,
    broken_refunds: Annotated[
        int, typer.Option(help="Orders whose refund gets stuck until an operator resolves it.")
    ] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Empty folder for the databases; else a fresh one.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report as JSON here.")] = None,
    address: AddressOption = None,
    output: OutputOption = Format.table,
) -> None:
    """Run real orders through the order desk, with failures injected, and audit the books.

    Uses a Temporal server of its own in a fresh folder, whatever the environment says, unless
    --address names one. Exits with 0 when every order came to an end and the books balance.
    """
    if report is not None and not report.absolute().parent.is_dir():
        raise UsageError(f"{report} cannot be written: there is no such folder")
    options = DemoOptions(
        orders=_within("--orders", orders, 1, cdnow.TOTAL),
        seed=seed,
        faults=_within("--faults", faults, 0, 0.9),
        cancel=_within("--cancel", cancel, 0, 1),
        workers=_within("--workers", workers, 1, 16),
        kill_workers=_within("--kill-workers", kill_workers, 0, orders),
        broken_refunds=_within("--broken-refunds", broken_refunds, 0, orders),
        address=address,
        data=_fresh(data),
    )
    messages = Console(stderr=True)
    messages.print(f"Data and logs: {options.data}", highlight=False, markup=False)
    result = run(run_demo(options, messages))
    if report is not None:
        report.write_text(result.json() + "\n", "utf-8")
    _print(result, output)
    if not result.good:
        raise typer.Exit(1)


def order(
    file: Annotated[str, typer.Argument(help="The order as JSON; - reads it from stdin.")],
    url: UrlOption = None,
    data: DataOption = DEFAULT_DATA,
    output: OutputOption = Format.table,
) -> None:
    """Place an order. Placing the same file again orders nothing twice."""
    wanted = _order(file)
    _tell(DeskClient(desk_url(url, data)).place(wanted), output)


def show_order(
    order_id: str,
    url: UrlOption = None,
    data: DataOption = DEFAULT_DATA,
    output: OutputOption = Format.table,
) -> None:
    """Show how an order stands."""
    _tell(DeskClient(desk_url(url, data)).show(order_id), output)


def cancel(
    order_id: str,
    url: UrlOption = None,
    data: DataOption = DEFAULT_DATA,
    output: OutputOption = Format.table,
) -> None:
    """Ask that an order be cancelled; refused once the parcel is being handed over."""
    _tell(DeskClient(desk_url(url, data)).cancel(order_id), output)


def _order(file: str) -> Order:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the order from {file}: {error}") from error
    try:
        return Order.model_validate_json(text)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, flaw['loc'])) or 'the order'}: {flaw['msg']}"
            for flaw in error.errors(include_url=False)
        ]
        raise UsageError("\n".join([f"{file} is not an order:", *lines])) from error


def _fresh(data: Path | None) -> Path:
    if data is None:
        return Path(tempfile.mkdtemp(prefix="musterwerk-demo-"))
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise UsageError(f"{data} is not an empty folder; the demo starts with fresh books")
    return data.absolute()


def _within(option: str, value: N, low: float, high: float) -> N:
    if not low <= value <= high:
        raise UsageError(f"{option} is {value}; choose between {low} and {high}")
    return value


def _print(result: DemoReport, output: Format) -> None:
    if output is Format.json:
        sys.stdout.write(result.json() + "\n")
    else:
        show(result, Console())


def _tell(answer: dict[str, Any], output: Format) -> None:
    out = Output(output)
    if out.machine:
        out.json(answer)
        return
    for name, value in answer.items():
        if value is not None:
            out.text(f"{name.replace('_', ' ')}: {value}")
