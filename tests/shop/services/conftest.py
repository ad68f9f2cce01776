from __future__ import annotations

import mailbox
import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from musterwerk.shop.services.inventory import api as inventory_api
from musterwerk.shop.services.mail import api as mail_api
from musterwerk.shop.services.mail.postman import Postman
from musterwerk.shop.services.payment import api as payment_api
from musterwerk.shop.services.shipping import api as shipping_api
from tests.shop.services.harness import SLOW, Process, Running, process, service

STOCK = {"CD-1": 5, "CD-2": 1}


@pytest.fixture
def inventory(tmp_path: Path) -> Generator[Running, None, None]:
    with service(inventory_api.create(tmp_path, STOCK)) as running:
        yield running


@pytest.fixture
def payment(tmp_path: Path) -> Generator[Running, None, None]:
    with service(payment_api.create(tmp_path)) as running:
        yield running


@pytest.fixture
def shipping(tmp_path: Path) -> Generator[Running, None, None]:
    with service(shipping_api.create(tmp_path)) as running:
        yield running


@pytest.fixture(scope="session")
def smtp_process(tmp_path_factory: pytest.TempPathFactory) -> Generator[Process, None, None]:
    with process("musterwerk.shop.smtp", tmp_path_factory.mktemp("smtp")) as started:
        yield started


@pytest.fixture
def smtp(smtp_process: Process) -> Process:
    """The catching mail server, with nothing caught yet."""
    with socket.create_connection(("127.0.0.1", smtp_process.port), timeout=SLOW) as connection:
        connection.recv(200)  # it is up once it has greeted
    mailbox.Maildir(smtp_process.data / "mailbox").clear()
    return smtp_process


@pytest.fixture
def mail(tmp_path: Path, smtp: Process) -> Generator[Running, None, None]:
    with service(mail_api.create(tmp_path, Postman("127.0.0.1", smtp.port, SLOW))) as running:
        yield running
