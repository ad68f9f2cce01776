"""From a form that was sent to an act, or back to the form with what was typed."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData

from musterwerk.approvals.acts import Act, read_act
from musterwerk.console.pages.answer_form import FIELD
from musterwerk.console.pages.request import Typed
from musterwerk.console.pages.site import text
from musterwerk.console.services import Services
from musterwerk.documents import mistakes

#: Passwords are none of them.
_WORDS = ("reason", "text", "to")


def act_of(services: Services, **fields: Any) -> Act | str:
    """Made now; or what is wrong with it."""
    try:
        return read_act({**fields, "made_at": services.now()})
    except ValidationError as error:
        return str(mistakes(error.errors())[0])


def typed(given: FormData, kind: str = "") -> Typed:
    return Typed(
        kind=kind,
        reason=text(given, "reason"),
        text=text(given, "text"),
        to=text(given, "to"),
        answer={
            name.removeprefix(FIELD): value
            for name, value in given.multi_items()
            if name.startswith(FIELD) and isinstance(value, str)
        },
    )


def words_of(given: FormData | None) -> list[str]:
    """What somebody wrote at length: so that it can be copied where its form is gone."""
    names = [name for name in given or () if name in _WORDS or name.startswith(FIELD)]
    return [written for name in names if given and (written := text(given, name))]
