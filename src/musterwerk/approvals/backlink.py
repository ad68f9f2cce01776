"""From a request's workflow on Temporal's screens back to its page in the console.

The page stands in the workflow's details, and, where the namespace has it, in a search attribute.
An attribute that the namespace does not have would stop the workflow, so it is looked for first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from musterwerk.approvals.model import CONSOLE_ATTRIBUTE

_RPC = timedelta(seconds=10)
#: Temporal's servers hear of a new attribute within a minute.
_SPREADS_SECONDS = 120.0
_KEYWORD = IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD


class Backlink:
    """`console` is where people reach it. `flaw` says why there is no search attribute."""

    def __init__(
        self, console: str | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.console = console
        self.flaw: str | None = None
        self._clock = clock
        self._usable_from: float | None = None

    @property
    def indexed(self) -> bool:
        return self._usable_from is not None and self._clock() >= self._usable_from

    async def prepare(self, client: Client) -> None:
        """Find the attribute, or add it; it is used when every server can know of it."""
        if self.console is None:
            return
        try:
            await self._prepare(client)
        except RPCError as error:
            # Temporal Cloud, for one, lets only its own tools add any.
            self.flaw = f"the search attribute {CONSOLE_ATTRIBUTE} cannot be added: {error.message}"

    async def _prepare(self, client: Client) -> None:
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace=client.namespace), timeout=_RPC
        )
        kind = known.custom_attributes.get(CONSOLE_ATTRIBUTE)
        if kind is not None and kind != _KEYWORD:
            self.flaw = f"the search attribute {CONSOLE_ATTRIBUTE} exists, and is no Keyword"
        elif kind is not None:
            self._usable_from = self._clock()
        else:
            await self._add(client)
            self._usable_from = self._clock() + _SPREADS_SECONDS

    async def _add(self, client: Client) -> None:
        try:
            await client.operator_service.add_search_attributes(
                AddSearchAttributesRequest(
                    namespace=client.namespace, search_attributes={CONSOLE_ATTRIBUTE: _KEYWORD}
                ),
                timeout=_RPC,
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.ALREADY_EXISTS:
                raise
