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


def act_of(services: Services, **fields: Any) -> Act | str:
    """Made now; or what is wrong with it."""
    try:
        return read_act({**fields, "made_at": services.now()})
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{first['loc'][-1]}: {first['msg']}"


def typed(given: FormData, kind: str = "") -> Typed:
    return Typed(
        kind=kind,
        outcome=text(given, "outcome"),
        reason=text(given, "reason"),
        text=text(given, "text"),
        to=text(given, "to"),
        answer={
            name.removeprefix(FIELD): value
            for name, value in given.multi_items()
            if name.startswith(FIELD) and isinstance(value, str)
        },
    )
