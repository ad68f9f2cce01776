"""What the outside may ask of a workflow's sagas: the query that shows, the update that settles."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from musterwerk.errors import SagaUsageError
from musterwerk.saga.book import Book
from musterwerk.saga.deadletters import answer
from musterwerk.saga.execution import typed_result
from musterwerk.saga.model import DeadLetter, Resolve

QUERY = "saga_report"
UPDATE = "saga_resolve"
#: The signal by which a child offers its result to its parent's saga.
HELD = "saga_held"

# The SDK types handlers as bare Callable, which strict checking calls partially unknown.
_handlers: Any = workflow


class Registry:
    """All sagas of one workflow execution, behind one query and one update.

    It lives as the handler of the workflow's query, so that each execution has its own,
    sandboxed or not.
    """

    def __init__(self) -> None:
        self.sagas: dict[str, Book] = {}
        self.offers: dict[str, dict[str, Any]] = {}  # of children, by token

    @classmethod
    def current(cls) -> Registry:
        handler = _handlers.get_query_handler(QUERY)
        if handler is None:
            registry = cls()
            _handlers.set_query_handler(QUERY, registry.report)
            _handlers.set_update_handler(UPDATE, registry.resolve, validator=registry.validate)
            return registry
        registry = getattr(handler, "__self__", None)
        if not isinstance(registry, Registry):
            raise SagaUsageError(
                f"this workflow defines the query {QUERY!r} itself, which Saga needs; rename it"
            )
        return registry

    def add(self, saga: Book) -> None:
        if saga.name in self.sagas:
            raise SagaUsageError(
                f"this workflow already has a saga named {saga.name!r}; give each its own name, "
                'as in Saga("payment"): the name is part of the idempotency keys'
            )
        self.sagas[saga.name] = saga

    def accept_offers(self) -> None:
        """Take what children offer their parent's saga, from before they are started."""
        _handlers.set_signal_handler(HELD, self.held)

    def held(self, offer: dict[str, Any]) -> None:
        self.offers[offer["token"]] = offer["result"]

    def report(self) -> dict[str, Any]:
        """Every saga of this workflow: its steps, its undos, its dead letters."""
        return {"sagas": [saga.report() for saga in self.sagas.values()]}

    # A plain dict: the SDK looks annotations of a dataclass up in sys.modules, where a sandbox
    # into which the user has passed us through does not have them.
    def validate(self, given: dict[str, Any]) -> None:
        try:
            resolve = Resolve.read(given)
        except ValueError as err:
            raise ApplicationError(f"this is no answer to a dead letter: {err}") from None
        if wrong := resolve.flaw():
            raise ApplicationError(wrong)
        saga, letter = self._letter(resolve)
        if wrong := resolve.flaw(letter.report()):
            raise ApplicationError(wrong)
        if resolve.action == "done" and letter.direction == "do":
            _validate_result(saga, resolve)

    def resolve(self, given: dict[str, Any]) -> dict[str, Any]:
        """Settle a dead letter; returns it. Refused where none is open or one is settled."""
        resolve = Resolve.read(given)
        saga, letter = self._letter(resolve)
        answer(letter, resolve)
        return letter.report() | {"saga": saga.name}

    def _letter(self, resolve: Resolve) -> tuple[Book, DeadLetter]:
        if resolve.saga is not None and resolve.saga not in self.sagas:
            known = ", ".join(self.sagas)
            raise ApplicationError(f"no saga named {resolve.saga!r} here; there is {known}")
        found = [
            (saga, letter)
            for saga in self.sagas.values()
            if resolve.saga in (None, saga.name)
            and (letter := saga.letters.unsettled(resolve.step)) is not None
        ]
        if not found:
            raise ApplicationError(f"step {resolve.step!r} has no open dead letter")
        if len(found) > 1:
            names = ", ".join(saga.name for saga, _ in found)
            raise ApplicationError(f"step {resolve.step!r} is stuck in several sagas: {names}")
        saga, letter = found[0]
        if letter.pending is not None and letter.pending.action != "retry":
            raise ApplicationError(
                f"already resolved by {letter.pending.by}: {letter.pending.action}"
            )
        return saga, letter


def _validate_result(saga: Book, resolve: Resolve) -> None:
    (step,) = [step for step in saga.steps if step.id == resolve.step]
    try:
        typed_result(step, resolve.result)
    except Exception as err:
        raise ApplicationError(
            f"step {step.id} returns something else than {resolve.result!r}; say with "
            f"`result`, as JSON, what it would have returned: {err}"
        ) from None
