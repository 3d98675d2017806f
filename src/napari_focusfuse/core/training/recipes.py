"""All recipes of training behind one signature: the paper's, focus ranking, and the heads that decide."""

from collections.abc import Callable, Generator, Sequence
from typing import Any

import torch

from napari_focusfuse.config import AnyTrainConfig, CandidateConfig, DecideConfig, RankConfig, Recipe
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.encode.network import Encoder, SESFNet
from napari_focusfuse.core.training.autoencoder import (
    TrainReport,
    TrainState,
    best_network,
    iter_train,
    reconstruction_scores,
)
from napari_focusfuse.core.training.candidate_head import candidate_scores, iter_learn_candidates
from napari_focusfuse.core.training.decision_head import deciding_scores, iter_learn_decision
from napari_focusfuse.core.training.encoder import iter_rank, ranking_scores
from napari_focusfuse.core.training.steps import RankReport, RankState, best_encoder
from napari_focusfuse.errors import TrainingError

__all__ = ["AnyTrainState", "best_model", "check_recipe", "iter_learn", "scores_of"]

AnyTrainState = TrainState | RankState


def iter_learn(
    images: Sequence[Image],
    validation: Sequence[Image],
    config: AnyTrainConfig,
    state: AnyTrainState | None = None,
    *,
    device: torch.device | None = None,
    stop: Callable[[], bool] | None = None,
    around: float = 0.0,
) -> Generator[TrainReport | RankReport, None, AnyTrainState]:
    """Train by the recipe of `config`.

    See `iter_train`, `iter_rank`, `iter_learn_decision` and `iter_learn_candidates`; of the time budget, `around` s are
    spent before, and needed again afterwards.

    Raises
    ------
    TrainingError
        `state` is of another recipe, or what the recipes say.
    """
    if state is not None:
        check_recipe(state.config.recipe, config.recipe)
    course: Any = {"device": device, "stop": stop, "around": around}
    focus = state if isinstance(state, RankState) else None
    if isinstance(config, CandidateConfig):
        return (yield from iter_learn_candidates(images, validation, config, focus, **course))
    if isinstance(config, DecideConfig):
        return (yield from iter_learn_decision(images, validation, config, focus, **course))
    if isinstance(config, RankConfig):
        return (yield from iter_rank(images, validation, config, focus, **course))
    paper = state if isinstance(state, TrainState) else None
    return (yield from iter_train(images, validation, config, paper, **course))


def check_recipe(begun: Recipe, asked: Recipe) -> None:
    """Refuse to go on by another recipe than a training was begun by.

    Raises
    ------
    TrainingError
    """
    if begun != asked:
        raise TrainingError(
            f"the training was started with the recipe {begun}, not {asked}: resume it with that one, or start anew"
        )


def best_model(state: AnyTrainState) -> SESFNet | Encoder:
    """What was trained, at its smallest validation loss, in evaluation mode, on the CPU."""
    return best_encoder(state) if isinstance(state, RankState) else best_network(state)


def scores_of(model: SESFNet | Encoder, images: Sequence[Image], config: AnyTrainConfig) -> dict[str, float]:
    """How well a model does on images that it was not trained on.

    Returns
    -------
    dict
        Recipe paper: "psnr" (dB) and "ssim" of the reconstruction. The others: "found", the share of the pixels of
        small stacks (focus) or of simulated scenes (decide, candidates) whose slice is found, and "loss".
    """
    if isinstance(config, RankConfig):
        encoder = model.encoder if isinstance(model, SESFNet) else model
        if isinstance(config, CandidateConfig):
            scores = candidate_scores(encoder, images, config)
        elif isinstance(config, DecideConfig):
            scores = deciding_scores(encoder, images, config)
        else:
            scores = ranking_scores(encoder, images, config)
        return {"found": scores.found, "loss": scores.loss}
    if not isinstance(model, SESFNet):
        raise TrainingError("an encoder without a decoder cannot reconstruct images")
    psnr, ssim = reconstruction_scores(model, images)
    return {"psnr": psnr, "ssim": ssim}
