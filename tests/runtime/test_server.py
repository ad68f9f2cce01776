"""The embedded server, as `dev`, the demo and these tests use it."""

from __future__ import annotations

from temporalio.client import Client


async def test_client_reaches_server(client: Client) -> None:
    """Every other test stands on this one."""
    assert await client.service_client.check_health()
