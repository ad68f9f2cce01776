"""What people read: in their language and zone, and nothing in it that somebody smuggled in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musterwerk.approvals.notices.rendering import MAX_LINES, details, moment
from musterwerk.approvals.notices.wording import Reader, asks, event, mail
from musterwerk.approvals.state import Notice, Status
from musterwerk.notify import Language, Message
from tests.approvals.notices.telling import ended, notice, status

ANNA = Reader("anna", "Anna Huber", "en", "Europe/Berlin")
ANNA_IN_GERMAN = Reader("anna", "Anna Huber", "de", "Europe/Berlin")
EVIL = '<script>alert("1")</script> {subject} & \'\r\nBcc: all@example.com\u202e\0'

#: Every event that is told, with a request to which it belongs.
TOLD: list[tuple[Notice, Status]] = [
    (notice("asked"), status()),
    (notice("reminded"), status(claimed_by="ben")),
    (notice("escalated"), status(levels=2, level=1, level_name="managers")),
    (notice("delegated", actor="ben", text="On the train"), status()),
    (notice("question", to=("shop",), actor="ben", text="Why?"), status(state="info_requested")),
    (notice("answer", to=("ben",), actor="shop", text="Because."), status()),
    (notice("amended"), status(revision=2)),
    (notice("ended"), ended("approved", "approve", by=("ben",))),
    (notice("ended", text="Too much"), ended("rejected", "reject", by=("ben",))),
    (notice("ended", text="nobody decided in time"), ended("expired", "reject")),
    (notice("ended", text="withdrawn"), ended("withdrawn", "reject", by=("shop",))),
    (notice("ended"), ended("ask_customer", "ask_customer", by=("ben",))),
]


def test_asked_in_english() -> None:
    shown = status(
        digest="d1",
        details={"amount": "730.00", "lines": [{"sku": "a", "n": 3}, "rest"], "new": True},
        outcomes=("approve", "reject", "ask_customer"),
        answer_for=("approve",),
        level=1,
        levels=2,
        level_name="finance",
    )
    message = mail(notice(), shown, ANNA)
    assert message.subject == "Please decide: Refund 730.00 EUR to C-17"
    body, footer = message.text.split("\n-- \n")
    assert footer == "Sent by Musterwerk. Replies to this mail are read by nobody.\n"
    assert (
        body
        == """\
Hello Anna Huber,

shop asks for a decision, and yours is wanted.

Request:       Refund 730.00 EUR to C-17
Number:        refund-42
Requested by:  shop
Level:         2 of 2 (finance)
Deadline:      24 Nov 2026, 14:00 CET

Details:

  amount: 730.00
  lines:
    - sku: a
      n: 3
    - rest
  new: yes

Look at it:
  musterwerk approvals show refund-42
Approve:
  musterwerk approvals approve refund-42 --as anna --answer JSON --digest d1
Reject:
  musterwerk approvals reject refund-42 --as anna --reason TEXT --digest d1
Decide "ask customer":
  musterwerk approvals decide refund-42 ask_customer --as anna --digest d1
Ask shop something first:
  musterwerk approvals ask refund-42 TEXT --as anna
Let somebody else decide in your place:
  musterwerk approvals delegate refund-42 --as anna --to PERSON
"""
    )


def test_the_end_in_german() -> None:
    notified = notice("ended", text="Zu teuer")
    shown = ended("rejected", "reject", by=("ben",), details=None)
    message = mail(notified, shown, ANNA_IN_GERMAN, names={"ben": "Ben Maier"})
    assert message.subject == "Abgelehnt: Refund 730.00 EUR to C-17"
    assert message.language == "de"
    assert message.text.startswith("""\
Guten Tag Anna Huber,

Diese Anfrage wurde abgelehnt von Ben Maier.
Ihre Entscheidung wird nicht mehr gebraucht.

Die Begründung:

> Zu teuer

Anfrage:        Refund 730.00 EUR to C-17
Nummer:         refund-42
Angefragt von:  shop
Beendet:        24.11.2026, 14:00 MEZ

Ansehen:
  musterwerk approvals show refund-42
""")


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize(("notified", "shown"), TOLD, ids=lambda one: getattr(one, "key", ""))
def test_every_event_has_words_in_every_language(
    notified: Notice, shown: Status, language: Language
) -> None:
    message = mail(notified, shown, Reader("anna", "Anna", language))
    assert message.subject.endswith(": Refund 730.00 EUR to C-17")
    assert not set("{}") & set(message.text)
    assert {"question": "approvals answer"}.get(notified.event, "show") in message.text
    decides = "approvals approve refund-42 --as anna" in message.text
    assert decides == (notified.event not in ("question", "ended"))


LINK = "https://console/m/Zu1-x_"


def test_a_personal_link_takes_the_place_of_commands() -> None:
    reader = Reader("anna", "Anna", page=LINK)
    body = mail(notice(), status(), reader).text.partition("Details:")[2].partition("\n-- \n")[0]
    assert (
        body
        == """

  amount: 730.00

Open the request, look, then press a button. Opening the link decides nothing.

https://console/m/Zu1-x_

