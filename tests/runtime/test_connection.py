"""Connections by Temporal's own conventions."""

from __future__ import annotations

import socket
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel

from musterwerk.errors import ServerError, UsageError
from musterwerk.runtime.connection import connect
from musterwerk.runtime.server import EmbeddedServer


class Price(BaseModel):
    amount: Decimal


@pytest.fixture
def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


async def test_environment_names_the_server(
    temporal_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker configured as Temporal's documentation says would look elsewhere."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal_server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "from-environment")
    client = await connect()
    assert client.service_client.config.target_host == temporal_server.address
    assert client.namespace == "from-environment"


async def test_profile_names_the_server(
    temporal_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`temporal config set` would have no effect on us."""
    profiles = tmp_path / "temporal.toml"
    profiles.write_text(f'[profile.staging]\naddress = "{temporal_server.address}"\n')
    monkeypatch.delenv("TEMPORAL_ADDRESS", raising=False)
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(profiles))
    monkeypatch.setenv("TEMPORAL_PROFILE", "staging")
    client = await connect()
    assert client.service_client.config.target_host == temporal_server.address


async def test_explicit_address_wins(
    temporal_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch, nowhere: str
) -> None:
    """`--address` would silently be overruled by a forgotten export."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", nowhere)
    client = await connect(temporal_server.address, "mine")
    assert client.service_client.config.target_host == temporal_server.address
    assert client.namespace == "mine"


async def test_isolated_ignores_the_environment(
    temporal_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo would run with production's namespace and key."""
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "production")
    monkeypatch.setenv("TEMPORAL_API_KEY", "secret")
    client = await connect(temporal_server.address, isolated=True)
    assert client.namespace == "default"
    assert client.service_client.config.api_key is None


async def test_unreachable_server_is_named(nowhere: str) -> None:
    """Who mistyped an address would read about transport errors."""
    with pytest.raises(ServerError, match=rf"answers at {nowhere} \(Connection refused\).*dev"):
        await connect(nowhere, isolated=True, patience=0.5)


async def test_silent_server_does_not_hang() -> None:
    """A firewall that swallows packets would make every command hang."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ServerError, match=address):
            await connect(address, isolated=True, patience=0.5)


@pytest.mark.parametrize("address", [":::", "http://localhost:7233"])
async def test_what_is_no_address_is_a_usage_error(address: str) -> None:
    """A mistyped address would be taken for a server that is down."""
    with pytest.raises(UsageError, match="HOST:PORT"):
        await connect(address, isolated=True)


async def test_broken_profile_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing profile would end in a traceback."""
    monkeypatch.setenv("TEMPORAL_PROFILE", "does-not-exist")
    with pytest.raises(UsageError, match="does-not-exist"):
        await connect()


async def test_payloads_are_pydantic(temporal_server: EmbeddedServer) -> None:
    """Models in workflow arguments would lose their Decimals."""
    client = await connect(temporal_server.address, isolated=True)
    price = Price(amount=Decimal("12.30"))
    payloads = await client.data_converter.encode([price])
    assert await client.data_converter.decode(payloads, [Price]) == [price]
