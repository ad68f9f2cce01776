"""An AsyncSession uses the ledger by run_sync."""

from __future__ import annotations

import pytest

pytest.importorskip("greenlet", reason="SQLAlchemy's AsyncSession needs greenlet: not installed")

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from musterwerk.errors import UsageError
from musterwerk.saga import effects
from tests.databases import Database
from tests.saga.effects.bank import Bank


async def test_an_async_session_runs_it_in_run_sync(postgres: Database) -> None:
    """Record and effect are in the async transaction, and its autocommit is noticed as well."""
    bank = Bank(postgres.engine())
    engine = create_async_engine(postgres.url)
    async with engine.begin() as connection:
        await connection.run_sync(effects.create_tables)

    def charge(session: Session) -> dict[str, int]:
        return bank.charge(session, "k")

    async with AsyncSession(engine) as session:
        await session.run_sync(charge)  # never committed
    assert bank.state("k") is None
    for _ in range(2):
        async with AsyncSession(engine) as session, session.begin():
            assert (await session.run_sync(charge))["cents"] == 500
    async with AsyncSession(engine.execution_options(isolation_level="AUTOCOMMIT")) as session:
        with pytest.raises(UsageError, match="autocommit mode"):
            await session.run_sync(charge)
    await engine.dispose()
    assert bank.booked("k") == [500]
