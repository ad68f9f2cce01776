"""What the demo says at its end: JSON for machines, words and a table for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from musterwerk.shop.demo.operator import Resolved


@dataclass(frozen=True)
class DemoReport:
    """`docs/shop.md` explains every field."""

    orders: int
    fulfilled: int
    failed: int
    cancelled: int
    open: int
    open_orders: list[str]
    dead_letters: int
    dead_letter_account: list[Resolved]
    refunds_by_hand: int
    approvals: Mapping[str, int]
    faults_injected: Mapping[str, int]
    worker_kills: int
    console_kills: int
    stock: Mapping[str, int]
    money: Mapping[str, str]
    mails: Mapping[str, int]
    audit_trail: Mapping[str, int | bool]
    reconciliation: Mapping[str, int]
    violations: list[str]
    seconds: float
    orders_per_second: float
    seed: int
    faults: float
    data: str

    @property
    def good(self) -> bool:
        return not self.violations and self.open == 0

    def json(self) -> str:
        return json.dumps(asdict(self), indent=2)


def in_words(report: DemoReport) -> str:
    injected = sum(report.faults_injected.values())
    lines = [
        f"{report.orders} real orders in {report.seconds:.1f} s "
        f"({report.orders_per_second:.1f} orders/s): {report.fulfilled} fulfilled, "
        f"{report.failed} failed and undone, {report.cancelled} cancelled, {report.open} open.",
        f"{injected} failures of {len(report.faults_injected)} kinds were injected, and "
        f"{report.worker_kills} worker(s) and {report.console_kills} console(s) killed in the "
        "middle.",
        f"{sum(report.approvals.values())} orders waited for a manager before they could ship: "
        + ", ".join(f"{number} {state}" for state, number in report.approvals.items())
        + ".",
    ]
    currency = report.money["currency"]
    if report.violations:
        lines.append(f"The books do NOT balance: {len(report.violations)} violation(s).")
        lines += [f"  - {violation}" for violation in report.violations]
    else:
        lines.append(
            f"The books balance: {report.stock['shipped']} CDs shipped, "
            f"{report.money['kept']} {currency} kept for {report.money['owed_for_fulfilled']} "
            f"{currency} owed, nothing reserved, nobody told twice."
        )
    trail = report.audit_trail
    if trail["intact"]:
        lines.append(
            f"The audit trail is intact: {trail['lines']} lines, {trail['sealed']} of them sealed, "
            f"verified with {trail['requests_compared']} requests as Temporal knows them."
        )
    else:
        lines.append("The audit trail could NOT be verified.")
    nightly = report.reconciliation
    lines.append(
        f"Payments, stock and shipments were compared {nightly['runs']} times while it ran; the "
        f"last time {nightly['orders']} orders, with {nightly['discrepancies']} discrepancies."
    )
    lines += _resolved(report.dead_letter_account)
    if report.open_orders:
        lines.append(f"Still open: {', '.join(report.open_orders)}.")
    lines.append(f"The databases stay in {report.data}; docs/shop.md has queries for them.")
    return "\n".join(lines)


def _resolved(account: Sequence[Resolved]) -> Iterator[str]:
    if not account:
        return
    retried = sum(one.action == "retry" for one in account)
    yield (
        f"{len(account)} refund(s) got stuck and were resolved by an operator: {retried} repaired "
        f"and tried again, {len(account) - retried} made by hand."
    )
    for one in account:
        yield (
            f"  - {one.order_id}, undo of {one.step}: {one.error}; resolved by {one.resolved_by} "
            f"({one.action}): {one.reason}."
        )


def table(report: DemoReport) -> Table:
    grid = Table(title="The order desk", title_justify="left", show_header=False)
    grid.add_column("what")
    grid.add_column("how many", justify="right")
    sections: Mapping[str, Mapping[str, object]] = {
        "orders": {
            name: getattr(report, name) for name in ("fulfilled", "failed", "cancelled", "open")
        },
        "stock": report.stock,
        "money": {k: v for k, v in report.money.items() if k != "currency"},
        "approvals": report.approvals,
        "mails": report.mails,
        "faults": report.faults_injected,
        "": {
            "workers killed": report.worker_kills,
            "consoles killed": report.console_kills,
            "dead letters": report.dead_letters,
            "resolved": len(report.dead_letter_account),
        },
    }
    for title, rows in sections.items():
        for name, value in rows.items():
            grid.add_row(f"{title} {name.replace('_', ' ')}".strip(), str(value))
        grid.add_section()
    return grid


def show(report: DemoReport, console: Console) -> None:
    console.print(table(report))
    console.print(in_words(report), highlight=False, markup=False)
