"""The data converter as a worker uses it, on this thread: payloads, failures, codecs."""

# pyright: reportPrivateUsage=false, reportUnknownMemberType=false
from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.bridge.worker import decode_activation, encode_completion
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
)

from musterwerk.errors import SimulationError

T = TypeVar("T")


class Converter:
    """A data converter; its asynchronous codec, if it has one, is run to its end at once."""

    def __init__(self, converter: DataConverter, wait: Callable[[Awaitable[Any]], Any]) -> None:
        if converter.external_storage is not None:
            raise SimulationError(
                "The simulator does not support external storage of payloads: give it a data"
                " converter without `external_storage`"
            )
        self.given = converter
        self._wait = wait
        self._codec = converter.payload_codec is not None
        self._takes_context = _takes_context(converter)

    def within(self, context: type[SerializationContext], **about: Any) -> Converter:
        """The converter as it is for the activity or workflow that this is `about`."""
        if not self._takes_context:
            return self
        given = self.given.with_context(context(**about))
        return self if given is self.given else Converter(given, self._wait)

    def encode(self, values: Sequence[Any]) -> list[Payload]:
        if self._codec:
            return self._wait(self.given.encode(values))
        return list(self.given.payload_converter.to_payloads(values))

    def decode(self, payloads: Sequence[Payload], types: list[type] | None) -> list[Any]:
        if self._codec:
            return self._wait(self.given.decode(payloads, types))
        return self.given.payload_converter.from_payloads(payloads, types)

    def encode_all(self, values: Sequence[Any]) -> Payloads | None:
        return Payloads(payloads=self.encode(values)) if values else None

    def encode_failure(self, error: BaseException) -> Failure:
        failure = Failure()
        if self._codec:
            self._wait(self.given.encode_failure(error, failure))
        else:
            converter = self.given.payload_converter
            self.given.failure_converter.to_failure(error, converter, failure)
        return failure

    def decode_failure(self, failure: Failure) -> BaseException:
        copy = Failure()
        copy.CopyFrom(failure)
        if self._codec:
            return self._wait(self.given.decode_failure(copy))
        return self.given.failure_converter.from_failure(copy, self.given.payload_converter)

    def decode_activation(self, activation: WorkflowActivation) -> WorkflowActivation:
        """What the workflow is given. The original stays as it is on the wire."""
        if not self._codec:
            return activation
        copy = WorkflowActivation()
        copy.CopyFrom(activation)
        self._wait(decode_activation(copy, self.given, False, 1))
        return copy

    def encode_completion(self, completion: WorkflowActivationCompletion) -> None:
        if self._codec:
            self._wait(encode_completion(completion, self.given, False, 1))


class WithoutContext(PayloadConverter):
    """The same converter, which Temporal does not ask for a fitting one with each activity.

    Only for those that would answer with themselves.
    """

    def __init__(self, given: PayloadConverter) -> None:
        self._given = given

    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        return self._given.to_payloads(values)

    def from_payloads(
        self, payloads: Sequence[Payload], type_hints: list[type] | None = None
    ) -> list[Any]:
        return self._given.from_payloads(payloads, type_hints)


def _takes_context(converter: DataConverter) -> bool:
    """Most converters do not, which spares every activity the question."""
    payloads = converter.payload_converter
    payloads = getattr(payloads, "_inner_payload_converter", payloads)
    parts: list[object] = [payloads, converter.payload_codec, converter.failure_converter]
    if isinstance(payloads, CompositePayloadConverter) and _plain(type(payloads)):
        parts[:1] = payloads.converters.values()
    return any(isinstance(part, WithSerializationContext) for part in parts)


def _plain(kind: type[CompositePayloadConverter]) -> bool:
    """Whether the context is for its parts alone."""
    plain = CompositePayloadConverter
    return (
        kind.with_context is plain.with_context
        and kind.get_converters_with_context is plain.get_converters_with_context
    )
