"""Ours, by the spatial frequency of deep features: the decision rule, behind the signature that all methods share."""

from collections.abc import Generator

import torch

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.core.decide import pipeline
from napari_focusfuse.core.encode.measures import FocusMeasure
from napari_focusfuse.core.progress import Progress
from napari_focusfuse.core.result import Decision
from napari_focusfuse.core.stack import Stack

__all__ = ["iter_sesf"]


def iter_sesf(
    stack: Stack, config: FusionConfig, *, encoder: FocusMeasure, device: torch.device
) -> Generator[Progress, None, Decision]:
    """Take each pixel from where the deep features have the most spatial frequency (Ma et al. 2020).

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> scene = ff.simulate((64, 64), slices=3)
    >>> image = ff.fuse(scene.stack, method="sesf", config=ff.FusionConfig(preset="quantitative")).image
    >>> ff.measure(scene.stack, image, truth=scene.truth, metrics=["psnr"])["psnr"] > 30
    True
    """
    return (yield from pipeline.iter_decide(stack, encoder, config, device, {}))
