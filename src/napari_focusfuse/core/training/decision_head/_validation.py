"""How well a head decides on scenes that it was not trained on."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from napari_focusfuse.config import DecideConfig
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode.head import FocusHead
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.training.decision_head._loss import decide_loss, found, part_scores, slices_off, whole
from napari_focusfuse.core.training.decision_head._scenes import Scenes, SeenScene
from napari_focusfuse.core.training.encoder import HeldOut, RankExample, RankScores

__all__ = ["DecideExample", "Validation", "deciding_scores", "head_of"]

_SCENES, _SHOWN, _VALIDATING = 16, 1, 1


class DecideExample(RankExample):
    """The true image of a scene and some of its slices, and how many slices each pixel's pick is off (Y, X)."""

    __slots__ = ()


class Validation(HeldOut):
    """Scenes.

    Parameters
    ----------
    images : sequence of arrays (Y, X) float32
        Sharp and grey, in [0, 1]; may be empty.
    config : DecideConfig
    encoder : Encoder
    """

    def __init__(self, images: Sequence[Image], config: DecideConfig, encoder: Encoder) -> None:
        self._scenes = Scenes(images, config, encoder, _VALIDATING)

    def scores(self, encoder: Encoder) -> Iterator[tuple[float, float]]:
        """See `HeldOut`."""
        head = head_of(encoder)
        return (_score(head, self._scenes[number]) for number in range(_SCENES))

    @torch.inference_mode()
    def example(self, encoder: Encoder) -> DecideExample:
        """What a head decides on a scene to look at: the true image and every third slice; how far it is off."""
        scene, head = self._scenes[_SHOWN], head_of(encoder)
        part = whole(scene)
        off = slices_off(part_scores(head, scene, part), scene, part)
        shown = np.concatenate([scene.drawn.sharp[None], scene.drawn.slices[::3]]).clip(0, 1)
        return DecideExample(shown, off.round().int().cpu().numpy())


@torch.inference_mode()
def _score(head: FocusHead, scene: SeenScene) -> tuple[float, float]:
    part = whole(scene)
    scores = part_scores(head, scene, part)
    return decide_loss(head, scores, scene, part).item(), found(scores, scene, part)


def head_of(encoder: Encoder) -> FocusHead:
    """The decision head that an encoder must have here."""
    if encoder.head is None:
        raise ValueError("the encoder has no decision head")
    return encoder.head


def deciding_scores(encoder: Encoder, images: Sequence[Image], config: DecideConfig) -> RankScores:
    """How well a model with a head decides on the scenes that a training with these images is validated on."""
    return drain(Validation(images, config, encoder).iter_scores(encoder))
