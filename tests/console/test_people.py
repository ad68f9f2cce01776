"""People, absences, tokens and the trail over HTTP: who may see and change what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.console.office import Office, now, problem


async def test_everybody_knows_who_they_are(office: Office) -> None:
    """A client could not greet anybody, or offer what they may do."""
    me = await office.get("anna", "/me")
    assert (me["name"], me["roles"]) == ("Anna", [])
    assert me["principals"] == ["anna", "group:finance"]
    assert (await office.get("ada", "/me"))["roles"] == ["admin"]


async def test_people_are_seen_by_all_and_known_in_full_by_admins(office: Office) -> None:
    """Nobody could be delegated to; or everybody's address would be everybody's."""
    seen = {one["id"]: one for one in (await office.get("stranger", "/people"))["items"]}
    assert seen["anna"] | {"name": "Anna", "groups": ["finance"], "mail": None} == seen["anna"]
    full = {one["id"]: one for one in (await office.get("ada", "/people"))["items"]}
    assert (full["anna"]["mail"], full["otto"]["roles"]) == ("anna@example.com", ["operator"])
    groups = (await office.get("stranger", "/groups"))["items"]
    assert {"name": "finance", "members": ["anna", "ben"]} in groups


async def test_an_admin_changes_people_and_the_trail_names_them(office: Office) -> None:
    """Access would be given and taken without a trace."""
    ada = office("ada")
    new = {"name": "Zoë", "groups": ["finance"], "roles": ["approver"], "zone": "Europe/Berlin"}
    added = await ada.put("/people/zoe", json=new)
    assert added.json() == new | {
        "id": "zoe",
        "active": True,
        "mail": None,
        "language": "en",
    }
    changed = (await ada.put("/people/zoe", json={"active": False, "groups": []})).json()
    assert (changed["active"], changed["groups"], changed["name"]) == (False, [], "Zoë")
    group = await ada.put("/groups/finance", json={"members": ["anna", "carla"]})
    assert group.json()["members"] == ["anna", "carla"]
    assert (await ada.delete("/groups/managers")).status_code == 204
    lines = (await office.get("udo", "/audit", actor="ada"))["items"]
    assert {one["channel"] for one in lines} == {"rest"}
    assert lines[0]["event"] == "person_added"
    assert "group_dropped" in {one["event"] for one in lines}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/people/anna", {"roles": ["admin"]}),
        ("PUT", "/groups/finance", {"members": ["stranger"]}),
        ("DELETE", "/groups/finance", None),
        ("POST", "/tokens", {"person": "ada"}),
        ("GET", "/tokens?person=ada", None),
        ("GET", "/absences?person=anna", None),
        ("GET", "/audit", None),
        (
            "PUT",
            "/absences",
            {
                "person": "anna",
                "starts": "2026-01-01T00:00:00Z",
                "ends": "2099-01-01T00:00:00Z",
                "substitute": "stranger",
            },
        ),
    ],
)
async def test_what_is_an_admins_is_nobody_elses(
    office: Office, method: str, path: str, body: Any
) -> None:
    """Anybody with a token could give themselves everything."""
    for person in ("stranger", "otto"):
        problem(await office(person).request(method, path, json=body), 403, "forbidden")


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/people/zoe", {}, "name: is missing"),
        ("/people/zoe", {"name": "Zoë", "roles": ["king"]}, "there are approver"),
        ("/people/zoe", {"name": "Zoë", "mail": "no mail"}, "no mail address"),
        ("/people/zoe", {"name": "Zoë", "age": 7}, "age: no such field"),
        ("/groups/finance", {"members": ["nobody"]}, "nobody is known as 'nobody'"),
    ],
)
async def test_what_cannot_be_changes_nothing(
    office: Office, path: str, body: dict[str, Any], said: str
) -> None:
    """Half a change would be in force, unnoticed."""
    before = office.services.people.groups(), office.services.people.all()
    document = problem(await office("ada").put(path, json=body), 422, "invalid")
    assert said in document["detail"]
    assert (office.services.people.groups(), office.services.people.all()) == before


async def test_absences_are_ones_own(office: Office) -> None:
    """Somebody could make themselves anybody's substitute."""
    times = {"starts": now().isoformat(), "ends": (now() + timedelta(days=2)).isoformat()}
    mine = (await office("anna").put("/absences", json=times | {"substitute": "ben"})).json()
    assert (mine["person"], mine["substitute"]) == ("anna", "ben")
    again = (await office("anna").put("/absences", json=times | {"substitute": "carla"})).json()
    assert again["id"] == mine["id"]
    assert (await office.get("ben", "/absences"))["items"] == []
    problem(await office("ben").delete(f"/absences/{mine['id']}"), 404, "not-found")
    assert [one["id"] for one in (await office.get("ada", "/absences"))["items"]] == [mine["id"]]
    wrong = {"starts": times["ends"], "ends": times["starts"]}
    problem(await office("anna").put("/absences", json=wrong), 422, "invalid")
    assert (await office("ada").delete(f"/absences/{mine['id']}")).status_code == 204


async def test_a_token_is_shown_once_and_revoked_by_whose_it_is(office: Office) -> None:
    """A lost token would stay good; a listed one would be as good as lost."""
    new = {"person": "anna", "label": "laptop", "expires_at": (now() + timedelta(1)).isoformat()}
    made = await office("ada").post("/tokens", json=new)
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert (await office(None).get("/me", headers=headers)).json()["id"] == "anna"
    listed = (await office.get("anna", "/tokens"))["items"]
    (row,) = [one for one in listed if one["label"] == "laptop"]
    assert "mw_" not in str(listed)
    problem(await office("ben").delete(f"/tokens/{row['id']}"), 404, "not-found")
    assert (await office("anna").delete(f"/tokens/{row['id']}")).status_code == 204
    problem(await office(None).get("/me", headers=headers), 401, "unauthorized")
    past = {"person": "anna", "expires_at": "2020-01-01T00:00:00Z"}
    problem(await office("ada").post("/tokens", json=past), 422, "invalid")
    naive = {"person": "anna", "expires_at": "2099-01-01T00:00:00"}
    assert (
        "zone" in problem(await office("ada").post("/tokens", json=naive), 422, "invalid")["detail"]
    )


async def test_a_token_ends_unless_somebody_says_never(office: Office) -> None:
    """One that was forgotten somewhere would open the door for years."""
    usual = await office("ada").post("/tokens", json={"person": "anna"})
    until = datetime.fromisoformat(usual.json()["expires_at"])
    assert timedelta(days=89) < until - now() <= timedelta(days=90)
    never = await office("ada").post("/tokens", json={"person": "anna", "expires_at": None})
    assert never.json()["expires_at"] is None


async def test_the_trail_is_read_page_by_page(office: Office) -> None:
    """An auditor would see the first hundred lines, or some of them twice."""
    whole = (await office.get("udo", "/audit", limit=1000))["items"]
    assert len(whole) > 10
    found: list[int] = []
    after: int | None = 0
    while after is not None:
        page = await office.get("udo", "/audit", limit=3, after=after)
        found += [one["seq"] for one in page["items"]]
        after = page["next"]
    assert found == [one["seq"] for one in whole]
