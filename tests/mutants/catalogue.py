"""All order sagas: `MUTANTS` have one bug each, `CORRECT` have none."""

from __future__ import annotations

from tests.mutants import correct_plain_course as course
from tests.mutants import correct_plain_ending as ending
from tests.mutants import correct_plain_messages as messages_right
from tests.mutants import correct_plain_registering as registering_right
from tests.mutants import correct_saga_course as saga_course
from tests.mutants import correct_saga_orders as saga_orders
from tests.mutants import plain_cancelling as cancelling
from tests.mutants import plain_keys as keys
from tests.mutants import plain_messages as messages
from tests.mutants import plain_outcomes as outcomes
from tests.mutants import plain_pivot as pivot
from tests.mutants import plain_registering as registering
from tests.mutants import plain_replaying as replaying
from tests.mutants import plain_runs as runs
from tests.mutants import plain_side_by_side as side_by_side
from tests.mutants import plain_undoing as undoing
from tests.mutants import saga_worlds, worlds
from tests.mutants import with_saga_course as wrong_course
from tests.mutants import with_saga_steps as wrong_steps
from tests.mutants.cases import Case, Message
from tests.mutants.invariants import INVARIANTS, refunds_come_last
from tests.mutants.saga_worlds import SagaWorld
from tests.mutants.worlds import TwoPieces

IN_ORDER = (*INVARIANTS, refunds_come_last)
CANCEL_ORDER = (Message("signal", "cancel_order", ("O-1",)),)
APPROVE = (Message("signal", "approve", ()),)
GIFT_WRAP = (Message("update", "gift_wrap", ("O-1",)),)

_BY_HAND: tuple[Case, ...] = (
    Case(registering.RegistersAfter),
    Case(registering.RegistersTheReceipt),
    Case(registering.TriesTooLate),
    Case(registering.ForgetsTheStock),
    Case(registering.TakesCancelledForNotDone, needs=("cancel",)),
    Case(registering.BindsTooLate, TwoPieces),
    Case(cancelling.SwallowsTheCancellation, needs=("cancel",)),
    Case(cancelling.CatchesException, needs=("cancel",)),
    Case(cancelling.CatchesWhatTheActivityRaised),
    Case(cancelling.TakesNoCancellationForAFailure, needs=("cancel",)),
    Case(cancelling.Unshielded, faults=2, needs=("cancel",)),
    Case(cancelling.ShieldsOnce, faults=2, needs=("cancel",)),
    Case(cancelling.ShieldsEach, faults=2, needs=("cancel",)),
    Case(undoing.UndoesInTheOrderOfDoing, invariants=IN_ORDER),
    Case(undoing.UndoesOnce, faults=2),
    Case(undoing.GivesUp, faults=2),
    Case(undoing.StopsAtTheFirstFailure, faults=2),
    Case(undoing.CollectsAndIgnores, faults=2),
    Case(undoing.DoesNotWait),
    Case(undoing.GoesBackTheWrongWay),
    Case(undoing.RefundsAnotherAmount),
    Case(pivot.UndoesForTheMail),
    Case(pivot.UndoesWhenCancelledLate, needs=("cancel",)),
    Case(pivot.TakesTheSignalAtAnyTime, needs=("messages",), messages=CANCEL_ORDER),
    Case(pivot.HurriesTheParcel),
    Case(outcomes.PaysAnotherWay),
    Case(outcomes.PaysUnderANewKey),
    Case(outcomes.LosesPatience),
    Case(outcomes.ShipsOnSuspicion),
    Case(side_by_side.LeavesTheSiblingRunning),
    Case(side_by_side.LosesTheSiblingsSuccess),
    Case(side_by_side.MissesTheGroup, hangs=True),
    Case(side_by_side.LooksAtOneBranchOnly),
    Case(runs.TrustsTheChild, others=(runs.Payment,)),
    Case(runs.AbandonsTheChild, needs=("cancel",), others=(runs.Payment,)),
    Case(runs.ForgetsWhenContinued),
    Case(runs.CatchesEverything),
    Case(messages.ForgetsTheSignal, needs=("messages",), messages=CANCEL_ORDER),
    Case(messages.PromisesWhatIsTooLate, needs=("messages",), messages=CANCEL_ORDER),
    Case(messages.TakesUpdatesWhileUndoing, faults=2, needs=("messages",), messages=GIFT_WRAP),
    Case(messages.LetsBothWin, needs=("messages",), messages=APPROVE),
    Case(replaying.CountsInTheModule, faults=2, needs=("kill",)),
    Case(replaying.MakesUpAKey, faults=2, needs=("kill",)),
    Case(replaying.RegistersOnlyTheFirstTime, faults=2, needs=("kill",)),
    Case(replaying.NamesTheActivityAtRandom, needs=("kill",), hangs=True),
    Case(keys.KeyOfTheClock),
    Case(keys.Persistent, worlds.KeyPerAttempt),
    Case(keys.Persistent, worlds.FreshKeys),
    Case(keys.Persistent, worlds.WithoutKeys),
    Case(keys.PersistentLocal, worlds.WithoutKeys, needs=("kill",)),
    Case(keys.PersistentLocal, faults=2, needs=("cancel", "kill")),
    Case(keys.UndoesEverything, worlds.BlindRefunds),
    Case(keys.Order, worlds.WithoutTombstones),
    Case(keys.Order, worlds.OneTableOfKeys),
    Case(keys.Order, worlds.RepeatedRefunds, faults=2),
)

