"""A counterexample as a test file, which lets the same happen again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING

from temporalio.converter import DataConverter

from musterwerk.testing.explorer.asked import HORIZON, MAX_TASKS, Asked
from musterwerk.testing.explorer.faults import Fault
from musterwerk.testing.explorer.naming import identifier
from musterwerk.testing.explorer.writing import Code, one_line
from musterwerk.testing.simulator.decisions import Message

if TYPE_CHECKING:
    from musterwerk.testing.explorer.course import Violation

_SHORT, _LINES, _NAME = 70, 10, 80
_DEFAULTS = {
    "cancel": True, "kill": True, "hurry": False, "may_wait": False, "seed": 0,
    "max_tasks": MAX_TASKS, "horizon": HORIZON,
}  # fmt: skip
_INDENT = " " * 12


def as_pytest(asked: Asked, faults: Sequence[Fault], violations: Sequence[Violation]) -> str:
    test = _test_name(asked, violations)
    code = Code(taken=["asyncio", "messages", "report", test])
    explore = code.imported("musterwerk.testing", "explore")
    given = [f"{code.name_of(asked.run)}", *(code.value(one) for one in asked.args)]
    given.append(f"world={code.name_of(asked.world)}")
    for option in ("invariants", "workflows", "always"):
        if (names := getattr(asked, option)) or option == "invariants":
            given.append(f"{option}={_listed([code.name_of(one) for one in names])}")
    if asked.messages:
        given.append("messages=messages")
    if asked.outside is not None:
        given.append(f"outside={code.name_of(asked.outside)}")
    for option, usual in _DEFAULTS.items():
        if (value := getattr(asked, option)) != usual:
            given.append(f"{option}={code.value(value)}")
    if converter := _converter(code, asked.data_converter):
        given.append(f"data_converter={converter}")
    if asked.interceptors:
        code.todo("give `interceptors` as the exploration had them")
        given.append("interceptors=...")
    given.append(f"only={_listed([_fault(code, one, asked.messages) for one in faults])}")
    begin = f"    report = asyncio.run(\n        {explore}("
    if asked.messages:
        sent = _listed([code.value(one) for one in asked.messages], indent=" " * 4)
        begin = f"    messages = {sent}\n{begin}"
    lines = "".join(f"\n{_INDENT}{one}," for one in given)
    what = "\n".join(f"{one.invariant}: {_said(one.message)}" for one in violations)
    return (
        f'"""Written from a counterexample.\n\n{_quotable(what)}\n"""\n\nimport asyncio\n'
        f"{code.header()}\n\ndef {test}() -> None:\n"
        f"{begin}{lines}\n        )\n    )\n"
        "    report.raise_if_violated()\n"
    )


def _fault(code: Code, fault: Fault, messages: Sequence[Message]) -> str:
    """A message is named by what it is called when the file runs: that of a set, and of what shows
    its address, is not the same again."""
    parts = code.parts({one.name: getattr(fault, one.name) for one in fields(fault)})
    for number, one in enumerate(messages):
        if fault.detail == str(one):
            parts["detail"] = f"str(messages[{number}])"
    return code.call(Fault, parts)


def _listed(items: Sequence[str], indent: str = _INDENT) -> str:
    """A list, on one line if it is short."""
    short = f"[{', '.join(items)}]"
    if len(short) <= _SHORT:
        return short
    return "[" + "".join(f"\n{indent}    {one}," for one in items) + f"\n{indent}]"


def _converter(code: Code, given: DataConverter) -> str:
    """Nothing for the default one."""
    if given == DataConverter.default:
        return ""
    pydantic = sys.modules.get("temporalio.contrib.pydantic")
    if pydantic is not None and given == pydantic.pydantic_data_converter:
        return code.imported(pydantic.__name__, "pydantic_data_converter")
    code.todo("give `data_converter` as the exploration had it")
    return "..."


def _said(message: str) -> str:
    """What a person has written: pytest adds the assertion itself, with all that it is made of."""
    lines = message.strip().splitlines()
    own = next((at for at, one in enumerate(lines) if one.startswith("assert ")), len(lines))
    return "\n".join(lines[: max(own, 1)][:_LINES])


def _quotable(text: str) -> str:
    """For between the quotes of a docstring."""
    return "\n".join(one_line(one).replace("\\", "\\\\") for one in text.split("\n"))


def _test_name(asked: Asked, violations: Sequence[Violation]) -> str:
    what = f"{asked.workflow.__name__}_{violations[0].invariant}"[:_NAME]
    words = identifier(what.lower()).split("_")
    return "_".join(["test", *(one for one in words if one)])
