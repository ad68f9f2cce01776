"""What somebody wrote, and what is wrong with it in words: TOML files, and pydantic's mistakes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from musterwerk.errors import UsageError
from musterwerk.wire import in_words

_LENGTH = re.compile(r"(days|seconds)=(\d+)")


def read_toml(path: Path) -> dict[str, Any]:
    """A byte-order mark, as some editors write one, is no mistake."""
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is no text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: this is no TOML: {error}") from error
    except RecursionError:
        raise UsageError(f"{path}: too many lists or tables are within each other") from None
    except ValueError as error:  # Python's own bound for numbers
        raise UsageError(f"{path}: a number in it has more digits than can be read") from error


def near(given: str, known: Iterable[str]) -> str:
    """What may have been meant, to go on with after a name that is unknown; "" if nothing."""
    found = get_close_matches(given, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


@dataclass(frozen=True)
class Mistake:
    """`field` is the place in the document, such as "policy.escalations.0.after"."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}" if self.field else self.problem


#: By pydantic's names of mistakes. What is in braces is the mistake's context.
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "no such field",
    "string_type": "text is expected",
    "string_too_short": "at least {min_length} characters are expected",
    "string_too_long": "at most {max_length} characters are expected",
    "string_unicode": "a character in it is half of one, and cannot be sent",
    "string_pattern_mismatch": "is not spelled as such a name is",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "float_type": "a number is expected",
    "float_parsing": "a number is expected",
    "finite_number": "a number is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "dict_type": "a table (an object) is expected",
    "model_type": "a table (an object) is expected",
    "model_attributes_type": "a JSON object is expected",
    "list_type": "a list is expected",
    "tuple_type": "a list is expected",
    "too_long": "at most {max_length} are expected",
    "too_short": "at least {min_length} is expected",
    "literal_error": "{expected} is expected",
    "greater_than": "more than {gt} is expected",
    "greater_than_equal": "{ge} or more is expected",
    "less_than": "less than {lt} is expected",
    "less_than_equal": "{le} or less is expected",
    "time_delta_parsing": 'a length of time is expected, such as "7 days" or "1d 12h"',
    "time_delta_type": 'a length of time is expected, such as "7 days" or "1d 12h"',
    "datetime_parsing": "a time is expected, such as 2026-12-24T09:00:00+01:00",
    "datetime_from_date_parsing": "a time is expected, such as 2026-12-24T09:00:00+01:00",
    "datetime_type": "a time is expected, such as 2026-12-24T09:00:00+01:00",
    "date_type": "a date is expected, such as 2026-12-24",
    "date_parsing": "a date is expected, such as 2026-12-24",
    "date_from_datetime_parsing": "a date is expected, such as 2026-12-24",
    "date_from_datetime_inexact": "a date is expected, such as 2026-12-24",
    "time_parsing": "a time of day is expected, such as 09:00:00",
    "time_type": "a time of day is expected, such as 09:00:00",
    "timezone_aware": "the time zone is missing, such as +01:00 or Z",
}


def mistakes(errors: Iterable[Mapping[str, Any]]) -> list[Mistake]:
    """Pydantic's errors in words, without what was sent and without patterns."""
    return [Mistake(_place(one["loc"]), problem(one)) for one in errors]


def _place(loc: Iterable[Any]) -> str:
    """Without pydantic's own steps, such as "function-before[...]"."""
    return ".".join(str(part) for part in loc if "[" not in str(part))


def problem(error: Mapping[str, Any]) -> str:
    """One of pydantic's errors in words, without its place."""
    words = _WORDS.get(error["type"])
    if words is None:
        return str(error["msg"]).removeprefix("Value error, ")
    context: dict[str, Any] = error.get("ctx") or {}
    return words.format_map({name: _shown(value) for name, value in context.items()})


def _shown(value: Any) -> Any:
    """A length of time comes as its `repr`."""
    if not str(value).startswith("datetime.timedelta("):
        return value
    parts = {name: int(number) for name, number in _LENGTH.findall(str(value))}
    return in_words(timedelta(**parts))
