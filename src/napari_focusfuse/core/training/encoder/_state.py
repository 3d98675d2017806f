"""Where focus ranking stands, and what it reports."""

from dataclasses import dataclass, field
from typing import NamedTuple

from napari_focusfuse.config import RankConfig
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.training import LearningReport, LearningState
from napari_focusfuse.core.training.encoder._validation import RankExample

__all__ = ["RankLog", "RankReport", "RankState", "best_encoder"]


class RankLog(NamedTuple):
    """Mean losses since the last entry and of the validation, and share of validation pixels whose slice is found."""

    step: int
    learning_rate: float
    train_loss: float
    val_loss: float
    val_found: float
    seconds: float = 0.0

    @property
    def at(self) -> int:
        """Steps done."""
        return self.step

    @property
    def loss(self) -> float:
        """Validation loss."""
        return self.val_loss

    @property
    def curve(self) -> float:
        """Validation loss."""
        return self.val_loss

    @property
    def score(self) -> str:
        """How many pixels find their slice."""
        return f"{100 * self.val_found:.1f} % found"

    @property
    def told(self) -> str:
        """Losses and score, for people."""
        return f"loss {self.train_loss:.4g}, validation {self.val_loss:.4g} ({self.score})"


@dataclass
class RankState(LearningState[RankLog]):
    """Where training stands after a validation.

    Attributes
    ----------
    encoder : Encoder
        As it is now; its batch norms stay as they are.
    config : RankConfig
    example : RankExample or None
        What it decides on a small stack.
    """

    encoder: Encoder
    config: RankConfig
    example: RankExample | None = field(default=None, kw_only=True)

    @property
    def trained(self) -> Encoder:
        """The encoder."""
        return self.encoder

    @property
    def step(self) -> int:
        """Steps done."""
        return self.log[-1].step if self.log else 0


@dataclass(frozen=True)
class RankReport(LearningReport):
    """One step of training; `done` and `total` count steps."""

    state: RankState | None = None


def best_encoder(state: RankState) -> Encoder:
    """The encoder with the smallest validation loss, in evaluation mode, on the CPU."""
    encoder = Encoder(
        state.encoder.variant, decides=state.encoder.head is not None, judges=state.encoder.candidates is not None
    )
    encoder.load_state_dict(state.best)
    return encoder.eval()
