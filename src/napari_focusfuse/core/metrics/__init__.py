"""Scores of fused images: one file per metric, and their descriptions in `METRICS`.

Images are grey (Y, X) float64 in [0, 1]; `measuring` makes them so. Each metric takes N sources, and its docstring says
how they are pooled. Depth and decisions are compared with the truth by `truth`. Nothing is drawn or printed here.
"""

from napari_focusfuse.core.metrics.gradients import AG, GLD, SF
from napari_focusfuse.core.metrics.information import QMI, QNCIE
from napari_focusfuse.core.metrics.metric import Metric
from napari_focusfuse.core.metrics.phase import QP
from napari_focusfuse.core.metrics.qcb import QCB
from napari_focusfuse.core.metrics.qg import QG
from napari_focusfuse.core.metrics.qm import QM
from napari_focusfuse.core.metrics.reblur import REBLUR
from napari_focusfuse.core.metrics.structure import QC, QS, QY
from napari_focusfuse.core.metrics.truth import (
    BIAS,
    PSNR,
    SSIM,
    WrongPixels,
    calibration_error,
    depth_rmse,
    edge_band,
    islands,
    right_pixels,
    wrong_pixels,
)

__all__ = [
    "METRICS",
    "Metric",
    "WrongPixels",
    "calibration_error",
    "depth_rmse",
    "edge_band",
    "islands",
    "right_pixels",
    "wrong_pixels",
]

_ALL = (QG, QM, QCB, QMI, QNCIE, QY, QP, QS, QC, REBLUR, AG, GLD, SF, PSNR, SSIM, BIAS)

#: Every metric by its name, the paper's three first and those that need the true image last.
METRICS = {metric.name: metric for metric in _ALL}
