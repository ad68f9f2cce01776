"""Connections to Temporal, by Temporal's own conventions.

Without arguments the environment decides (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`,
`TEMPORAL_API_KEY`, the TLS variables) and the profile in Temporal's own configuration file, as
for the `temporal` command. What is given explicitly wins.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from temporalio.client import Client, Interceptor, Plugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig

from musterwerk.errors import ServerError, UsageError

DEFAULT_ADDRESS = "localhost:7233"
DEFAULT_NAMESPACE = "default"
_RETRY_EVERY = 0.2


@dataclass(frozen=True)
class Target:
    """Which server is meant. An isolated target ignores the environment and profiles."""

    address: str | None = None
    namespace: str | None = None
    isolated: bool = False

    async def connect(self, *, patience: float = 5.0) -> Client:
        return await connect(
            self.address, self.namespace, isolated=self.isolated, patience=patience
        )


async def connect(
    address: str | None = None,
    namespace: str | None = None,
    *,
    isolated: bool = False,
    patience: float = 5.0,
    plugins: Sequence[Plugin] = (),
    interceptors: Sequence[Interceptor] = (),
) -> Client:
    """Connect with pydantic payloads; tries for `patience` seconds, then raises `ServerError`.

    `isolated` ignores the environment and profiles: nobody's production gets a demo by accident.
    """
    config = ClientConnectConfig() if isolated else load_config()
    target = address or config.get("target_host") or DEFAULT_ADDRESS
    if "://" in target:
        raise UsageError(f"a Temporal address is HOST:PORT without a scheme; this is {target!r}")
    config["target_host"] = target
    config["namespace"] = namespace or config.get("namespace") or DEFAULT_NAMESPACE
    last: Exception | None = None
    try:
        async with asyncio.timeout(patience):
            while True:
                try:
                    return await Client.connect(
                        **config,
                        data_converter=pydantic_data_converter,
                        plugins=plugins,
                        interceptors=interceptors,
                    )
                except ValueError as error:
                    raise UsageError(f"{target!r} is no address (HOST:PORT): {error}") from error
                except RuntimeError as error:  # what the SDK raises, whatever the reason
                    last = error
                await asyncio.sleep(_RETRY_EVERY)
    except TimeoutError:
        raise ServerError(
            f"no Temporal server answers at {target} ({_reason(last)}). "
            "Start one with `musterwerk dev`, or say where it is: --address or TEMPORAL_ADDRESS."
        ) from last


def _reason(error: Exception | None) -> str:
    """The SDK shows its whole chain of causes in Rust's notation; the innermost text tells most."""
    if error is None:
        return "it does not respond"
    quoted = re.findall(r'"([^"]+)"', str(error))
    return quoted[-1] if quoted else str(error)


def load_config() -> ClientConnectConfig:
    """What Temporal's environment variables and profile file say; empty when there is nothing."""
    try:
        return ClientConfig.load_client_connect_config()
    except RuntimeError as error:
        raise UsageError(
            f"Temporal's configuration (TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE) cannot be used: "
            f"{error}"
        ) from error