_WITH_SAGA: tuple[Case, ...] = (
    Case(wrong_steps.PaysBesideTheSaga, SagaWorld),
    Case(wrong_steps.AddsTheUndoAfterwards, SagaWorld),
    Case(wrong_steps.RunsWithoutAnUndo, SagaWorld),
    Case(wrong_steps.GoesOnAfterAFailure, SagaWorld),
    Case(wrong_steps.SaysShippedAnyway, SagaWorld),
    Case(wrong_steps.OpensASagaForEach, SagaWorld),
    Case(wrong_course.TellsBeforeThePivot, SagaWorld),
    Case(wrong_course.ContinuesWithoutItsState, SagaWorld),
    Case(wrong_course.RunsTheChildByHand, SagaWorld, others=(wrong_course.PaymentSaga,)),
    Case(wrong_course.SetsTheCheckpointTooEarly, SagaWorld),
    Case(wrong_course.TakesARepetitionForARefusal, saga_worlds.RefusesARepetition),
    Case(wrong_course.CancelsWithoutWaiting, saga_worlds.SagaWithoutTombstones, needs=("cancel",)),
    Case(saga_orders.SagaOrder, saga_worlds.SagaWithoutTombstones),
    Case(saga_orders.SagaOrder, saga_worlds.UsesTheWholeKey),
    Case(saga_orders.SagaOrder, saga_worlds.RefundsByReceipt),
    Case(saga_orders.SagaOrder, saga_worlds.RefundsTheGoods),
    Case(saga_orders.PersistentSagaOrder, saga_worlds.AddsTheAttempt),
    Case(wrong_course.LocalSagaOrder, saga_worlds.SagaWithoutKeys, needs=("kill",)),
    Case(wrong_course.LocalSagaOrder, SagaWorld, faults=2, needs=("cancel", "kill")),
    Case(saga_orders.AsksForThePayment, saga_worlds.BelievesInPayments),
)

