"""What a service tells of its book: an entry for each order, page by page, for reconciliation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session

from musterwerk.shop.model import BookEntry, BookPage, Identifier
from musterwerk.shop.services.database import Database
from musterwerk.shop.services.problems import documented

PATH = "/book"
_MOST = 500


def add_book(
    router: APIRouter,
    database: Database,
    query: Any,
    order_id: Any,
    entry: Callable[[Any], BookEntry],
) -> None:
    """`query` is a select with one row for each order; `order_id` is its column."""

    def book(
        after: Annotated[str, Query(max_length=64)] = "",
        order: Identifier | None = None,
        limit: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
    ) -> BookPage:
        """By order id, those after `after`; or of one `order`. `next` is null on the last page."""
        wanted = query.where(order_id > after) if order is None else query.where(order_id == order)
        with database.transaction() as session:
            rows = _rows(session, wanted.order_by(order_id).limit(limit + 1))
        entries = [entry(row) for row in rows[:limit]]
        return BookPage(entries=entries, next=entries[-1].order_id if len(rows) > limit else None)

    router.add_api_route(PATH, book, methods=["GET"], responses=documented(changes=False))


def _rows(session: Session, query: Any) -> list[Any]:
    return list(session.execute(query).all())
