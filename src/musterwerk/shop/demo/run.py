"""The demo from the first process to the last: start, feed, kill, wait, audit."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NoReturn, cast

import httpx
from rich.console import Console
from temporalio.client import Client

from musterwerk.cli.worker import start_worker
from musterwerk.runtime.connection import Target
from musterwerk.runtime.processes import ManagedProcess, ProcessDied
from musterwerk.runtime.server import EmbeddedServer
from musterwerk.shop import books
from musterwerk.shop.demo.approvers import Approvers
from musterwerk.shop.demo.auditor import Auditor
from musterwerk.shop.demo.console import DemoConsole
from musterwerk.shop.demo.feed import Customers
from musterwerk.shop.demo.operator import CommandLine, Operator, demo_environment
from musterwerk.shop.demo.plan import DemoOptions, Plan, draw
from musterwerk.shop.demo.reconciler import Reconciled, Reconciler
from musterwerk.shop.demo.report import DemoReport
from musterwerk.shop.demo.settling import dead_letters, quiet
from musterwerk.shop.demo.tally import Tally
from musterwerk.shop.names import TASK_QUEUE, musterwerk_queue
from musterwerk.shop.stack import FAULTY, Stack, StackOptions
from musterwerk.shop.staff import hire, log_in
from musterwerk.store import Store, database_url

#: Every price in the file is in dollars.
CURRENCY = "USD"
NOTHING = dict.fromkeys(("captured", "refunded", "kept", "owed_for_fulfilled"), "0.00")

#: What failed because a process died is told as that death, if it shows within these seconds.
_CAUSE_WITHIN = 1.0


async def run(options: DemoOptions, console: Console) -> DemoReport:
    async with AsyncExitStack() as closing:
        # On a server that others use too, the names are this run's own.
        suffix = f"-{secrets.token_hex(3)}" if options.address is not None else ""
        plan = draw(options, suffix)
        target, server = await _server(options, closing)
        stack = await closing.enter_async_context(
            Stack(
                StackOptions(
                    data=options.data,
                    server=target,
                    stock=plan.stock,
                    seed=options.seed,
                    faults=options.faults,
                    broken_refunds=plan.broken_refunds,
                    release=plan.release,
                    workers=options.workers,
                    task_queue=TASK_QUEUE + suffix,
                )
            )
        )
        tokens = await asyncio.to_thread(_hire, options.data)
        queue = musterwerk_queue(TASK_QUEUE + suffix)
        ours = await start_worker(
            options.data, target, task_queue=queue, env=demo_environment(target)
        )
        closing.push_async_callback(ours.stop)
        office = DemoConsole(options.data, target, queue)
        closing.push_async_callback(office.stop)
        await office.start()
        approvers = Approvers(office, tokens, plan.ways, options.seed)
        http = await closing.enter_async_context(
            httpx.AsyncClient(base_url=stack.urls["orders"], timeout=15)
        )
        temporal = await target.connect()
        with Tally(len(plan.orders), console) as tally:
            reconciler = Reconciler(temporal, TASK_QUEUE + suffix, suffix)
            demo = _Demo(options, plan, stack, tally, http, temporal, approvers, reconciler)
            deaths = [stack.died(), office.died(), _died(ours)]
            if server is not None:
                deaths.append(_died(server))
            return await _unless_one_dies(deaths, demo.play())


def _hire(data: Path) -> dict[str, str]:
    """Everybody's token."""
    store = Store(database_url(data, {}))
    try:
        hire(store)
        return log_in(store)
    finally:
        store.close()


async def _server(
    options: DemoOptions, closing: AsyncExitStack
) -> tuple[Target, ManagedProcess | None]:
    """A server of its own, or the one that was named."""
    if options.address is not None:
        return Target(options.address), None
    server = await closing.enter_async_context(EmbeddedServer(options.data, ui=False))
    return Target(server.address, server.namespace, isolated=True), server.process


