"""A model card: what the model was trained on and how; and the few facts of it that lists show."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version

import torch

from napari_focusfuse.core.training.autoencoder import TrainState
from napari_focusfuse.core.training.recipes import AnyTrainState
from napari_focusfuse.core.training.steps import RankState

__all__ = ["CardFacts", "card_facts", "training_card"]

_NO_BETTER = "no better than the model started from"


@dataclass(frozen=True)
class CardFacts:
    """What a list of models shows.

    Attributes
    ----------
    title : str
        Heading of the card.
    summary : str
        The sentence below it.
    recipe : str
        What it was trained by; empty where the card does not state it.
    licence : str
        Terms of the training images; empty likewise.
    scores : str
        How well it does on images that it was not trained on; empty likewise.
    """

    title: str
    summary: str
    recipe: str
    licence: str
    scores: str


def card_facts(card: str) -> CardFacts:
    """Read the facts from the text of a card."""
    lines = [line.strip() for line in card.splitlines() if line.strip()]
    plain = [line.strip("# ") for line in lines if not line.startswith("-")]
    title, summary = [*plain, "", ""][:2]
    scores = _entry(lines, "reconstruction") or _entry(lines, "decision")
    return CardFacts(title, summary, _entry(lines, "recipe"), _entry(lines, "licence"), scores)


def _entry(lines: Sequence[str], word: str) -> str:
    """What follows the colon of the first entry that begins with a word."""
    found = (re.match(rf"- {word}[^:]*: *(.*)", line) for line in lines)
    return next((match[1] for match in found if match), "")


def training_card(
    state: AnyTrainState,
    images: Sequence[str],
    counts: tuple[int, int],
    scores: Mapping[str, float] | None,
    licence: str,
) -> str:
    """Card of a model that was just trained: recipe, data and its licence, scores, date and the log of the losses.

    Parameters
    ----------
    state : TrainState or RankState
    images : sequence of str
        What it was trained on.
    counts : (int, int)
        Number of training and of validation images; without any, textures were computed.
    scores : mapping, or None
        What `napari_focusfuse.core.training.recipes.scores_of` gives; None before the training has ended.
    licence : str
        Terms of the training images.
    """
    settings = "\n".join(f"- {key}: {value}" for key, value in asdict(state.config).items())
    if isinstance(state, RankState):
        title, told, losses = _rank_title(state), _found(state, scores), _rank_losses(state)
    else:
        title, told, losses = _title(state), _reconstructed(state, scores), _losses(state)
    trained_on = f"{counts[0]} ({', '.join(images)})" if counts[0] else "none, textures are computed"
    terms = licence or ("not stated" if counts[0] else "none needed, there are no images")
    return f"""{title}

- recipe: {state.config.recipe}
- started from: {state.origin or "random weights"}
- date: {date.today().isoformat()}
- software: napari-focusfuse {version("napari-focusfuse")}, torch {torch.__version__}
- training images: {trained_on}
- licence of the training images: {terms}
- validation images, never trained on: {counts[1] or "none, textures are computed"}
- {told}
{_told_end(state)}

## Recipe

{settings}

## Losses

{losses}
"""


def _title(state: TrainState) -> str:
    return f"""# SESF encoder-decoder, {state.config.variant}

Encoder-decoder of SESF-Fuse (Ma et al. 2020), trained without labels to reconstruct grey images."""


def _rank_title(state: RankState) -> str:
    if state.config.recipe == "candidates":
        return f"""# SESF encoder with a decision head and a candidate head, {state.encoder.variant}

The encoder and the decision head of another model, and a head that decides between two candidate depths of a pixel:
trained on simulated scenes with known depth, so that the right one has the odds and the fused image is true."""
    if state.config.recipe == "decide":
        return f"""# SESF encoder with a decision head, {state.encoder.variant}

The encoder of another model, and a head that weights several scales: trained on simulated scenes with
known depth, so that the sharpest slice of each pixel has the largest activity and the fused image is true."""
    return f"""# SESF encoder, {state.encoder.variant}

Encoder of SESF-Fuse (Ma et al. 2020), trained without labels to rank slices by their focus, also under noise."""


def _losses(state: TrainState) -> str:
    rows = "\n".join(
        f"| {e.epoch} | {e.learning_rate:.2e} | {e.train_total:.4f} | {e.train_pixel:.4f} | {e.train_ssim:.5f} "
        f"| {e.val_total:.4f} | {e.val_pixel:.4f} | {e.val_ssim:.5f} | {e.val_psnr:.2f} |"
        for e in state.log
    )
    return f"""L = lambda L_ssim + L_p (Eq. 1-3), means over the batches of an epoch.

| epoch | learning rate | L | L_p | L_ssim | validation L | L_p | L_ssim | PSNR, dB |
|---|---|---|---|---|---|---|---|---|
{rows}"""


def _on_scenes(state: RankState) -> bool:
    """Whether it was trained on simulated scenes of known depth."""
    return state.config.recipe in ("decide", "candidates")


def _rank_losses(state: RankState) -> str:
    rows = "\n".join(
        f"| {e.step} | {e.learning_rate:.2e} | {e.train_loss:.4f} | {e.val_loss:.4f} | {100 * e.val_found:.1f} |"
        for e in state.log
    )
    more = ", plus twice the decimal logarithm of the error of the fused image" if _on_scenes(state) else ""
    return f"""L is the cross entropy between the wanted and the actual share of each slice in a pixel's activity{more};
mean since the last validation. Found: pixels whose sharpest slice has the largest activity, or the one next to it.

| step | learning rate | L | validation L | found, % |
|---|---|---|---|---|
{rows}"""


def _reconstructed(state: TrainState, scores: Mapping[str, float] | None) -> str:
    if scores is not None:
        return f"reconstruction of the validation images: PSNR {scores['psnr']:.2f} dB, SSIM {scores['ssim']:.4f}"
    found = f"PSNR {state.log[state.kept - 1].val_psnr:.2f} dB" if state.kept else _NO_BETTER
    return f"reconstruction of crops of the validation images: {found}"


def _found(state: RankState, scores: Mapping[str, float] | None) -> str:
    best = next((entry for entry in state.log if entry.step == state.kept), None)
    kind = "simulated scenes" if _on_scenes(state) else "small stacks"
    what = f"decision on {kind} of the validation images"
    if scores is not None:
        return f"{what}: {100 * scores['found']:.1f} % of the pixels found, loss {scores['loss']:.4f}"
    told = f"{100 * best.val_found:.1f} % of the pixels found, loss {best.val_loss:.4f}" if best else _NO_BETTER
    return f"{what}: {told}"


def _told_end(state: AnyTrainState) -> str:
    """Which weights these are, and why there are no more epochs."""
    unit = "step" if isinstance(state, RankState) else "epoch"
    which = f"weights of {unit} {state.kept}, the one" if state.kept else "weights of the model started from, those"
    ended = state.ended or "not yet, it is running or was interrupted"
    return f"- {which} with the smallest validation loss\n- end of the training: {ended}"
