"""Services of a shop in memory, which remember truthfully what was done to them."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, Protocol, Self

from temporalio.exceptions import ApplicationError

PRICE = Decimal("73.00")
ONE = Decimal(1)
NOTHING = Decimal(0)


class Outcome(Protocol):
    """What an invariant is told of how the process ended."""

    @property
    def status(self) -> str: ...
    @property
    def result(self) -> object: ...
    @property
    def failure(self) -> BaseException | None: ...


Undo = Literal["by key", "repeated", "blind"]


class Service:
    """Effects of one kind, each under a key and with an amount.

    With `keys`, what comes again under a key is not done again. With `tombstones`, an undo that
    finds nothing is remembered, and a step that comes after its undo is refused. An undo "by key"
    gives back what stands under the key, once; a "repeated" one as often as it is asked, and a
    "blind" one even where nothing was ever taken.
    """

    def __init__(
        self, name: str, *, keys: bool = True, tombstones: bool = True, undo: Undo = "by key"
    ) -> None:
        self.name = name
        self.keys = keys
        self.tombstones = tombstones
        self.way = undo
        self.standing: dict[str, list[Decimal]] = {}
        self.undone: set[str] = set()
        self.done: set[str] = set()
        self.total = NOTHING
        self.log: list[str] = []

    def do(self, key: str, amount: Decimal = ONE) -> str:
        """Returns a receipt. Raises EffectUndone where the undo was here first."""
        if key in self.undone and self.tombstones:
            self.log.append(f"refused, undone already: {key}")
            raise ApplicationError(
                f"{self.name} {key} was undone", type="EffectUndone", non_retryable=True
            )
        if key in self.done and self.keys:
            self.log.append(f"answered again: {key}")
        else:
            self.done.add(key)
            self.standing.setdefault(key, []).append(amount)
            self.total += amount
            self.log.append(f"done: {key} ({amount})")
        return f"{self.name}:{key}"

    def undo(self, key: str, amount: Decimal | None = None) -> None:
        """Gives back `amount`, or else what was taken."""
        stands = self.standing.get(key)
        if stands:
            taken = stands.pop()
            self.give_back(key, taken if amount is None else amount)
        elif self.way == "blind" or (self.way == "repeated" and stands is not None):
            self.give_back(key, PRICE if amount is None else amount)
        else:
            self.log.append(f"nothing to undo: {key}")
        if stands is not None or self.tombstones:
            self.undone.add(key)

    def state(self) -> object:
        """All that counts: the log is there to be read, and what a sound service has undone is
        refused, whether or not it was ever there."""
        if not (self.keys and self.tombstones and self.way == "by key"):
            return self.standing, sorted(self.undone), sorted(self.done), self.total
        standing = {key: amounts for key, amounts in self.standing.items() if amounts}
        return standing, sorted(self.undone), sorted(self.done - self.undone), self.total

    def give_back(self, key: str, amount: Decimal) -> None:
        self.total -= amount
        self.log.append(f"undone: {key} ({amount})")


class Shop:
    """All that one order can touch. A world of activities is built on it."""

    #: How many pieces an order takes from the stock.
    pieces = 1
    keys = True
    tombstones = True
    refunds: Undo = "by key"

    def __init__(self) -> None:
        self.stock = self.service("stock")
        self.payments = self.service("payment", self.refunds)
        self.parcels = self.service("parcel")
        self.wraps = self.service("wrap")
        self.mails: set[str] = set()
        self.promises: set[str] = set()
        #: What could have gone wrong in between, though it may not show in the end.
        self.risks: list[str] = []

    def service(self, name: str, undo: Undo = "by key") -> Service:
        return Service(name, keys=self.keys, tombstones=self.tombstones, undo=undo)

    def state(self) -> object:
        """What activities and invariants go by."""
        services = (self.stock, self.payments, self.parcels, self.wraps)
        return [one.state() for one in services], self.mails, self.promises, self.risks

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def pay_back(self, key: str, amount: Decimal | None = None) -> None:
        if self.parcels.total > 0:
            self.risks.append(f"{key} was refunded while a parcel was out")
        self.payments.undo(key, amount)
