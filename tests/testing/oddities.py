"""Values that are not easily written as code, and their classes."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from enum import Enum, Flag
from typing import Any, NamedTuple

from pydantic import AliasPath, BaseModel, ConfigDict, Field, PrivateAttr


class Colour(Enum):
    """Another one than that of the test."""

    RED = "rouge"


class May(Flag):
    READ = 1
    WRITE = 2


class Place(NamedTuple):
    shelf: str
    colour: Colour


class Number(str):
    """Of an order."""

    __slots__ = ()


class Aliased(BaseModel):
    price: Decimal = Field(alias="unit-price")
    colour: Colour = Colour.RED


class Populated(BaseModel):
    """It takes the wrong name for one more field."""

    model_config = ConfigDict(extra="allow")
    name: str = Field(default="unnamed", alias="Name")


class Elsewhere(BaseModel):
    """Its field is found by a path."""

    number: int = Field(validation_alias=AliasPath("order", "number"))


class Optional(BaseModel):
    """What was not given is not sent."""

    given: int = 1


class Counting(BaseModel):
    """What it counts is not to be given."""

    name: str
    _seen: int = PrivateAttr(default=0)


@dataclass(frozen=True)
class Inner:
    colours: frozenset[Colour]


@dataclass
class Doubled:
    given: InitVar[int]
    twice: int = field(init=False)

    def __post_init__(self, given: int) -> None:
        self.twice = 2 * given


@dataclass
class Shouting:
    """Not the same when it is made of its own parts."""

    text: str

    def __post_init__(self) -> None:
        self.text += "!"


class Raw:
    """Its representation does something when it is taken for code."""

    def __init__(self, made: object = None) -> None:
        self.made = made

    def __repr__(self) -> str:
        return "Raw(__import__('os').environ.setdefault('MUSTERWERK_DONE_BY_REPR', '1'))"


class Talkative:
    def __repr__(self) -> str:
        return 'of "two"\nlines # \x00 \ud800'


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@dataclass(frozen=True)
class Limit:
    """An invariant that has something to know."""

    most: int

    def held(self, world: Any, _: object) -> None:
        assert len(world.paid) <= self.most

    @classmethod
    def none(cls, world: Any, _: object) -> None:
        cls(0).held(world, None)


def seen() -> Counting:
    found = Counting(name="a")
    found._seen = 3  # type: ignore[reportPrivateUsage]
    return found


def deep(levels: int) -> object:
    found: object = 1
    for _ in range(levels):
        found = [found]
    return found


def lambdas() -> Callable[[Any, Any], None]:
    return lambda _world, _outcome: None


WRITTEN: list[object] = [
    Colour.RED,
    May.READ | May.WRITE,
    May(0),
    {May.READ, May.WRITE},
    {Inner(frozenset({Colour.RED}))},
    frozenset[str](),
    [{"b", "a"}, {"NaN": [float("nan"), float("-inf"), -0.0]}],
    Decimal("sNaN"),
    (Decimal("NaN"), Decimal("1.00")),
    Place("A", Colour.RED),
    Number("O-1"),
    OrderedDict({"a": 1}),
    Counter("aab"),
    Aliased.model_validate({"unit-price": "1.50"}),
    Populated.model_validate({"Name": "tea", "name": "coffee", "x-y": [Colour.RED], "class": 2}),
    Elsewhere.model_validate({"order": {"number": 7}}),
    [Populated(), Counting(name="a")],
    [Optional(), Optional(given=1), Optional(given=2)],
    '\x00 \ud800 \u2028 """ \' \\',
    {"\x00": b"\x00", 1: True},
    deep(60),
]

LEFT_OPEN: list[object] = [
    Doubled(3),
    Shouting("a"),
    seen(),
    Talkative(),
    [Silent()],
    {"a": deep(500)},
    {1: lambdas()},
]
