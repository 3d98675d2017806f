"""The course of a training, from validation to validation until there is a reason to end; state and optimiser."""

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from napari_focusfuse.core.progress import Clock, Progress, Returning, duration
from napari_focusfuse.errors import TrainingError

__all__ = [
    "Course",
    "LearningReport",
    "LearningState",
    "LogEntry",
    "freeze_norms",
    "going_on",
    "moments",
    "restore",
]

Report = TypeVar("Report", bound="LearningReport")
Found = TypeVar("Found")


class LogEntry(Protocol):
    """What a validation has found."""

    @property
    def at(self) -> int:
        """Epochs or steps done."""

    @property
    def learning_rate(self) -> float:
        """At the end."""

    @property
    def loss(self) -> float:
        """Validation loss; the best model is that of the smallest."""

    @property
    def curve(self) -> float:
        """The same, comparable with the losses of reports."""

    @property
    def seconds(self) -> float:
        """Time since the entry before."""

    @property
    def score(self) -> str:
        """How well it does, for people."""

    @property
    def told(self) -> str:
        """Losses and score, for people."""


Entry = TypeVar("Entry", bound=LogEntry)
State = TypeVar("State", bound="LearningState[Any]")


@dataclass(kw_only=True)
class LearningState(Generic[Entry]):
    """Where a training stands after a validation; recipes add what is trained, and their settings.

    Attributes
    ----------
    best : dict of str to Tensor
        State of what is trained when its validation loss was smallest.
    moments : dict of str to Tensor
        State of the Adam optimiser, flat: "INDEX.exp_avg" and so on.
    log : list of log entries
        One for each validation.
    origin : str
        The model that it started from, for people; empty for random weights.
    start_loss : float
        Validation loss of that model; infinite without.
    ended : str
        Why the training is over, for people; empty as long as it is not.
    example : object
        Something to look at: what the trained makes of an image that it was not trained on.
    """

    best: dict[str, Tensor] = field(default_factory=dict)
    moments: dict[str, Tensor] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    origin: str = ""
    start_loss: float = math.inf
    ended: str = ""
    example: Any = None

    @property
    def trained(self) -> nn.Module:
        """What is trained, as it is now."""
        raise NotImplementedError

    @property
    def best_loss(self) -> float:
        """The smallest validation loss so far."""
        return min(self._losses())

    @property
    def kept(self) -> int:
        """Epoch or step of the smallest validation loss; 0 where none is better than the model it started from."""
        best = self._best()
        return self.log[best - 1].at if best else 0

    @property
    def since_best(self) -> int:
        """Validations since the best one."""
        return len(self.log) - self._best()

    def _best(self) -> int:
        """Number of the entry with the smallest loss, from 1 on; 0 for the model it started from."""
        losses = self._losses()
        return losses.index(min(losses))

    def _losses(self) -> list[float]:
        return [self.start_loss, *(entry.loss for entry in self.log)]


@dataclass(frozen=True)
class LearningReport(Progress):
    """One step of training.

    Attributes
    ----------
    loss : float
        Of the last batch.
    per_second : float
        Units (`unit`) a second since the start or the resumption, validation included.
    seconds_left : float
        Estimate, at that rate and within the time budget.
    at : float
        Epochs or steps done, as the log counts them.
    state : LearningState or None
        Set on the report that follows a validation; valid until the next report.
    """

    #: What the pace counts, and what the log counts.
    unit: ClassVar[str] = "steps"
    counted: ClassVar[str] = "steps"

    loss: float = math.nan
    per_second: float = math.nan
    seconds_left: float = math.nan
    at: float = math.nan
    state: LearningState[Any] | None = None

    @property
    def curve(self) -> float:
        """The loss that can be compared with that of validations."""
        return self.loss

    @property
    def pace(self) -> str:
        """Throughput and the time left, for people."""
        return (
            f"{self.per_second:.{0 if self.per_second >= 10 else 1}f} {self.unit}/s, {duration(self.seconds_left)} left"
        )


def going_on(state: State, config: Any, limits: Iterable[str]) -> State:
    """The state, if it has these settings; when to stop (`limits`) may be another.

    Raises
    ------
    TrainingError
        It has others.
    """
    known = state.config  # type: ignore[attr-defined]
    same = type(known) is type(config)
    if not same or replace(known, **{name: getattr(config, name) for name in limits}) != config:
        raise TrainingError("the training was begun with other settings: resume with the same ones, or start a new one")
    state.config, state.ended = config, ""  # type: ignore[attr-defined]
    return state


def moments(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    """State of the optimiser, flat: "INDEX.exp_avg" and so on; valid until the next step."""
    parameters = optimizer.param_groups[0]["params"]
    return {f"{i}.{name}": value for i, p in enumerate(parameters) for name, value in optimizer.state[p].items()}


def restore(optimizer: torch.optim.Adam, flat: dict[str, Tensor]) -> None:
    """Go on with a state that `moments` gave."""
    parameters = optimizer.param_groups[0]["params"]
    for key, value in flat.items():
        index, name = key.split(".")
        parameter = parameters[int(index)]
        # The step counter stays on the CPU, where Adam wants it.
        where = torch.device("cpu") if name == "step" else parameter.device
        optimizer.state[parameter][name] = value.detach().clone().to(where)


def freeze_norms(network: nn.Module) -> None:
    """Have the batch norms keep their statistics; `train` lets them go again."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


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

    def _iter_timed(self, validation: Generator[Any, None, Found]) -> Generator[Report, None, Found]:
        """A validation, with a report at each of its steps; the clock keeps as much time for the last one."""
        before, steps = self._clock.spent, Returning(validation)
        for _ in steps:
            yield from self._clock.give(self.report())
        self._clock.validated(self._clock.spent - before)
        return steps.result

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
