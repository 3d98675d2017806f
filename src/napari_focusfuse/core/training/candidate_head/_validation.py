"""How well a candidate head decides on scenes that it was not trained on."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_focusfuse.config import DecideConfig
from napari_focusfuse.core.encode.candidate_head import CandidateHead
from napari_focusfuse.core.encode.network import Encoder
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.training.candidate_head._judged import Part, ScoredScene, ScoredScenes, part_of
from napari_focusfuse.core.training.candidate_head._loss import candidate_loss, slices_off
from napari_focusfuse.core.training.decision_head import DecideExample
from napari_focusfuse.core.training.encoder import HeldOut, RankScores

__all__ = ["CandidateExample", "Validation", "candidate_scores", "candidates_of"]

Image = NDArray[np.float32]
_SCENES, _SHOWN, _VALIDATING = 24, 1, 1


class CandidateExample(DecideExample):
    """The true image of a scene, its best candidates and the fused image, and how many slices each pick is off."""

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
        self._scenes = ScoredScenes(images, config, encoder, _VALIDATING)

    def scores(self, encoder: Encoder) -> Iterator[tuple[float, float]]:
        """See `HeldOut`."""
        head = candidates_of(encoder)
        return (_score(head, self._scenes[number]) for number in range(_SCENES))

    @torch.inference_mode()
    def example(self, encoder: Encoder) -> CandidateExample:
        """What is decided on a scene to look at: the true image, the best slices and the fusion; how far it is off."""
        task = part_of(self._scenes[_SHOWN], _whole(self._scenes[_SHOWN]))
        verdict = candidates_of(encoder)(task.candidates)
        greys = task.candidates.greys
        fused = (torch.softmax(verdict.mixing, dim=0) * greys).sum(dim=0, keepdim=True)
        shown = torch.cat([task.sharp[None], greys[:1], fused]).clamp(0, 1)
        return CandidateExample(shown.cpu().numpy(), slices_off(task, verdict).round().int().cpu().numpy())


def _whole(scene: ScoredScene) -> Part:
    return Part(range(len(scene.slices)), slice(None), slice(None))


@torch.inference_mode()
def _score(head: CandidateHead, scene: ScoredScene) -> tuple[float, float]:
    task = part_of(scene, _whole(scene))
    verdict = head(task.candidates)
    return candidate_loss(task, verdict).item(), (slices_off(task, verdict) <= 1).float().mean().item()


def candidates_of(encoder: Encoder) -> CandidateHead:
    """The candidate head that an encoder must have here."""
    if encoder.candidates is None:
        raise ValueError("the encoder has no candidate head")
    return encoder.candidates


def candidate_scores(encoder: Encoder, images: Sequence[Image], config: DecideConfig) -> RankScores:
    """How well a model decides on the scenes that a training with these images is validated on."""
    return drain(Validation(images, config, encoder).iter_scores(encoder))
