"""What is wrong with a file is told all at once: file, schedule, field, what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from musterwerk.errors import UsageError
from musterwerk.schedules import Calendar, Retry, Schedule, When
from musterwerk.schedules.declaring import read_declaration


def table(name: str, **fields: str) -> str:
    given = {"workflow": '"W"', "task_queue": '"q"', "cron": '"0 6 * * *"', **fields}
    lines = [f"{key} = {value}" for key, value in given.items()]
    return "\n".join(["[[schedule]]", f'name = "{name}"', *lines, ""])


def flaws(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "jobs.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_declaration(str(path))
    return [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()]


def test_all_mistakes_of_a_file_at_once(tmp_path: Path) -> None:
    found = flaws(
        tmp_path,
        table("a", cron='"0 0 31 2 *"')
        + table("b", time_zone='"Europe/Bielefeld"')
        + table("c", cron='"*/0 * * * *"')
        + table("d", catch_up='"5s"')
        + table("e", overlap='"sometimes"', tz='"UTC"')
        + table("same")
        + table("same"),
    )
    said = "\n".join(found)
    for start in (
        "schedule 'a': cron: '0 0 31 2 *' never fires",
        "schedule 'b': time_zone: ",
        "schedule 'c': cron: '*/0 * * * *': minute",
        "schedule 'd': catch_up: 10 seconds or more is expected",
        "schedule 'e': overlap: ",
        "schedule 'e': tz: no such field",
        "schedule 'same': name: there are 2 of this name",
    ):
        assert start in said


def test_an_empty_file(tmp_path: Path) -> None:
    (flaw,) = flaws(tmp_path, "")
    assert flaw == "there is no schedule in it; [[schedule]] is expected"


def test_musterwerks_own_names_are_taken(tmp_path: Path) -> None:
    """It would be kept for a memory of ours, and neither listed nor watched."""
    (flaw,) = flaws(tmp_path, table("musterwerk.begun.x"))
    assert flaw.endswith("name: only Musterwerk's own begin with 'musterwerk.'")


def test_what_is_still_declared_cannot_have_been_renamed(tmp_path: Path) -> None:
    """The old one would be deleted, though it is wanted."""
    found = flaws(
        tmp_path,
        table("a")
        + table("b", renamed_from='"a"')
        + table("c", renamed_from='"x"')
        + table("d", renamed_from='"x"'),
    )
    assert found == [
        "schedule 'b': renamed_from: 'a' is still declared here; take one of both out",
        "schedule 'd': renamed_from: 'x' is already what another one was",
    ]


def test_the_set_is_named_after_the_file_or_by_it(tmp_path: Path) -> None:
    path = tmp_path / "our jobs.toml"
    path.write_text(table("a"))
    assert read_declaration(str(path)).set_name == "our_jobs"
    assert read_declaration(str(path), "x").set_name == "x"
    path.write_text('set = "nightly"\n' + table("a"))
    assert read_declaration(str(path)).set_name == "nightly"
    for wrong in ("", "two words", "x" * 81):
        with pytest.raises(UsageError, match="is no name of a set"):
            read_declaration(str(path), wrong)


def test_the_page_shows_every_field(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text()
    (text,) = re.findall(r"^```toml\n(# every-field.toml\n.*?)^```$", page, re.M | re.S)
    path = tmp_path / "every-field.toml"
    path.write_text(text)
    declaration = read_declaration(str(path))
    (found,) = declaration.schedules
    assert declaration.set_name == "everything"
    assert found.retry is not None
    for given, kind in (
        (found, Schedule),
        (found.when, When),
        (found.when.on[0], Calendar),
        (found.retry, Retry),
    ):
        assert given.model_fields_set == set(kind.model_fields)
