"""How far what a candidate head says is from the truth of a scene."""

import torch
from torch import Tensor

from napari_focusfuse.core.encode.candidate_head import FEW, Verdict
from napari_focusfuse.core.training.candidate_head._judged import Task
from napari_focusfuse.core.training.decision_head import TARGET

__all__ = ["candidate_loss", "slices_off"]

#: Margin whose surroundings the head has not seen, px.
_MARGIN = 8
#: Weight of the decimal logarithm of the error of the fused image: 5 dB count as much as 1 of cross entropy.
_IMAGE, _LEAST_ERROR = 2.0, 5e-7
_INNER = slice(_MARGIN, -_MARGIN)


def candidate_loss(task: Task, verdict: Verdict) -> Tensor:
    """Cross entropy between the odds and the true depth, plus what the fused image lacks.

    Where no candidate is right, none of them is wanted; of few slices the best is, as far as it can be told.
    """
    possible = torch.exp(-((task.off.abs().amin(dim=0, keepdim=True) - 1).clamp_min(0) ** 2))
    wanted = possible * torch.softmax(-TARGET * task.off**2, dim=0)
    odds = verdict.scores
    if task.candidates.slices > FEW:
        wanted = torch.cat([wanted, 1 - possible])
        odds = torch.cat([odds, verdict.none[None]])
    entropy = -(wanted * torch.log_softmax(odds, dim=0)).sum(dim=0)
    fused = (torch.softmax(verdict.mixing, dim=0) * task.candidates.greys).sum(dim=0)
    error = ((fused - task.sharp) ** 2)[_INNER, _INNER].mean()
    return entropy[_INNER, _INNER].mean() + _IMAGE * torch.log10(error + _LEAST_ERROR)


def slices_off(task: Task, verdict: Verdict) -> Tensor:
    """How many slices (Y, X) the choice is from the true depth."""
    return task.off.abs().gather(0, verdict.scores.argmax(dim=0, keepdim=True))[0]
