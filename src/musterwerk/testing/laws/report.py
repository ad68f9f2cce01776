"""What came of the laws, for programs and for people."""

from __future__ import annotations

from dataclasses import dataclass

from musterwerk.testing.laws.sequences import LAWS, MEANING, WHAT_TO_DO, Law


@dataclass(frozen=True)
class Call:
    """One call of an activity, with its answer or its error."""

    activity: str
    attempt: int
    args: tuple[object, ...]
    answer: object = None
    error: Exception | None = None

    def __str__(self) -> str:
        given = ", ".join(repr(value) for value in self.args)
        raised = self.error is not None
        came = f"raised {in_words(self.error)}" if raised else f"answered {self.answer!r}"
        return f"{self.activity}({given}), attempt {self.attempt}: {came}"


@dataclass(frozen=True)
class BrokenLaw:
    """`expected` and `seen` are pictures of the world after the last of the calls; or texts, where
    an undo failed that must succeed."""

    law: Law
    calls: tuple[Call, ...]
    expected: object
    seen: object

    @property
    def what_to_do(self) -> str:
        return WHAT_TO_DO[self.law]

    def __str__(self) -> str:
        calls = [f"    {number}. {call}" for number, call in enumerate(self.calls, 1)]
        return "\n".join(
            [
                f"  {self.law}: {MEANING[self.law]}",
                *calls,
                f"    expected: {_text(self.expected)}",
                f"    seen:     {_text(self.seen)}",
                f"    What to do: {self.what_to_do}",
            ]
        )


@dataclass(frozen=True)
class LawReport:
    """At most one violation of each law, by the first sequence of calls that shows it."""

    do: str
    undo: str
    violations: tuple[BrokenLaw, ...]

    @property
    def ok(self) -> bool:
        return not self.violations

    def raise_if_violated(self) -> LawReport:
        """Raises AssertionError."""
        if not self.ok:
            raise AssertionError(str(self))
        return self

    def __str__(self) -> str:
        if self.ok:
            return f"{self.do} and {self.undo} keep all {len(LAWS)} laws."
        count = f"{len(self.violations)} of {len(LAWS)} laws"
        shown = "\n\n".join(str(violation) for violation in self.violations)
        return f"{self.do} and its undo {self.undo} violate {count}:\n\n{shown}"


def in_words(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)
