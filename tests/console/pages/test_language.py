"""Every text of the screens is there in German; `make messages` brings new ones into the list."""

from __future__ import annotations

from importlib.resources import files

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from musterwerk.console.pages import language
from tests.console.office import Office
from tests.console.pages.browsing import Browser


def _texts() -> set[str]:
    found = extract_from_dir(
        str(files("musterwerk.console")),
        method_map=[
            ("templates/**.html", "jinja2"),
            ("pages/refusals.py", "python"),
            ("pages/reasons.py", "python"),
        ],
        options_map={"templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}},
    )
    return {text if isinstance(text, str) else text[0] for _, _, text, _, _ in found}


def test_all_texts_have_their_german_and_no_other_is_kept() -> None:
    with files("musterwerk.console").joinpath("locale/de.po").open("rb") as source:
        catalog = read_po(source, locale="de")
    texts = {one.id if isinstance(one.id, str) else one.id[0]: one for one in catalog if one.id}
    assert set(texts) == _texts()
    for name, one in texts.items():
        strings = one.string if isinstance(one.string, tuple) else (one.string,)
        assert all(strings), name
        assert not list(one.check(catalog)), name


@pytest.mark.parametrize(
    ("accepted", "found"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,en;q=0.8,de;q=0.5", "en"),
        ("en;q=0.1,de;q=0.9", "de"),
        ("", "en"),
        ("*;q=x,;;", "en"),
    ],
)
def test_the_language_that_a_browser_likes(accepted: str, found: str) -> None:
    assert language.preferred({"accept-language": accepted}) == found


async def test_pages_are_in_the_readers_language(office: Office) -> None:
    page = await Browser(office, "de").get("/login")
    assert "Passwort" in page.text
    office.services.people.change("anna", language="de", actor="test", channel="cli")
    anna = Browser(office, "en")
    await anna.log_in("anna")
    assert "Nichts wartet auf Sie" in (await anna.get("/inbox")).text
