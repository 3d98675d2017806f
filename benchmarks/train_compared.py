"""Train what the compared methods come with: ``python -m benchmarks.train_compared cnn FOLDER... -o OUT``.

`cnn`, `deepfuse` and `densefuse` are networks, `sr` is a dictionary. All use one thread.
"""

from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Annotated, NamedTuple

import torch
from cyclopts import App, Parameter
from torch import Tensor

from napari_focusfuse.api._fitting import iter_greys
from napari_focusfuse.cli._terminal import with_bar
from napari_focusfuse.core._types import Image
from napari_focusfuse.core.progress import Progress, drain
from napari_focusfuse.core.training import LearningReport
from napari_focusfuse.core.training.compared import LESSONS, best_of, iter_learn_compared
from napari_focusfuse.core.training.dictionary import iter_learn_dictionary
from napari_focusfuse.models.compared import save_weights

__all__ = ["train"]

#: Every tenth image is for validation.
_HELD_OUT = 10
_TITLES = {
    "cnn": "Classifier of sharp and blurred patches of 16 x 16 px (Liu et al. 2017), a quarter of the published width",
    "deepfuse": "Luminance network of DeepFuse (Prabhakar et al. 2017), trained without a reference by MEF-SSIM",
    "densefuse": "Encoder and decoder of DenseFuse (Li and Wu 2019), trained to reconstruct images; SSIM weighs 1,000",
    "sr": "Dictionary of 256 patches of 8 x 8 pixels for sparse representation (Yang and Li 2010), learned by K-SVD",
}

app = App(help="Train the weights of a method that ours is compared with.")


class _Learned(NamedTuple):
    """What is saved, how good it is, and the table of losses of its card."""

    tensors: dict[str, Tensor]
    score: str
    losses: str


@app.default
def train(
    method: str,
    images: Sequence[Path],
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    steps: int = 2000,
    seed: int = 0,
    licence: str = "not stated",
) -> None:
    """Train `method` on the images of folders, and write weights and card to `out`.

    Parameters
    ----------
    method
        cnn, deepfuse, densefuse or sr.
    images
        Folders of sharp images.
    out
        Folder for the weights and their card.
    steps
        Steps of the training; rounds of a dictionary.
    seed
        Of all random numbers.
    licence
        Of the images, for the card.
    """
    torch.set_num_threads(1)
    greys = drain(iter_greys(images))
    shown, held_out = [grey for k, grey in enumerate(greys) if k % _HELD_OUT], greys[::_HELD_OUT]
    started = perf_counter()
    learned = _dictionary(greys, steps, seed) if method == "sr" else _network(method, (shown, held_out), steps, seed)
    folders = [folder.name for folder in images]
    counts = (len(greys), 0) if method == "sr" else (len(shown), len(held_out))
    card = f"""# Weights of the method {method}

{_TITLES[method]}.

- use: see the licence of the training images
- command: `python -m benchmarks.train_compared {method} {" ".join(folders)} -o {method} --steps {steps} --seed {seed}`
- time: {(perf_counter() - started) / 60:.0f} min, one thread
- date: {date.today().isoformat()}
- software: napari-focusfuse {version("napari-focusfuse")}, torch {torch.__version__}
- training images: {counts[0]} ({", ".join(folders)}), and as many computed textures
- licence of the training images: {licence}
- validation images, never trained on: {counts[1] or "none"}
- {learned.score}

{learned.losses}"""
    save_weights(learned.tensors, out, card)


def _network(method: str, images: tuple[list[Image], list[Image]], steps: int, seed: int) -> _Learned:
    state = with_bar(iter_learn_compared(LESSONS[method], *images, steps, seed), method, line=_told)
    rows = [f"{e.step} | {e.learning_rate:.2e} | {e.train_loss:.4f} | {e.loss:.4f}" for e in state.log]
    score = f"validation loss: {state.best_loss:.4f} at step {state.kept}, which is kept"
    return _Learned(best_of(state).state_dict(), score, _table("step | learning rate | L | validation L", rows))


def _told(step: Progress) -> str | None:
    """What a validation has found."""
    kept = step.state if isinstance(step, LearningReport) else None
    return None if kept is None else f"{step.what}: {kept.log[-1].told}"


def _dictionary(images: list[Image], rounds: int, seed: int) -> _Learned:
    dictionary, errors = with_bar(iter_learn_dictionary(images, rounds, seed), "sr")
    rows = [f"{k} | {error:.4f}" for k, error in enumerate(errors, 1)]
    score = f"residual of five atoms: {errors[-1]:.4f} of a patch without its mean"
    return _Learned({"dictionary": torch.from_numpy(dictionary)}, score, _table("round | residual", rows))


def _table(head: str, rows: list[str]) -> str:
    rule = "|".join(["---"] * len(head.split("|")))
    return "\n".join(["## Losses", "", f"| {head} |", f"|{rule}|", *(f"| {row} |" for row in rows), ""])


if __name__ == "__main__":
    app()
