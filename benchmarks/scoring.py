"""What is measured of an outcome."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders import Outcome
from benchmarks.rows import NOTE
from benchmarks.scenes import Shot
from napari_focusfuse import api
from napari_focusfuse.core.metrics import (
    calibration_error,
    depth_rmse,
    edge_band,
    islands,
    right_pixels,
    wrong_pixels,
)
from napari_focusfuse.core.metrics.truth import psnr
from napari_focusfuse.core.result import Decision
from napari_focusfuse.core.stack.intensity import full_range, luminance

__all__ = [
    "CALIBRATION",
    "COHERENCE",
    "COSTS",
    "SIMULATED",
    "coherence_scores",
    "cost",
    "noise_gain",
    "pair_calibration",
    "pair_scores",
    "shot_scores",
]

COSTS = ("seconds", "peak_mb")
#: Score of a decision beside the true image of a pair.
CALIBRATION = "calibration"
#: Scores of a decision without truth, beside one that is known to be coherent; all in [0, 1].
COHERENCE = ("islands", "differs", "confidence_there")
#: Scores of a simulated stack; the shares of wrong pixels and of known depth are in [0, 1], depth in slices.
SIMULATED = (
    "psnr",
    "ssim",
    "decision_psnr",
    "noise_gain",
    "wrong",
    "wrong_edge",
    "wrong_interior",
    "depth_rmse",
    "depth_known",
    "confidence",
    "calibration",
)
_FULL = 65535
#: Where the errors of two photographs differ by less (share of full scale), either is right and nothing can be told.
_TELLING = 0.02


def cost(outcome: Outcome) -> dict[str, Any]:
    """Time and memory, or what went wrong."""
    if outcome.failure:
        return {NOTE: outcome.failure}
    return {"seconds": outcome.seconds, "peak_mb": outcome.peak_mb}


def pair_scores(outcome: Outcome, sources: Sequence[Any], truth: Any, metrics: Sequence[str]) -> Mapping[str, float]:
    """Metrics of a fused pair; nothing if there is no image."""
    if outcome.image is None:
        return {}
    known = [metric for metric in metrics if metric != CALIBRATION]
    scores: dict[str, float] = dict(api.measure(sources, outcome.image, truth=truth, metrics=known))
    if CALIBRATION in metrics and outcome.decision is not None and truth is not None:
        scores[CALIBRATION] = pair_calibration(outcome.decision, sources, truth)
    return scores


def pair_calibration(decision: Decision, sources: Sequence[Any], truth: Any) -> float:
    """Calibration error where one photograph is clearly nearer to the truth than the other; NaN if that is nowhere.

    A pixel is right if it is taken from the nearer one. "Clearly" is by more than 2 % of full scale, in grey.
    """
    full = full_range(np.asarray(truth).dtype)[1]
    errors = np.stack([np.abs(luminance(np.asarray(s)) - luminance(np.asarray(truth))) for s in sources]) / full
    telling = np.ptp(errors, axis=0) > _TELLING
    if not telling.any():
        return float("nan")
    right = np.argmin(errors, axis=0) == decision.index
    return calibration_error(decision.confidence[telling], right[telling])


def coherence_scores(outcome: Outcome, other: Decision) -> dict[str, float]:
    """How coherent the decision is, how often it takes another slice than `other`, and how sure it is there."""
    decision = outcome.decision
    if decision is None:
        return {}
    differs = decision.index != other.index
    there = float(decision.confidence[differs].mean()) if differs.any() else float("nan")
    return {"islands": islands(decision.index), "differs": float(differs.mean()), "confidence_there": there}


def shot_scores(outcome: Outcome, shot: Shot, metrics: Sequence[str] = ("psnr", "ssim")) -> dict[str, float]:
    """Scores of a simulated stack by name; those that need a decision only if there is one."""
    if outcome.image is None:
        return {}
    image = outcome.image if shot.lost is None else np.where(shot.lost, shot.truth, outcome.image)
    scores = api.measure(shot.stack, image, truth=shot.truth, metrics=metrics)
    return scores | (_decision_scores(outcome.decision, shot) if outcome.decision is not None else {})


def _decision_scores(decision: Decision, shot: Shot) -> dict[str, float]:
    from_clean = api.blend(shot.clean, decision).astype(np.float64)
    wrong = wrong_pixels(decision.index, shot.depth)
    edge = edge_band(shot.depth)
    known = np.isfinite(decision.depth)
    nothing = float("nan")
    return {
        "decision_psnr": psnr(shot.truth / _FULL, from_clean),
        "noise_gain": noise_gain(decision),
        "wrong": wrong.everywhere,
        "wrong_edge": wrong.edge if edge.any() else nothing,
        "wrong_interior": wrong.interior if not edge.all() else nothing,
        "depth_rmse": depth_rmse(decision.depth, shot.depth) if known.any() else nothing,
        "depth_known": float(known.mean()),
        "confidence": float(decision.confidence.mean()),
        "calibration": calibration_error(decision.confidence, right_pixels(decision.index, shot.depth)),
    }


def noise_gain(decision: Decision) -> float:
    """Mean over pixels of sqrt(sum w^2): what is left of noise that is independent in each slice.

    Parameters
    ----------
    decision : Decision

    Returns
    -------
    float
        1 where one slice is taken, 1/2 where four count the same.
    """
    power: NDArray[np.float64] = np.zeros(decision.shape)
    for k in np.unique(decision.labels):
        power += np.where(decision.labels == k, decision.weights, 0).sum(axis=0, dtype=np.float64) ** 2
    return float(np.sqrt(power).mean())