The link is for you alone: whoever has it can answer in your name. Do not forward this mail.
"""
    )


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize(("notified", "shown"), TOLD, ids=lambda one: getattr(one, "key", ""))
def test_a_link_is_in_both_forms_of_every_mail(
    notified: Notice, shown: Status, language: Language
) -> None:
    reader = Reader("anna", "Anna", language, page=LINK)
    message = mail(notified, shown, reader)
    assert LINK in message.text.replace("  ", "").split("\n")
    assert message.html is not None
    assert f'href="{LINK}"' in message.html
    assert "musterwerk approvals" not in message.text + message.html
    warned = {"en": "Do not forward", "de": "nicht weiter"}[language] in message.text
    assert warned == asks(notified, shown) == ("style" in message.html.partition(LINK)[2][:10])


def test_where_log_in_is_required_the_mail_says_so() -> None:
    reader = Reader("anna", "Anna", "de", page=LINK)
    message = mail(notice(), status(login_required=True), reader)
    assert "Sie müssen sich anmelden" in message.text


def test_the_rules_own_reasons_are_translated_or_not_repeated() -> None:
    split = notice("ended", text="no outcome can reach its quorum any more")
    assert (
        "> Keine Entscheidung kann" in mail(split, ended("rejected", "reject"), ANNA_IN_GERMAN).text
    )
    late = notice("ended", text="nobody decided in time")
    assert ">" not in mail(late, ended("expired", "reject"), ANNA_IN_GERMAN).text


def test_a_substitute_learns_for_whom_and_has_nothing_to_delegate() -> None:
    message = mail(notice(), status(), Reader("anna", "Anna", stands_in_for=("ben", "eve")))
    assert "You get this because you stand in for ben, eve." in message.text
    assert "delegate" not in message.text


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize(("notified", "shown"), TOLD, ids=lambda one: getattr(one, "key", ""))
def test_whatever_others_write_stays_text(
    notified: Notice, shown: Status, language: Language
) -> None:
    given = {"subject": EVIL, "details": {EVIL: EVIL}, "level_name": EVIL, "requester": EVIL}
    reader = Reader('<b id="1">', EVIL, language, stands_in_for=(EVIL,))
    evil = shown.model_copy(update={**given, "by": (EVIL,), "claimed_by": EVIL})
    told = notified.model_copy(update={"text": EVIL, "actor": EVIL})
    message = mail(told, evil, reader)
    assert message.html is not None
    tags = Tags(message.html)
    assert tags.names <= {
        *("html", "head", "meta", "title", "body", "p", "br", "table", "tr", "td"),
        *("strong", "pre", "code"),
    }
    # Links are ours alone, and this reader has none.
    assert "href" not in message.html
    assert message.subject.isprintable()
    # Nothing but our own lines begins at the margin.
    assert "\nBcc:" not in message.text
    assert not {"\u202e", "\0", "\r"} & set(message.text + message.html)


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        assert {name for name, _ in attrs} <= {"style", "lang", "charset"}


def test_an_id_with_spaces_is_one_word_in_a_command() -> None:
    message = mail(notice(), status(), Reader("anna huber; ls", "Anna"))
    assert "approve refund-42 --as 'anna huber; ls'" in message.text


@pytest.mark.parametrize(
    "given",
    [list(range(1000)), {str(n): n for n in range(1000)}, "line\n" * 1000, {"note": "a\n" * 1000}],
    ids=["list", "table", "text", "long value"],
)
def test_details_are_cut_and_say_so(given: Any) -> None:
    lines = details(given, "en")
    assert len(lines) == MAX_LINES + 1
    assert lines[-1].startswith("... (cut after 40 lines")


def test_a_megabyte_on_one_line_is_cut() -> None:
    (line,) = details({"blob": "x" * 1_000_000}, "en")
    assert len(line) < 400
    assert line.endswith("...")


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=60,
)


@given(JSON)
def test_any_details_become_a_few_printable_lines(given: Any) -> None:
    lines = details(given, "de")
    assert len(lines) <= MAX_LINES + 1
    assert all(line.isprintable() and len(line) < 400 for line in lines)


def test_deeply_nested_details_end_somewhere() -> None:
    nested: Any = "end"
    for _ in range(200):
        nested = {"in": [nested]}
    assert details(nested, "en")[-1].strip() == "- ..."


@pytest.mark.parametrize(
    ("zone", "language", "shown"),
    [
        ("Europe/Berlin", "en", "1 Jul 2026, 14:05 CEST"),
        ("Europe/Berlin", "de", "01.07.2026, 14:05 MESZ"),
        ("UTC", "de", "01.07.2026, 12:05 UTC"),
        ("America/Sao_Paulo", "en", "1 Jul 2026, 09:05 UTC-03"),
        ("No/Where", "en", "1 Jul 2026, 12:05 UTC"),
    ],
)
def test_times_are_the_readers(zone: str, language: Language, shown: str) -> None:
    assert moment(datetime(2026, 7, 1, 12, 5, tzinfo=UTC), zone, language) == shown


def test_each_reader_has_a_key_of_their_own_that_repeats() -> None:
    def keys(*messages: Message) -> list[str]:
        return [message.key for message in messages]

    first = mail(notice(), status(), ANNA)
    again = mail(notice(), status(version=9), ANNA)
    other = mail(notice(), status(), Reader("ben", "Ben"))
    assert keys(first) == keys(again) != keys(other)
    assert all(key.isascii() and " " not in key for key in keys(first, other))


def test_a_machine_is_told_the_same_as_data() -> None:
    data = event(notice("reminded"), status()).data
    assert json.loads(json.dumps(data)) == data
    assert data["event"] == "reminded"
    assert "details" not in data
