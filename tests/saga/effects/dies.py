"""A worker that charges, says so, and then waits to be killed before it can commit."""

from __future__ import annotations

import sys

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from tests.saga.effects.bank import Bank

if __name__ == "__main__":
    bank = Bank(create_engine(sys.argv[1]))
    with Session(bank.engine) as session, session.begin():
        bank.charge(session, "k")
        sys.stdout.write("charged\n")
        sys.stdout.flush()
        sys.stdin.read()
