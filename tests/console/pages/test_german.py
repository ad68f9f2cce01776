"""Every text of the screens has its German."""

from __future__ import annotations

from importlib.resources import files

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

OPTIONS = {"**.html": {"newstyle_gettext": "true"}}


def test_no_text_is_without_german_and_no_german_without_text() -> None:
    """A reader would find English among German; or translators would work for nobody."""
    room = files("musterwerk.console")
    found = extract_from_dir(
        str(room.joinpath("templates")), [("**.html", "jinja2")], options_map=OPTIONS
    )
    texts = {message for _, _, message, _, _ in found}
    with room.joinpath("locale/de.po").open("rb") as source:
        german = {one.id: one.string for one in read_po(source, locale="de") if one.id}
    assert not {text for text in texts if not german.get(text)}
    assert not set(german) - texts
