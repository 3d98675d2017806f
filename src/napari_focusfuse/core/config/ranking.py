"""Settings of training an encoder to rank slices by their focus."""

from dataclasses import dataclass

from napari_focusfuse.core.config._checks import whole, within
from napari_focusfuse.errors import FocusFuseError

__all__ = ["RankConfig"]


@dataclass(frozen=True, kw_only=True)
class RankConfig:
    """How to train by focus ranking: small simulated stacks, whose sharpest slice shall have the largest activity.

    Attributes
    ----------
    steps : int
        Batches.
    stacks : int
        Small stacks in a batch.
    crop : int
        Side of the stacks, px.
    procedural : float
        Share of stacks whose texture is computed instead of taken from the images.
    learning_rate : float
        Of Adam, at its largest; it rises over the first 100 steps and falls along a cosine.
    validate_every : int
        Steps between two validations.
    seed : int
        Seed of everything random.
    """

    steps: int = 5000
    stacks: int = 2
    crop: int = 64
    procedural: float = 0.5
    learning_rate: float = 1.5e-3
    validate_every: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("stacks", 1), ("crop", 16), ("validate_every", 1)):
            whole(name, getattr(self, name))
            within(name, getattr(self, name), least)
        within("procedural", self.procedural, 0, 1)
        if not self.learning_rate > 0:
            raise FocusFuseError(f"learning_rate must be greater than 0, not {self.learning_rate}")
