"""The course of a training, from validation to validation until there is a reason to end."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Generator
from typing import Any, ClassVar, Generic, TypeVar

from napari_focusfuse.core.training._clock import Clock
from napari_focusfuse.core.training._state import LearningReport, LearningState, LogEntry
from napari_focusfuse.errors import TrainingError

__all__ = ["Course"]

Report = TypeVar("Report", bound=LearningReport)


class Course(ABC, Generic[Report]):
    """Trains round by round; a round fits, validates and gives a log entry.

    Parameters
    ----------
    state : LearningState
        Where to begin; `state.trained` is what is validated.
    clock : Clock
    patience : int
        Rounds without a better one that end the training; 0: never.
    """

    #: What a round is called where patience ends, and what is complete in the end.
    rounds: ClassVar[str]
    complete: ClassVar[str]

    def __init__(self, state: LearningState[Any], clock: Clock, patience: int) -> None:
        self._course, self._clock, self._patience = state, clock, patience

    def iter_rounds(self) -> Generator[Report, None, Any]:
        """Train until there is a reason to end; the last report of a round carries the state."""
        state = self._course
        if state.origin and not state.log:
            yield from self._iter_start()
        while not (state.ended or self._reason()):
            yield from self._iter_kept()
        state.ended = state.ended or self._reason()

    @abstractmethod
    def is_complete(self) -> bool:
        """Whether there are no more rounds."""

    @abstractmethod
    def iter_round(self) -> Generator[Report, None, Any]:
        """Fit, cut short where `state.ended` is set, and validate.

        Returns the log entry; moments and example of the state are set.
        """

    @abstractmethod
    def iter_validation_loss(self, what: str) -> Generator[Report, None, Any]:
        """Validate, and return the loss."""

    @abstractmethod
    def report(self, *, kept: bool = False) -> Report:
        """Where the training stands; with its state where a round was `kept`."""

    def _reason(self) -> str:
        """Why the training is over between two rounds; empty if it is not."""
        if self.is_complete():
            return f"all {self.complete} are done"
        if self._patience and self._course.since_best >= self._patience:
            return f"no improvement for {self._patience} {self.rounds}"
        return self._clock.cut()

    def _iter_start(self) -> Generator[Report, None, Any]:
        """See how good the model is that is started from; if nothing gets better, it stays the best."""
        state = self._course
        state.best = copy.deepcopy(state.trained.state_dict())
        state.start_loss = yield from self.iter_validation_loss("validating the model to start from")

    def _iter_kept(self) -> Generator[Report, None, Any]:
        """A round whose model is kept if it is the best so far."""
        state = self._course
        entry: LogEntry = yield from self.iter_round()
        if not math.isfinite(entry.loss):
            raise TrainingError(
                f"the validation loss is no longer a number: lower the learning rate ({entry.learning_rate:.2g})"
            )
        if entry.loss < state.best_loss:
            state.best = copy.deepcopy(state.trained.state_dict())
        state.log.append(entry)
        yield from self._clock.give(self.report(kept=True))
