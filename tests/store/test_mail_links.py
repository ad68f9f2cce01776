"""Links in mails: whom they are for, how often they are good, what is kept of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from musterwerk.store import ActTable, MailLinkTable, Store
from musterwerk.store.audit import AuditTrail
from musterwerk.store.mail_links import LIFETIME, MailLink, Shown

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SHOWN = Shown("refund/1", "refund", 1, "d" * 64, NOON + DAY)


@pytest.fixture
def links(store: Store) -> MailLinkTable:
    return MailLinkTable(store)


def issued(links: MailLinkTable, person: str = "anna", shown: Shown = SHOWN) -> MailLink:
    found = links.get(links.issue(shown, [person], NOON)[person])
    assert found is not None
    return found


def act(act_id: str) -> dict[str, Any]:
    return {"id": act_id, "kind": "decide", "by": "anna"}


def use(links: MailLinkTable, link: MailLink, act_id: str) -> bool:
    return links.use(link, act_id, act(act_id), NOON)


def test_each_person_has_a_secret_and_it_is_nowhere_in_the_database(
    links: MailLinkTable, store: Store
) -> None:
    secrets = links.issue(SHOWN, ["anna", "ben"], NOON)
    assert len({*secrets.values()}) == 2
    for person, secret in secrets.items():
        assert len(secret) == 43  # 256 bits
        found = links.get(secret)
        assert found is not None
        assert (found.person, found.request_id, found.revision) == (person, "refund", 1)
        links.note_view(found, NOON)
    with store.read() as connection:
        rows = connection.execute(text("SELECT * FROM musterwerk_mail_links")).all()
        trail = connection.execute(text("SELECT * FROM musterwerk_audit")).all()
    assert not [secret for secret in secrets.values() if secret in repr((rows, trail))]


def test_a_new_mail_about_the_same_voids_the_link_before(links: MailLinkTable) -> None:
    first = links.issue(SHOWN, ["anna", "ben"], NOON)
    reminder = links.issue(replace(SHOWN, notice="refund/2"), ["anna"], NOON)
    again = links.issue(SHOWN, ["anna"], NOON)
    assert links.get(first["anna"]) is None
    for secret in (first["ben"], reminder["anna"], again["anna"]):
        assert links.get(secret) is not None


def test_what_never_was_is_nothing(links: MailLinkTable) -> None:
    secret = links.issue(SHOWN, ["anna"], NOON)["anna"]
    for wrong in ("", secret[:-1], secret + "x", secret.swapcase(), "\ud800", "\0"):
        assert links.get(wrong) is None


def test_without_a_deadline_a_link_lives_for_a_month_and_is_forgotten_after_another(
    links: MailLinkTable,
) -> None:
    secret = links.issue(replace(SHOWN, expires_at=None), ["anna"], NOON)["anna"]
    found = links.get(secret)
    assert found is not None
    assert found.expires_at == NOON + LIFETIME
    for after, there in ((2 * LIFETIME, True), (2 * LIFETIME + DAY, False)):
        links.issue(replace(SHOWN, notice="another"), ["ben"], NOON + after)
        assert (links.get(secret) is not None) == there


def test_a_link_is_one_acts_and_the_act_is_kept_with_it(links: MailLinkTable, store: Store) -> None:
    link = issued(links)
    assert use(links, link, "a")
    assert use(links, link, "a")
    assert not use(links, link, "b")
    acts = ActTable(store)
    assert acts.get("a", "refund") is not None
    assert acts.get("b", "refund") is None


@pytest.mark.parametrize(("verdict", "free"), [("invalid", True), ("applied", False)])
def test_an_act_that_was_refused_leaves_the_link_good(
    links: MailLinkTable, store: Store, verdict: str, free: bool
) -> None:
    link = issued(links)
    assert use(links, link, "a")
    ActTable(store).state("a", "refund", "done", NOON, {"verdict": verdict})
    assert use(links, link, "b") == free


def test_of_several_at_once_one_uses_the_link(links: MailLinkTable) -> None:
    link = issued(links)
    with ThreadPoolExecutor(4) as threads:
        used = list(threads.map(partial(use, links, link), ["a", "b", "c", "d"]))
    assert sorted(used) == [False, False, False, True]


def test_views_at_once_are_one_line(links: MailLinkTable, store: Store) -> None:
    """A scanner would fill the trail, which is never shortened."""
    link = issued(links)
    with ThreadPoolExecutor(4) as threads:
        times = [NOON + timedelta(seconds=number) for number in range(4)]
        list(threads.map(partial(links.note_view, link), times))
    assert [one.event for one in AuditTrail(store).lines()] == ["link_viewed"]
