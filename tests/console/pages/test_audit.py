"""The audit view: for auditors only, searched, verified, exported."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from musterwerk.store.audit_folder import AuditFolder
from musterwerk.store.checkpoints import Checkpointer
from tests.console.office import Office
from tests.console.pages.browsing import Browser, asked


async def test_it_is_for_auditors(served: Office) -> None:
    anna = await Browser.of(served, "anna")
    for path in ("/audit", "/audit/verification", "/audit/lines.jsonl"):
        assert (await anna.get(path)).status == 403
    assert "Audit trail" not in (await anna.get("/inbox")).text


async def test_lines_are_found_and_lead_to_the_request(served: Office) -> None:
    handle = await asked(served, "Refund")
    await handle.approve(by="anna", reason="as agreed")
    udo = await Browser.of(served, "udo")
    page = await udo.get(f"/audit?request={handle.id}&actor=anna")
    assert "decided" in page.text
    assert "as agreed" in page.text
    assert "requested" not in page.text
    assert "Refund" in (await page.follow(handle.id)).text
    today = served.services.now().date()
    assert "Nothing fits" in (await udo.get(f"/audit?since={today + timedelta(days=2)}")).text
    assert "decided" in (await udo.get(f"/audit?since={today}&until={today}")).text
    assert (await udo.get("/audit?since=yesterday")).status == 422


async def test_older_lines_come_by_pages(served: Office) -> None:
    for number in range(120):
        served.services.people.change("anna", name=f"Anna {number}", actor="a", channel="cli")
    udo = await Browser.of(served, "udo")
    page = await (await udo.get("/audit?event=person_changed")).follow("Older")
    assert "Anna 1" in page.text
    assert "Older" not in page.links


async def test_what_is_exported_is_what_was_searched(served: Office) -> None:
    handle = await asked(served, "Refund")
    await handle.approve(by="anna")
    udo = await Browser.of(served, "udo")
    answer = (await udo.get(f"/audit/lines.jsonl?request={handle.id}")).response
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["event"] for line in lines] == ["requested", "asked", "decided", "ended"]


async def test_it_is_verified(served: Office, tmp_path: Path) -> None:
    served.services.audit = folder = AuditFolder(tmp_path / "audit")
    Checkpointer(served.services.store, folder).make(served.services.now())
    udo = await Browser.of(served, "udo")
    assert "as it was written" in (await udo.get("/audit/verification")).text
    with served.services.store.begin() as connection:
        connection.execute(text("DROP TRIGGER musterwerk_audit_no_update"))
        connection.execute(text("UPDATE musterwerk_audit SET actor = 'eve' WHERE seq = 3"))
    page = await udo.get("/audit/verification")
    assert "The trail was changed" in page.text
    assert "First at line 3" in page.text
