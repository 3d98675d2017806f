"""How far what an edge head says is from the truth of a scene."""

import torch
from torch import Tensor

from napari_focusfuse.core.decide.rivals import mixed
from napari_focusfuse.core.edge_head import EdgeHead
from napari_focusfuse.core.head import power
from napari_focusfuse.core.training.candidate_head._contests import SeenContest

__all__ = ["edge_loss", "odds", "slices_off"]

#: A slice one step farther from the true depth than another counts exp(-2) of it.
_TARGET = 2.0
#: Weight of the decimal logarithm of the error of the fused image.
_IMAGE, _LEAST_ERROR = 2.0, 1e-6


def odds(scene: SeenContest, lead: Tensor) -> Tensor:
    """Logarithms (K, Y, X) of the odds of the slices, those that go with the rival as `lead` says."""
    scores = scene.contest.scores
    rival = scores - scores.gather(0, scene.found.second) - lead
    return torch.where(scene.found.own, scores - scores[:1], rival)


def edge_loss(head: EdgeHead, scene: SeenContest, lead: Tensor) -> Tensor:
    """Cross entropy between the odds and the true depth, plus what the fused image lacks: 5 dB count as much as 1.

    The margin that the head has not seen the surroundings of is left out.
    """
    inner = slice(head.reach, -head.reach)
    contest = scene.contest
    wanted = torch.softmax(-_TARGET * scene.off**2, dim=0)
    entropy = -(wanted * torch.log_softmax(odds(scene, lead), dim=0)).sum(dim=0)[inner, inner].mean()
    sharpness = power(contest.noise)
    weights = mixed(contest.scores, scene.found, lead, sharpness, head.trust.clamp_max(sharpness))
    fused = (weights * contest.greys).sum(dim=0)
    error = ((fused - scene.sharp) ** 2)[inner, inner].mean()
    return entropy + _IMAGE * torch.log10(error + _LEAST_ERROR)


def slices_off(scene: SeenContest, lead: Tensor) -> Tensor:
    """How many slices (Y, X) the pick is from the true depth."""
    picked = odds(scene, lead).argmax(dim=0, keepdim=True)
    return scene.off.abs().gather(0, picked)[0]
