"""What a request wants and who can decide it, in words from its status as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from musterwerk.approvals.seats import delegate_of
from musterwerk.cli.telling import when, words

Json = Mapping[str, Any]
_SAID = ("question", "answer", "comment")
_KINDS = {"string": "text", "object": "fields", "array": "list", "boolean": "true or false"}


def answer_wanted(status: Json) -> str | None:
    """Its fields by the JSON schema, and the outcomes that need it; None if none is asked for."""
    schema, outcomes = status.get("answer_schema"), status.get("answer_for")
    if not schema or not outcomes:
        return None
    fields = _fields(schema)
    needed = schema.get("required", ())
    told = [f"{name} ({_told(one, schema, name in needed)})" for name, one in fields.items()]
    return f"{', '.join(told) or _kind(schema, schema)} - for {', '.join(outcomes)}"


def answer_option(status: Json) -> str:
    """How the command line takes it."""
    fields = _fields(status["answer_schema"] or {})
    inside = ", ".join(f'"{name}": ...' for name in fields)
    return f"--answer '{{{inside}}}'" if fields else "--answer JSON"


def level(status: Json) -> str | None:
    """None where there is only one, without a name."""
    name = f" ({status['level_name']})" if status["level_name"] else ""
    if status["levels"] == 1 and not name:
        return None
    return f"{status['level'] + 1} of {status['levels']}{name}"


def able(status: Json) -> list[str]:
    """Who is asked and can decide now, as far as the status tells; groups as a whole."""
    out = {*status["excluded"], *_decided(status), *_gave_away(status)} - _places_back(status)
    # A place that a substitute has filled is not its holder's any more; another's may be.
    filled = {vote["on_behalf_of"] for vote in _votes(status)} - set(status["delegations"].values())
    return [one for one in status["may_decide"] if one not in out | filled]


def kept_out(status: Json) -> dict[str, list[str]]:
    """Who cannot decide though they might be asked, by the reason; delegations tell the rest."""
    decided = _decided(status)
    others = {*status["excluded"]} - {*decided, *status["delegations"], ""}
    return {"has decided": decided, "four eyes": sorted(others)}


def last_said(status: Json) -> str | None:
    """The open question, or else the latest words of the story."""
    if status.get("question"):
        return f"{status['asked_by']} asks: {words(status['question'])}"
    for entry in reversed(status.get("story", ())):
        if entry["event"] in _SAID:
            text = words(entry["data"].get("text", ""))
            return f"{entry['event']} by {entry['actor']} at {when(entry['at'])}: {text}"
    return None


def _votes(status: Json) -> list[Json]:
    return [vote for vote in status["votes"] if vote["level"] == status["level"]]


def _decided(status: Json) -> list[str]:
    return list(dict.fromkeys(vote["person"] for vote in _votes(status)))


def _gave_away(status: Json) -> set[str]:
    to: dict[str, str] = status["delegations"]
    return {holder for holder in to if delegate_of(to, holder) != holder}


def _places_back(status: Json) -> set[str]:
    """A place that was given on until it came back to its holder is theirs."""
    return set(status["delegations"]) - _gave_away(status) - set(_decided(status))


def _fields(schema: Json) -> Json:
    return cast("Json", _meant(schema, schema).get("properties") or {})


def _told(one: Any, schema: Json, needed: bool) -> str:
    return _kind(one, schema) + (", required" if needed else "")


def _kind(one: Any, schema: Json) -> str:
    """Any schema can stand here, also one that says nothing."""
    meant = _meant(one, schema)
    if "enum" in meant:
        return " or ".join(map(words, meant["enum"]))
    several = meant.get("anyOf") or meant.get("oneOf")
    if several:
        return _either(_kind(option, schema) for option in several)
    kinds = meant.get("type", "anything")
    named = cast("list[str]", kinds if isinstance(kinds, list) else [kinds])
    return _either(meant.get("format") or _KINDS.get(kind, kind) for kind in named)


def _either(kinds: Iterable[str]) -> str:
    return " or ".join(kind for kind in dict.fromkeys(kinds) if kind != "null") or "null"


def _meant(one: Any, schema: Json) -> Json:
    """What a reference into the schema's own definitions leads to; one step is what is made."""
    if not isinstance(one, dict):
        return {}
    given = cast("dict[str, Any]", one)
    name = str(given.get("$ref", "")).removeprefix("#/$defs/")
    found = schema.get("$defs", {}).get(name, given)
    return cast("Json", found)
