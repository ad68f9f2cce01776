"""The pages' Python runs: whoever copies a block from them gets code that works.

All ```python blocks of a page together are one module. If it defines `async def main()`, that is
run as well; a parameter `client` gets a client on a real server. A block that cannot run is marked
"```python no-run: REASON".
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest

from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python(?P<mark>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
NO_RUN = re.compile(r" no-run: \S.*")


def module_of(text: str) -> str:
    """The page with everything blanked that is not code, so that line numbers are the page's."""
    lines = [""] * (text.count("\n") + 1)
    for block in BLOCK.finditer(text):
        if block["mark"]:
            assert NO_RUN.fullmatch(block["mark"]), f"needs a reason: ```python{block['mark']}"
            continue
        start = text.count("\n", 0, block.start("code"))
        code = block["code"].splitlines()
        lines[start : start + len(code)] = code
    return "\n".join(lines)


def run_main(module: ModuleType, request: pytest.FixtureRequest) -> None:
    main = cast("Callable[..., Coroutine[Any, Any, None]]", module.main)
    if not inspect.signature(main).parameters:
        asyncio.run(main())
        return
    server = cast("EmbeddedServer", request.getfixturevalue("temporal_server"))

    async def with_client() -> None:
        await main(client=await connect(server.address, isolated=True))

    asyncio.run(with_client())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    name = "page_" + re.sub(r"\W", "_", page.stem)
    (tmp_path / f"{name}.py").write_text(module_of(page.read_text()))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    try:
        module = importlib.import_module(name)
        if inspect.iscoroutinefunction(getattr(module, "main", None)):
            run_main(module, request)
    finally:
        sys.modules.pop(name, None)


def test_a_page_keeps_its_line_numbers_and_its_exceptions_have_reasons() -> None:
    page = (
        "# A\n```python\na = 1\n```\ntext\n```python no-run: needs a bank\n!\n```\n```sh\nx\n```\n"
    )
    assert module_of(page).splitlines()[:3] == ["", "", "a = 1"]
    assert "!" not in module_of(page)
    assert "x" not in module_of(page)
    with pytest.raises(AssertionError, match="needs a reason"):
        module_of("```python no-run\n!\n```\n")
