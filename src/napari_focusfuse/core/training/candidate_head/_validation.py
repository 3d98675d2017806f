"""How well an edge head decides on scenes that it was not trained on."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from napari_focusfuse.core.config import DecideConfig
from napari_focusfuse.core.edge_head import EdgeHead
from napari_focusfuse.core.network import Encoder
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.training.candidate_head._contests import Contests, SeenContest
from napari_focusfuse.core.training.candidate_head._loss import edge_loss, slices_off
from napari_focusfuse.core.training.decision_head import DecideExample
from napari_focusfuse.core.training.encoder import HeldOut, RankScores

__all__ = ["EdgeExample", "Validation", "edge_scores", "edges_of"]

Image = NDArray[np.float32]
_SCENES, _SHOWN, _VALIDATING = 24, 1, 1


class EdgeExample(DecideExample):
    """The true image of a scene, its best candidates and their rivals, and how many slices each pick is off (Y, X).

    Where there is no rival, the best one stands in.
    """

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
        self._contests = Contests(images, config, encoder, _VALIDATING)

    def scores(self, encoder: Encoder) -> Iterator[tuple[float, float]]:
        """See `HeldOut`."""
        edges = edges_of(encoder)
        return (_score(edges, self._contests[number]) for number in range(_SCENES))

    @torch.inference_mode()
    def example(self, encoder: Encoder) -> EdgeExample:
        """What is decided on a scene to look at: the true image and the candidates; how far the pick is off."""
        scene, edges = self._contests[_SHOWN], edges_of(encoder)
        off = slices_off(scene, edges(scene.contest, scene.found))
        rival = scene.contest.greys.gather(0, scene.found.second)
        shown = torch.cat([scene.sharp[None], scene.contest.greys[:1], rival]).clamp(0, 1)
        return EdgeExample(shown.cpu().numpy(), off.round().int().cpu().numpy())


@torch.inference_mode()
def _score(edges: EdgeHead, scene: SeenContest) -> tuple[float, float]:
    lead = edges(scene.contest, scene.found)
    return edge_loss(edges, scene, lead).item(), (slices_off(scene, lead) <= 1).float().mean().item()


def edges_of(encoder: Encoder) -> EdgeHead:
    """The edge head that an encoder must have here."""
    if encoder.edges is None:
        raise ValueError("the encoder has no edge head")
    return encoder.edges


def edge_scores(encoder: Encoder, images: Sequence[Image], config: DecideConfig) -> RankScores:
    """How well a model decides on the scenes that a training with these images is validated on."""
    return drain(Validation(images, config, encoder).iter_scores(encoder))
