"""The names that a written file uses, and where it imports them from."""

from __future__ import annotations

import builtins
import keyword
import sys
import sysconfig
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_PUBLIC = "musterwerk.testing"
_SHORT = 70
_TAKEN_BY_PYTEST = ("test", "setup", "teardown", "pytest")
_WHERE = (
    "# Where pytest found what is imported below, seen from the folder in which it was started:\n"
    "# start it there again."
)


class Names:
    """`taken` are names that the file uses for something of its own."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*dir(builtins), "os", "sys", *taken}
        self._local: dict[tuple[str, str], str] = {}
        self._placeholders: dict[int, str] = {}
        self._scope: dict[str, Any] = {}

    def scope(self) -> dict[str, Any]:
        """What the names stand for."""
        return dict(self._scope)

    def of(self, thing: Any) -> str:
        """The qualified name of a class or function; empty where it cannot be imported. Whether it
        leads to this thing and no other one is yet to be tried."""
        module: str = getattr(thing, "__module__", None) or ""
        first, dot, rest = thing.__qualname__.partition(".")
        # Ours are imported from where they are public.
        public = [_PUBLIC] if module.startswith(f"{_PUBLIC}.") else []
        for one in (*public, module):
            if local := self.imported(one, first):
                return local + dot + rest
        return ""

    def placeholder(self, thing: Any, name: str) -> str:
        """For what the reader has to import."""
        if id(thing) not in self._placeholders:
            self._placeholders[id(thing)] = self._free(name)
            self._taken.add(self._placeholders[id(thing)])
        return self._placeholders[id(thing)]

    def imports(self) -> list[str]:
        by_module: dict[str, list[str]] = {}
        for (module, name), local in sorted(self._local.items()):
            by_module.setdefault(module, []).append(_as(name, local))
        lines: list[str] = []
        for module, names in by_module.items():
            line = f"from {module} import {', '.join(names)}"
            if len(line) > _SHORT:
                line = f"from {module} import (\n    " + ",\n    ".join(names) + ",\n)"
            lines.append(line)
        folders = sorted({folder for module in by_module if (folder := _folder_of(module))})
        if folders:
            given = ", ".join(repr(one) for one in folders)
            path = f"sys.path[:0] = [os.path.abspath(one) for one in [{given}]]"
            return ["import os", "import sys", "", _WHERE, path, "", *lines]
        return ["", *lines]

    def imported(self, module: str, name: str) -> str:
        """Its name in the file, if it is there. No module is imported only to look into it."""
        if module == "builtins" and hasattr(builtins, name):
            return name
        if (module, name) in self._local:
            return self._local[module, name]
        if module == "__main__" or module not in sys.modules:
            return ""
        # What is called so, pytest would take for this file's own test, or its set-up.
        local = self._free(f"_{name}" if name.lower().startswith(_TAKEN_BY_PYTEST) else name)
        scope: dict[str, Any] = {}
        try:
            exec(f"from {module} import {_as(name, local)}", scope)  # noqa: S102 - for its names
            self._scope[local] = scope[local]
        except Exception:  # the module or the name is none, or it is not in there
            return ""
        self._taken.add(local)
        self._local[module, name] = local
        return local

    def _free(self, name: str) -> str:
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        return found


def identifier(text: str) -> str:
    """What is left of a text as a name, in the spelling to which Python brings names."""
    spelled = unicodedata.normalize("NFKC", text)
    name = "".join(one if f"a{one}".isidentifier() else "_" for one in spelled)
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"_{name}"


def _as(name: str, local: str) -> str:
    return name if local == name else f"{name} as {local}"


def _folder_of(module: str) -> str:
    """From which folder a module of this project is imported, as seen from the current one. Empty
    for what is installed, and for what lies elsewhere: that was made known to Python before."""
    file = getattr(sys.modules.get(module), "__file__", None)
    if file is None:
        return ""
    path = Path(file).absolute()
    path = path.parent if path.stem == "__init__" else path.with_name(path.name.split(".")[0])
    parts = tuple(module.split("."))
    folder = Path(*path.parts[: -len(parts)])
    own = path.parts[-len(parts) :] == parts and folder.is_relative_to(Path.cwd())
    if not own or str(folder) in sysconfig.get_paths().values():
        return ""
    return folder.relative_to(Path.cwd()).as_posix()
