"""Sessions in every state an application may hand over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, insert, text
from sqlalchemy.exc import InvalidRequestError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session
from sqlalchemy.orm import sessionmaker as maker

from musterwerk.errors import UsageError
from musterwerk.saga import effects
from tests.databases import Database
from tests.saga.effects.bank import Bank, Crash, never, post, postings


class Base(DeclarativeBase):
    pass


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(primary_key=True)
    cents: Mapped[int] = mapped_column(unique=True)


def test_autocommit_is_refused_before_anything_is_written(bank: Bank, database: Database) -> None:
    """There the record would be committed before its effect."""
    for engine in (
        database.engine(isolation_level="AUTOCOMMIT"),
        bank.engine.execution_options(isolation_level="AUTOCOMMIT"),
    ):
        for operation in (bank.charge, bank.refund):
            with Session(engine) as session, pytest.raises(UsageError, match="autocommit mode"):
                operation(session, "k")
    assert bank.state("k") is None


def test_no_transaction_and_none_allowed_is_refused(bank: Bank) -> None:
    session = Session(bank.engine, autobegin=False)
    with session, pytest.raises(InvalidRequestError, match="Autobegin is disabled"):
        bank.charge(session, "k")


@pytest.mark.parametrize("method", ["rollback", "close"])
def test_an_effect_that_ends_the_transaction_is_refused(bank: Bank, method: str) -> None:
    def ends_it() -> None:
        post(session, "k", 500)
        getattr(session, method)()

    with Session(bank.engine) as session:
        with pytest.raises(UsageError, match="rolled back or closed the session"):
            effects.do(session, "k", {}, ends_it)
        session.commit()
    assert (bank.booked("k"), bank.state("k")) == ([], None)


def test_a_connection_shared_by_two_sessions_notices_too(bank: Bank) -> None:
    """Bound to a connection, a session that was rolled back could write its record all the same."""
    with bank.engine.connect() as connection, Session(connection) as session:
        with pytest.raises(UsageError, match="rolled back or closed the session"):
            effects.do(session, "k", {}, session.rollback)
        session.rollback()
    assert bank.state("k") is None


def test_an_effect_that_cleans_up_and_raises_keeps_its_own_error(bank: Bank) -> None:
    def gives_up() -> None:
        session.rollback()
        raise Crash

    with Session(bank.engine) as session, pytest.raises(Crash):
        effects.do(session, "k", {}, gives_up)


def test_an_effect_that_runs_itself_is_told_so(bank: Bank) -> None:
    with (
        pytest.raises(UsageError, match="running in this very transaction"),
        Session(bank.engine) as session,
        session.begin(),
    ):
        effects.do(session, "k", {}, lambda: effects.do(session, "k", {}, never))
    assert bank.state("k") is None


def test_a_record_committed_half_way_stays_loud(bank: Bank) -> None:
    """Neither a replay of nothing nor a refund of nothing: somebody has to look."""

    def behind_the_sessions_back() -> None:
        session.connection().connection.driver_connection.commit()  # pyright: ignore[reportOptionalMemberAccess] -- it is connected
        raise Crash

    with Session(bank.engine) as session, pytest.raises((Crash, OperationalError)):
        effects.do(session, "k", {"cents": 500}, behind_the_sessions_back)
    for operation in (bank.charge_and_commit, bank.refund_and_commit):
        with pytest.raises(UsageError, match="committed it half way"):
            operation("k")


def test_orm_objects_are_effects_as_well(bank: Bank) -> None:
    """What the effect only added is flushed inside it: a violation belongs to `do`."""
    Base.metadata.create_all(bank.engine)

    def effect() -> dict[str, int]:
        session.add(Payment(cents=500))
        return {"cents": 500}

    with Session(bank.engine) as session, session.begin():
        effects.do(session, "first", {}, effect)
        with pytest.raises(Exception, match=r"(?i)unique"):
            effects.do(session, "second", {}, effect)
    assert (bank.state("first"), bank.state("second")) == ("done", None)


def test_a_scoped_session_is_a_session(bank: Bank) -> None:
    scoped: scoped_session[Session] = scoped_session(maker(bank.engine))
    effects.do(scoped, "k", {}, lambda: post(scoped, "k", 500))  # pyright: ignore[reportArgumentType] -- it only looks like one
    scoped.commit()
    scoped.remove()
    assert bank.booked("k") == [500]


def test_a_session_with_several_databases_keeps_the_ledger_where_it_is_bound(
    bank: Bank, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = create_engine(f"sqlite:///{tmp_path_factory.mktemp('other')}/other.sqlite")
    binds: dict[Any, Any] = {effects.effects: bank.engine, postings: bank.engine, Base: other}
    with Session(binds=binds) as session, session.begin():
        bank.charge(session, "k")
    other.dispose()
    assert (bank.booked("k"), bank.state("k")) == ([500], "done")


def test_other_databases_are_refused_by_name() -> None:
    engine = create_engine("sqlite://")
    engine.dialect.name = "oracle"
    with Session(engine) as session, pytest.raises(UsageError, match="not on 'oracle'"):
        effects.do(session, "k", {}, never)
    engine.dispose()
    engine.dialect.name = "oracle"
    with pytest.raises(UsageError, match="no use for a 'oracle' engine"):
        effects.sqlite_begin_immediate(engine)


def deferred(engine: Engine) -> None:
    """Begin explicitly, but as a reader: what many applications have copied."""

    @event.listens_for(engine, "connect")
    def _(driver: Any, _: object) -> None:
        driver.isolation_level = None

    @event.listens_for(engine, "begin")
    def _(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN")


@pytest.mark.parametrize(
    ("prepare", "works"),
    [(None, True), (effects.sqlite_begin_immediate, True), (deferred, False)],
    ids=["as it is", "begin immediate", "deferred"],
)
def test_sqlite_session_that_has_read_before_it_writes(
    sqlite: Database, prepare: Callable[[Engine], None] | None, works: bool
) -> None:
    """Only where the application begins as a reader does it fail; and then whole, and at once."""
    bank = Bank(sqlite.engine(connect_args={"timeout": 0.1}))
    ours = sqlite.engine()
    if prepare:
        prepare(ours)
    with Session(ours) as session:
        assert session.execute(text("SELECT count(*) FROM postings")).scalar_one() == 0
        try:
            bank.charge_and_commit("other")
            locked_out = False
        except OperationalError:  # ours holds the lock from its first SELECT on
            locked_out = True
        if works:
            bank.charge(session, "k")
            session.commit()
        else:
            with pytest.raises(OperationalError, match="database is locked"):
                bank.charge(session, "k")
    assert locked_out == (prepare is effects.sqlite_begin_immediate)
    assert bank.booked("k") == ([500] if works else [])
    bank.charge_and_commit("k")  # a retry works in any case
    assert bank.booked("k") == [500]


def test_sqlite_locked_by_another_writer_fails_whole(sqlite: Database) -> None:
    bank = Bank(sqlite.engine(connect_args={"timeout": 0.05}))
    with bank.engine.begin() as writer:
        writer.execute(insert(postings).values(key="writer", cents=1))
        with pytest.raises(OperationalError, match="database is locked"):
            bank.charge_and_commit("k")
    bank.charge_and_commit("k")
    assert bank.booked("k") == [500]
