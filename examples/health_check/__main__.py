"""A service that is well, down, still down, and well again: two messages."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from examples.clock import Clock, declared
from examples.health_check.checking import Checker
from examples.health_check.workflow import Health, HealthCheckWorkflow
from examples.outbox import Outbox
from examples.running import play
from musterwerk.notify import Webhook


class Service:
    """Answers with `answers` in turn, then with `status`; what is posted is kept in `told`."""

    def __init__(self) -> None:
        self.status, self.url = 200, ""
        self.answers: list[int] = []
        self.told: list[str] = []


@contextmanager
def service() -> Generator[Service]:
    kept = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(kept.answers.pop(0) if kept.answers else kept.status)
            self.end_headers()

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.told.append("up" if said["up"] else "down")
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serving(client: Client, threads: ThreadPoolExecutor, checker: Checker) -> Worker:
    return Worker(
        client,
        task_queue="monitoring",
        workflows=[HealthCheckWorkflow],
        activities=[checker.check, checker.tell_change],
        activity_executor=threads,
    )


async def main(client: Client, folder: Path) -> None:
    clock = Clock(client)
    with service() as shop, ThreadPoolExecutor(2) as threads:
        outbox = Outbox(folder / "outbox.sqlite", [Webhook(shop.url)])
        async with serving(client, threads, Checker(outbox)):
            every_five = declared("health-check", args=({"shop": shop.url},))
            await clock.apply(every_five)
            for shop.status in (200, 503, 503, 200):
                found = await (await clock.trigger(every_five, Health)).result()
                up = found.services["shop"].up
                print(f"{shop.status}: {'up' if up else 'down'}, told so far: {shop.told}")


if __name__ == "__main__":
    play(main)