async def _unless_one_dies(
    deaths: Sequence[Coroutine[Any, Any, NoReturn]], work: Coroutine[Any, Any, DemoReport]
) -> DemoReport:
    playing = asyncio.create_task(work)
    watching = [asyncio.create_task(death) for death in deaths]
    try:
        await asyncio.wait((playing, *watching), return_when=asyncio.FIRST_COMPLETED)
        if playing.done() and playing.exception() is not None:
            await asyncio.wait(watching, timeout=_CAUSE_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        for watch in watching:
            if watch.done():
                await watch
        return await playing
    except ExceptionGroup as several:
        raise _first(several) from several
    finally:
        for task in (playing, *watching):
            task.cancel()
        await asyncio.gather(playing, *watching, return_exceptions=True)


async def _died(process: ManagedProcess) -> NoReturn:
    await process.wait()
    raise ProcessDied(process)


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """What went wrong first; the other tasks of the group were cancelled for it."""
    error = group.exceptions[0]
    if isinstance(error, ExceptionGroup):
        return _first(cast("ExceptionGroup[Exception]", error))
    return error


class _Demo:
    def __init__(
        self,
        options: DemoOptions,
        plan: Plan,
        stack: Stack,
        tally: Tally,
        http: httpx.AsyncClient,
        temporal: Client,
        approvers: Approvers,
        reconciler: Reconciler,
    ) -> None:
        self._reconciler = reconciler
        self._options = options
        self._plan = plan
        self._stack = stack
        self._tally = tally
        self._http = http
        self._temporal = temporal
        self._operator = Operator(
            CommandLine(stack.options.server), options.data, http, stack.urls["payment"]
        )
        self._auditor = Auditor(
            stack.options.server, options.data, musterwerk_queue(stack.options.task_queue)
        )
        self._approvers = approvers
        self._kills = 0

    async def play(self) -> DemoReport:
        began = time.monotonic()
        await self._reconciler.begin()
        try:
            async with asyncio.timeout(self._options.deadline):
                await self._orders()
        except TimeoutError:
            self._tally.note(
                f"{self._options.deadline:g} s are over and orders are open: "
                f"{', '.join(self._open()) or 'none, but a service is not quiet'}"
            )
        seconds = time.monotonic() - began
        letters, silent = await dead_letters(self._temporal, self._tally.posted_orders())
        if silent:
            self._tally.note(f"dead letters unknown, they do not answer: {', '.join(silent)}")
        reconciled = await self._reconciler.end()
        # A request that is on its way when a worker is asked to stop still arrives.
        await self._stack.stop_workers()
        faults, busy = await quiet(self._http, {name: self._stack.urls[name] for name in FAULTY})
        await self._auditor.verify()
        return self._report(seconds, letters, faults, busy, reconciled)

    async def _orders(self) -> None:
        customers = Customers(
            self._plan, self._http, self._temporal, self._tally, self._options.at_once
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(customers.all())
            group.create_task(self._kill_workers())
            group.create_task(self._resolve())
            group.create_task(self._approvers.decide_all(lambda: not self._open()))

    async def _kill_workers(self) -> None:
        for ended in self._plan.kill_after:
            await self._tally.until_ended(ended)
            await self._stack.kill_worker()
            self._kills += 1
            self._tally.note(f"killed a worker after {ended} orders and started another")

    async def _resolve(self) -> None:
        stuck = self._plan.broken_refunds
        if not stuck:
            return
        await self._tally.until_ended(len(self._plan.orders) - len(stuck))
        self._tally.note(f"{len(stuck)} refunds are stuck; the operator sees to them")
        await self._operator.resolve(stuck)

    def _report(
        self,
        seconds: float,
        letters: int,
        faults: Counter[str],
        busy: Sequence[str],
        reconciled: Reconciled,
    ) -> DemoReport:
        audit = books.audit(self._options.data, told=self._tally.outcomes())
        counts = self._tally.counts
        violations = [*busy, *self._approvers.violations, *audit.violations]
        violations += reconciled.violations()
        violations += self._auditor.violations(sum(audit.approvals.values()))
        return DemoReport(
            orders=len(self._plan.orders),
            fulfilled=counts["fulfilled"],
            failed=counts["failed"],
            cancelled=counts["cancelled"],
            open=len(self._open()),
            open_orders=self._open(),
            dead_letters=letters,
            dead_letter_account=self._operator.account,
            approvals=audit.approvals,
            refunds_by_hand=sum(map(len, audit.refunds_by_hand.values())),
            faults_injected=dict(sorted(faults.items())),
            worker_kills=self._kills,
            console_kills=self._approvers.kills,
            stock=audit.stock,
            money=audit.money.get(CURRENCY, NOTHING) | {"currency": CURRENCY},
            mails=audit.mails,
            audit_trail=self._auditor.account(),
            reconciliation=reconciled.figures(),
            violations=violations,
            seconds=round(seconds, 2),
            orders_per_second=round(len(self._plan.orders) / seconds, 2),
            seed=self._options.seed,
            faults=self._options.faults,
            data=str(self._options.data),
        )

    def _open(self) -> list[str]:
        ended = set(self._tally.ended_orders())
        return [o.order_id for o in self._plan.orders if o.order_id not in ended]
