"""What a training does in its thread, and what it lets the viewer see of it."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_focusfuse.core.progress import Progress, Returning
from napari_focusfuse.gui.common.plots import preload
from napari_focusfuse.gui.common.worker import Work

if TYPE_CHECKING:
    from napari_focusfuse.core.training import LogEntry
    from napari_focusfuse.core.training.autoencoder import Example
    from napari_focusfuse.core.training.encoder import RankExample

__all__ = ["History", "Watched", "watched"]


@dataclass(eq=False)
class History:
    """How a training has gone so far; the thread only ever adds to it.

    Attributes
    ----------
    counted : str
        What positions are counted in: "epochs" or "steps".
    steps : list of (float, float)
        Position and loss of each batch.
    log : tuple of log entries
        What validations have found.
    example : Example, RankExample or None
        What is made of a validation image.
    """

    counted: str = "epochs"
    steps: list[tuple[float, float]] = field(default_factory=list)
    log: "tuple[LogEntry, ...]" = ()
    example: "Example | RankExample | None" = None


@dataclass(frozen=True)
class Watched(Progress):
    """A step of a training, with all that there is to see."""

    history: History


def watched(begin: Callable[[], Generator[Progress, None, Any]]) -> Work:
    """A training whose steps carry a `History`; what is done besides training is passed on as it is."""
    from napari_focusfuse.core.training import LearningReport

    preload()
    history = History()
    fitted = 0
    work = Returning(begin())
    for step in work:
        if not isinstance(step, LearningReport):
            yield step
            continue
        history.counted = step.counted
        if step.state is not None:
            history.example, history.log = step.state.example, tuple(step.state.log)
        elif step.done > fitted:
            fitted = step.done
            history.steps.append((step.at, step.curve))
        yield Watched(step.done, step.total, f"{step.what}, {step.pace}" if step.done else step.what, history)
    return work.result
