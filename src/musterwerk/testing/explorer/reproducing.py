"""A counterexample as a test file, which lets the same happen again."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, cast

from temporalio.converter import DataConverter

from musterwerk.testing.explorer.asked import Asked
from musterwerk.testing.explorer.faults import Fault

if TYPE_CHECKING:
    from musterwerk.testing.explorer.course import Violation

_PLAIN = (str, int, bool, bytes, type(None))
_PUBLIC = "musterwerk.testing"
_SHORT = 70
_DEFAULTS = {"cancel": True, "kill": True, "hurry": False, "may_wait": False, "seed": 0}


_INDENT = " " * 12


def as_pytest(asked: Asked, faults: Sequence[Fault], violations: Sequence[Violation]) -> str:
    code = Code()
    code.imports.add((_PUBLIC, "explore"))
    given = [f"{code.name_of(asked.workflow)}.{asked.run.__name__}"]
    given += [code.value(one) for one in asked.args]
    given += [f"world={code.name_of(asked.world)}", f"invariants={code.names(asked.invariants)}"]
    for option in ("workflows", "always"):
        if names := getattr(asked, option):
            given.append(f"{option}={code.names(names)}")
    if asked.messages:
        given.append(f"messages={_listed([code.value(one) for one in asked.messages])}")
    if asked.outside is not None:
        given.append(f"outside={code.name_of(asked.outside)}")
    for option, usual in _DEFAULTS.items():
        if (value := getattr(asked, option)) != usual:
            given.append(f"{option}={value!r}")
    if converter := code.converter(asked.data_converter):
        given.append(f"data_converter={converter}")
    if asked.interceptors:
        code.todo("give `interceptors` as the exploration had them")
    given.append(f"only={_listed([code.value(one) for one in faults])}")
    lines = "".join(f"\n{_INDENT}{one}," for one in given)
    what = "\n".join(f"{one.invariant}: {one.message}" for one in violations)
    return (
        f'"""Written from a counterexample.\n\n{_safe(what)}\n"""\n\nimport asyncio\n\n'
        f"{code.header()}\n\ndef test_{_identifier(asked, violations)}() -> None:\n"
        f"    report = asyncio.run(\n        explore({lines}\n        )\n    )\n"
        "    report.raise_if_violated()\n"
    )


def _listed(items: Sequence[str]) -> str:
    """A list, on one line if it is short."""
    short = f"[{', '.join(items)}]"
    if len(short) <= _SHORT:
        return short
    return "[" + "".join(f"\n{_INDENT}    {one}," for one in items) + f"\n{_INDENT}]"


def _safe(text: str) -> str:
    """For between the quotes of a docstring."""
    return text.replace("\\", "\\\\").replace('"', "'")


class Code:
    """Collects what has to be imported for the code that it makes."""

    def __init__(self) -> None:
        self.imports: set[tuple[str, str]] = set()
        self._todo: list[str] = []

    def todo(self, what: str) -> None:
        if what not in self._todo:
            self._todo.append(what)

    def header(self) -> str:
        by_module: dict[str, list[str]] = {}
        for module, name in sorted(self.imports):
            by_module.setdefault(module, []).append(name)
        lines: list[str] = []
        for module, names in by_module.items():
            line = f"from {module} import {', '.join(names)}"
            if len(line) > _SHORT:
                line = f"from {module} import (\n    " + ",\n    ".join(names) + ",\n)"
            lines.append(line)
        return "\n".join([*lines, *(f"# To do: {one}" for one in self._todo), ""])

    def names(self, things: Sequence[Any]) -> str:
        return _listed([self.name_of(one) for one in things])

    def converter(self, given: DataConverter) -> str:
        """Nothing for the default one."""
        if given == DataConverter.default:
            return ""
        pydantic = sys.modules.get("temporalio.contrib.pydantic")
        if pydantic is not None and given == pydantic.pydantic_data_converter:
            self.imports.add((pydantic.__name__, "pydantic_data_converter"))
            return "pydantic_data_converter"
        self.todo("give `data_converter` as the exploration had it")
        return "..."

    def name_of(self, thing: Any) -> str:
        """The name under which the file can use what stands in a module."""
        name = getattr(thing, "__qualname__", "")
        module = getattr(thing, "__module__", "") or ""
        if module == "builtins":
            return name
        first = name.split(".")[0]
        if not first.isidentifier() or "<" in name or module == "__main__":
            shown = name.split(".")[-1] if name else repr(thing)
            where = "was defined in the script that ran" if module == "__main__" else "has no name"
            self.todo(f"import {shown}, which {where}: put it at the top of a module")
            return re.sub(r"\W", "_", shown)
        # Ours are imported from where they are public.
        self.imports.add((_PUBLIC if module.startswith(f"{_PUBLIC}.") else module, first))
        return name

    def value(self, value: Any) -> str:
        """As code that makes an equal value."""
        if type(value) in _PLAIN:
            return repr(value)
        if isinstance(value, Enum):
            return f"{self.name_of(type(value))}.{value.name}"
        if names := _parts(value):
            parts = [f"{name}={self.value(getattr(value, name))}" for name in names]
            return f"{self.name_of(type(value))}({', '.join(parts)})"
        if isinstance(value, dict):
            pairs = cast("dict[Any, Any]", value).items()
            return f"{{{', '.join(f'{self.value(key)}: {self.value(one)}' for key, one in pairs)}}}"
        if isinstance(value, list | tuple | set | frozenset) and value:
            return self._collection(cast("Collection[Any]", value))
        return self._by_repr(value)

    def _collection(self, items: Collection[Any]) -> str:
        inner = ", ".join(self.value(one) for one in items)
        if isinstance(items, tuple):
            return f"({inner},)"
        return f"[{inner}]" if isinstance(items, list) else f"{type(items).__name__}([{inner}])"

    def _by_repr(self, value: Any) -> str:
        """What writes itself as code, such as Decimal('1'), date and time, an empty list."""
        kind = cast("type[object]", type(value))
        text = repr(value).removeprefix(f"{kind.__module__}.")
        if isinstance(value, datetime):
            text = f"datetime.fromisoformat({value.isoformat()!r})"
        scope: dict[str, Any] = {kind.__name__: kind}
        try:
            made = eval(text, {}, scope)  # noqa: S307 - what the value says of itself
        except Exception:  # whatever it is, it was no code
            made = None
        if made != value:
            self.todo(f"write {text} as code")
            return "..."
        if kind.__module__ != "builtins":
            self.imports.add((kind.__module__, kind.__name__))
        return text


def _parts(value: Any) -> list[str]:
    """What a dataclass or a Pydantic model is made of."""
    if isinstance(value, type):
        return []
    if is_dataclass(value):
        return [one.name for one in fields(value) if one.init]
    kind = cast("type[Any]", type(value))
    return list(getattr(kind, "model_fields", ()))


def _identifier(asked: Asked, violations: Sequence[Violation]) -> str:
    what = f"{asked.workflow.__name__}_{violations[0].invariant}"
    return re.sub(r"\W+", "_", what).strip("_").lower()
