"""A model's card: what it was trained on and how, for people; and the few facts of it that lists show."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version

import torch

from napari_focusfuse.core.training import TrainState

__all__ = ["CardFacts", "card_facts", "training_card"]


@dataclass(frozen=True)
class CardFacts:
    """What a list of models shows.

    Attributes
    ----------
    title : str
        Heading of the card.
    summary : str
        The sentence below it.
    licence : str
        Terms of the training images; empty where the card does not state them.
    scores : str
        How well images are given back that were not trained on; empty likewise.
    """

    title: str
    summary: str
    licence: str
    scores: str


def card_facts(card: str) -> CardFacts:
    """Read the facts from the text of a card."""
    lines = [line.strip() for line in card.splitlines() if line.strip()]
    plain = [line.strip("# ") for line in lines if not line.startswith("-")]
    title, summary = [*plain, "", ""][:2]
    return CardFacts(title, summary, _entry(lines, "licence"), _entry(lines, "reconstruction"))


def _entry(lines: Sequence[str], word: str) -> str:
    """What follows the colon of the first entry that begins with a word."""
    found = (re.match(rf"- {word}[^:]*: *(.*)", line) for line in lines)
    return next((match[1] for match in found if match), "")


def training_card(
    state: TrainState,
    images: Sequence[str],
    counts: tuple[int, int],
    scores: tuple[float, float] | None,
    licence: str,
) -> str:
    """Card of a model that was just trained: recipe, data and its licence, scores, date and the log of the losses.

    Parameters
    ----------
    state : TrainState
    images : sequence of str
        What it was trained on.
    counts : (int, int)
        Number of training and of validation images.
    scores : (float, float) or None
        PSNR (dB) and SSIM of the reconstruction of the validation images; None before the training has ended.
    licence : str
        Terms of the training images.
    """
    config = state.config
    settings = "\n".join(f"- {key}: {value}" for key, value in asdict(config).items())
    rows = "\n".join(
        f"| {e.epoch} | {e.learning_rate:.2e} | {e.train_total:.4f} | {e.train_pixel:.4f} | {e.train_ssim:.5f} "
        f"| {e.val_total:.4f} | {e.val_pixel:.4f} | {e.val_ssim:.5f} | {e.val_psnr:.2f} |"
        for e in state.log
    )
    return f"""# SESF encoder-decoder, {config.variant}

Encoder-decoder of SESF-Fuse (Ma et al. 2020), trained without labels to give grey images back.

- started from: {state.origin or "random weights"}
- date: {date.today().isoformat()}
- software: napari-focusfuse {version("napari-focusfuse")}, torch {torch.__version__}
- training images: {counts[0]} ({", ".join(images)})
- licence of the training images: {licence or "not stated"}
- validation images, never trained on: {counts[1]}
{_told_scores(state, scores)}
{_told_end(state)}

## Recipe

{settings}

## Losses

L = lambda L_ssim + L_p (Eq. 1-3), means over the batches of an epoch.

| epoch | learning rate | L | L_p | L_ssim | validation L | L_p | L_ssim | PSNR, dB |
|---|---|---|---|---|---|---|---|---|
{rows}
"""


def _told_scores(state: TrainState, scores: tuple[float, float] | None) -> str:
    if scores is None:
        best = state.log[state.best_epoch - 1] if state.best_epoch else None
        found = "no better than the model started from" if best is None else f"PSNR {best.val_psnr:.2f} dB"
        return f"- reconstruction of crops of the validation images: {found}"
    return f"- reconstruction of the validation images: PSNR {scores[0]:.2f} dB, SSIM {scores[1]:.4f}"


def _told_end(state: TrainState) -> str:
    """Which weights these are, and why there are no more epochs."""
    epoch = state.best_epoch
    which = f"weights of epoch {epoch}, the one" if epoch else "weights of the model started from, those"
    ended = state.ended or "not yet, it is under way or was interrupted"
    return f"- {which} with the smallest validation loss\n- end of the training: {ended}"