_RIGHT_BY_HAND: tuple[Case, ...] = (
    Case(keys.Order, invariants=IN_ORDER),
    # One attempt at most: keys that differ between attempts, or none at all, do no harm.
    Case(keys.Order, worlds.WithoutKeys),
    Case(keys.Order, worlds.KeyPerAttempt),
    Case(keys.Order, worlds.FreshKeys),
    Case(keys.Persistent, invariants=IN_ORDER),
    Case(keys.UndoesEverything, invariants=IN_ORDER),
    Case(registering_right.RegistersInALoop, invariants=IN_ORDER),
    Case(registering_right.RefundsByTheOrder, invariants=IN_ORDER),
    Case(registering_right.TriesFromTheStart, invariants=IN_ORDER),
    Case(registering_right.StrikesOffWhatWasRefused),
    Case(registering_right.BindsInTime, TwoPieces, invariants=IN_ORDER),
    Case(registering_right.RefundsTheSameAmount),
    Case(registering_right.MakesUpAKeyOnce),
    Case(registering_right.KeyOfTheStart),
    Case(registering_right.PersistsWithinAMinute),
    Case(ending.EndsWhenCancelled, invariants=IN_ORDER),
    Case(ending.ThinksAgainByHand, invariants=IN_ORDER),
    Case(ending.CatchesByTwoNames, invariants=IN_ORDER),
    Case(ending.SaysSorryByHand, invariants=IN_ORDER),
    Case(ending.ShieldsALoopOfItsOwn, invariants=IN_ORDER),
    Case(ending.UndoesSideBySideToTheEnd),
    Case(ending.UndoesWithUnlimitedAttempts, invariants=IN_ORDER),
    Case(ending.StartsAndWaits),
    Case(ending.GoesBackTheRightWay),
    Case(ending.MailsWithoutUndoing),
    Case(ending.WaitsOutsideOfTheBlock),
    Case(course.RefundsBeforePayingAnotherWay),
    Case(course.PaysUnderTheSameKey),
    Case(course.UndoesWhenImpatient),
    Case(course.WaitsForTheAnswer),
    Case(course.SettlesBothBranches),
    Case(course.CatchesTheGroup),
    Case(course.RefundsForTheChild, others=(runs.Payment,)),
    Case(course.RemembersWhenContinued),
    Case(course.ContinuesUnharmed),
    Case(messages_right.RemembersTheSignal, messages=CANCEL_ORDER),
    Case(messages_right.TakesTheSignalInTime, messages=CANCEL_ORDER),
    Case(messages_right.RefusesUpdatesWhileUndoing, messages=GIFT_WRAP),
    Case(messages_right.LetsOneWin, messages=APPROVE),
)

_RIGHT_WITH_SAGA: tuple[Case, ...] = (
    Case(saga_orders.SagaOrder, SagaWorld),
    Case(saga_orders.SagaOrder, saga_worlds.SagaWithoutKeys),
    Case(saga_orders.SagaOrder, saga_worlds.AddsTheAttempt),
    Case(saga_orders.PersistentSagaOrder, SagaWorld),
    Case(saga_orders.AddsTheUndoFirst, SagaWorld),
    Case(saga_orders.SaysSorry, SagaWorld),
    Case(saga_orders.AsksForThePayment, SagaWorld),
    Case(saga_orders.HasADeadline, SagaWorld),
    Case(saga_orders.ThinksAgain, SagaWorld),
    Case(wrong_course.CancelsWithoutWaiting, SagaWorld),
    Case(saga_course.TellsAfterThePivot, SagaWorld),
    Case(saga_course.WaitsAfterThePivot, SagaWorld),
    Case(saga_course.ContinuesWithItsState, SagaWorld),
    Case(saga_course.RunsTheChildInTheSaga, SagaWorld, others=(saga_course.HoldingPayment,)),
    Case(saga_course.TriesAnotherCarrier, SagaWorld),
    Case(saga_course.KnowsARepetition, saga_worlds.RefusesARepetition),
    Case(saga_course.Gathers, SagaWorld),
    Case(saga_course.UsesATaskGroup, SagaWorld),
    Case(saga_course.UndoesSideBySide, SagaWorld),
)

MUTANTS: tuple[Case, ...] = (*_BY_HAND, *_WITH_SAGA)
CORRECT: tuple[Case, ...] = (*_RIGHT_BY_HAND, *_RIGHT_WITH_SAGA)
