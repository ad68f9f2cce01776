"""Values and names as code of a file to be written. What would not make the same is left open."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import MethodType
from typing import Any, cast

from musterwerk.testing.explorer.naming import Names, identifier
from musterwerk.testing.explorer.sameness import is_model, shape

_PLAIN = (str, int, bool, bytes, type(None))
_BUILT = (list, tuple, dict, set, frozenset)
_LONG = 300
_OPEN = "..."
# Around the code in its file there are brackets too, of which Python takes so many.
_BRACKETS = 10


class Code:
    """Collects what has to be imported for the code that it makes, and what stays to be done."""

    def __init__(self, taken: Sequence[str] = ()) -> None:
        self._names = Names(taken)
        self._todo: list[str] = []
        self._open = 0

    def todo(self, what: str) -> None:
        self._open += 1
        if what not in self._todo:
            self._todo.append(what)

    def header(self) -> str:
        return "\n".join([*self._names.imports(), *(f"# To do: {one}" for one in self._todo), ""])

    def name_of(self, thing: Any) -> str:
        """The name under which the file can use what stands in a module."""
        name: object = getattr(thing, "__qualname__", None)
        if not isinstance(name, str):
            return self.value(thing)
        text = self._names.of(thing)
        if text and self._makes(text, thing):
            return text
        if isinstance(thing, MethodType):
            return self.value(thing)
        shown = name.split(".")[-1]
        script = getattr(thing, "__module__", "") == "__main__"
        why = "was defined in the script that ran" if script else "cannot be imported by its name"
        self.todo(f"import {one_line(shown)}, which {why}: put it at the top of a module")
        return self._names.placeholder(thing, identifier(shown))

    def imported(self, module: str, name: str) -> str:
        """What a module has under this name."""
        return self._names.imported(module, name)

    def value(self, value: Any) -> str:
        """As code that makes an equal value."""
        before = self._open
        try:
            for text in self._ways(value):
                if self._open > before and _compiles(text):
                    return text
                if self._open == before and self._makes(text, value):
                    return text
        except Exception:  # noqa: S110 - it is the value's own code that raises, whatever it likes
            pass
        try:
            shown = repr(value)
        except Exception:
            shown = f"what is a {type(value).__name__}"
        self.todo(f"write {one_line(shown)} as code")
        return _OPEN

    def _makes(self, text: str, value: Any) -> bool:
        """Whether the code makes this value, and not something like it."""
        try:
            made = eval(_within(text), self._names.scope())  # noqa: S307 - what we have written
            return bool(shape(made) == shape(value))
        except Exception:  # whatever it is, it is not the value
            return False

    def _ways(self, value: Any) -> Iterator[str]:
        """How it might be written, the most readable first."""
        kind = cast("type[Any]", type(value))
        if kind in _PLAIN:
            yield repr(value)
        elif isinstance(value, MethodType):
            yield f"{self.value(value.__self__)}.{value.__name__}"
        elif isinstance(value, Enum):
            yield f"{self.name_of(kind)}.{value.name}"
            yield f"{self.name_of(kind)}({self.value(value.value)})"  # flags at once have no name
        elif is_model(kind):
            yield from self._models(kind, value)
        elif is_dataclass(value):
            names = [one.name for one in fields(value) if one.init]
            yield self.call(kind, self.parts({name: getattr(value, name) for name in names}))
        elif isinstance(value, _BUILT):
            yield from self._collections(cast("Collection[Any]", value))
        else:
            yield from self._by_repr(value)

    def parts(self, given: Mapping[str, Any]) -> dict[str, str]:
        return {name: self.value(one) for name, one in given.items()}

    def call(self, kind: type, parts: Mapping[str, str]) -> str:
        """With arguments that are code already."""
        return f"{self.name_of(kind)}({', '.join(f'{name}={one}' for name, one in parts.items())})"

    def _models(self, kind: Any, value: Any) -> Iterator[str]:
        extra = self.parts(value.model_extra or {})
        told = value.model_fields_set
        own = {name: one for name, one in kind.model_fields.items() if name in told}
        parts = self.parts({name: getattr(value, name) for name in own})
        yield self.call(kind, parts | extra)
        aliases = {name: one.validation_alias for name, one in own.items()}
        texts = [one if isinstance(one, str) else name for name, one in aliases.items()]
        sent = dict(zip(texts, parts.values(), strict=True))
        for names, by_name in ((sent, ""), (parts, ", by_name=True")):
            data = ", ".join(f"{name!r}: {one}" for name, one in (names | extra).items())
            yield f"{self.name_of(kind)}.model_validate({{{data}}}{by_name})"

    def _collections(self, items: Collection[Any]) -> Iterator[str]:
        kind = cast("type[Any]", type(items))
        if isinstance(items, dict):
            pairs = cast("dict[Any, Any]", items).items()
            text = f"{{{', '.join(f'{self.value(key)}: {self.value(one)}' for key, one in pairs)}}}"
        else:
            parts = [self.value(one) for one in items]
            if not isinstance(items, list | tuple):
                parts.sort()  # the order in a set is another one in every process
            text = f"[{', '.join(parts)}]"
            if isinstance(items, tuple):
                text = f"({text[1:-1]},)" if parts else "()"
        if kind in (list, tuple, dict):
            yield text
        else:
            yield f"{self.name_of(kind)}({text})"
            yield f"{self.name_of(kind)}(*{text})"  # a named tuple

    def _by_repr(self, value: Any) -> Iterator[str]:
        """What writes itself as code, such as Decimal('1'), date and time."""
        kind = cast("type[Any]", type(value))
        if isinstance(value, datetime):
            yield f"{self.name_of(kind)}.fromisoformat({value.isoformat()!r})"
        elif isinstance(value, str | int | float):  # NaN, and classes that are made of these
            yield repr(value)
            yield f"{self.name_of(kind)}({str(value)!r})"
        else:
            name = kind.__name__
            text = repr(value).removeprefix(f"{kind.__module__}.")
            if _is_call(text, name):
                yield self.name_of(kind) + text.removeprefix(name)


def one_line(text: str) -> str:
    """For a comment or a docstring: nothing in it that a file cannot hold, and no quotes."""
    shown = "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)
    return (shown if len(shown) <= _LONG else f"{shown[:_LONG]} [...]").replace('"', "'")


_LITERALS = (
    ast.Expression, ast.Call, ast.keyword, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set,
    ast.UnaryOp, ast.unaryop, ast.Load,
)  # fmt: skip


def _is_call(text: str, name: str) -> bool:
    """Whether it calls nothing but this name, with literals: it is going to be evaluated."""
    try:
        parts = list(ast.walk(ast.parse(text, mode="eval")))
    except Exception:  # Python has several for what is no code
        return False
    return text.startswith(f"{name}(") and all(
        one.id == name if isinstance(one, ast.Name) else isinstance(one, _LITERALS) for one in parts
    )


def _compiles(text: str) -> bool:
    try:
        compile(_within(text), "<written>", "eval")
    except Exception:  # Python has several for what is no code, or too much of it
        return False
    return True


def _within(text: str) -> str:
    return "(" * _BRACKETS + text + ")" * _BRACKETS
