"""Models and devices by name, and how much of the machine may be used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_focusfuse.errors import FocusFuseError, OutputError

if TYPE_CHECKING:
    import torch

    from napari_focusfuse.config import FusionConfig, Recipe
    from napari_focusfuse.models import CardFacts, Model

#: How many threads torch takes by itself, once that was asked.
_automatic: list[int] = []


def list_devices() -> list[str]:
    """List the values of `device` on this machine, "auto" first.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> ff.list_devices()[:2]
    ['auto', 'cpu']
    """
    import torch

    found = ["auto", "cpu"]
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


def torch_device(name: str) -> torch.device:
    """The device of that name; "auto" is the fastest there is."""
    import torch

    found = list_devices()
    if name == "auto":
        return torch.device(found[-1] if len(found) > 2 else "cpu")
    kind, _, number = name.partition(":")
    known = kind in found[1:] and (not number or (number.isdecimal() and int(number) < _count(kind)))
    if not known:
        raise FocusFuseError(f"there is no device {name!r} here: choose one of {', '.join(found)}")
    return torch.device(name)


def _count(kind: str) -> int:
    import torch

    return torch.cuda.device_count() if kind == "cuda" else 1


def load_model(name: str | os.PathLike[str] = "default") -> Model:
    """Load a model by its name or from a folder; see `napari_focusfuse.models.load_model`.

    Raises
    ------
    ModelError
        No such model, or its file is damaged or of another architecture.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> ff.load_model("sesf-cse").name
    'sesf-cse'
    """
    from napari_focusfuse.models import load_model as load

    return load(name)


def list_models() -> list[str]:
    """List the names of the models: the built-in ones, then those in `models_folder`.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> "sesf-cse" in ff.list_models()
    True
    """
    from napari_focusfuse.models import list_models as listed

    return listed()


def default_model() -> str:
    """The model that "default" stands for."""
    from napari_focusfuse.models import ALIASES

    return ALIASES["default"]


def model_card(name: str) -> str:
    """Text of a model's card: data and its licence, command, seed, date, scores.

    Raises
    ------
    ModelError
        There is no such model.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> "licence" in ff.model_card("sesf-cse").lower()
    True
    """
    from napari_focusfuse.models import model_card as card

    return card(name)


def trained_by(name: str | os.PathLike[str]) -> Recipe:
    """The recipe that trains the last part of a model.

    "paper" with a decoder, "candidates" with a candidate head, "decide" with a decision head alone, else "focus".
    """
    from napari_focusfuse import models

    return models.trained_by(name)


def models_folder() -> Path:
    """Folder of the user's own models, one folder each; the environment variable FOCUSFUSE_MODELS names another.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> ff.models_folder().is_absolute()
    True
    """
    from napari_focusfuse.models import user_folder

    return user_folder()


def model_facts(name: str) -> CardFacts:
    """Summary of a model card: title, licence of the training images, scores."""
    from napari_focusfuse.models import card_facts

    return card_facts(model_card(name))


def check_model_target(name: str, parent: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise now if a new model cannot be written to a folder `name` in `parent` later; nothing is written.

    Raises
    ------
    FocusFuseError
        It already contains a model, the name cannot be one, or is that of a built-in model.
    """
    from napari_focusfuse import models

    models.check_name(name)
    if models.holds_model(Path(parent) / name) and not overwrite:
        raise OutputError(f"{Path(parent) / name} already contains a model: choose another name, or allow replacing it")


def use_threads(threads: int) -> None:
    """Set the number of threads from now on; call it in the thread that computes.

    Parameters
    ----------
    threads : int
        0: torch chooses.

    Raises
    ------
    FocusFuseError
        The number is negative.
    """
    if threads < 0:
        raise FocusFuseError(f"{threads} threads cannot compute: give 1 or more, or 0 to let torch choose")
    if not threads and not _automatic:
        return
    import torch

    if not _automatic:
        _automatic.append(torch.get_num_threads())
    torch.set_num_threads(threads or _automatic[0])


def within_memory(config: FusionConfig, shape: tuple[int, int], limit: float, threads: int = 0) -> FusionConfig:
    """Settings with tiles so small that fusing slices of this size stays within a limit; the result is the same.

    Parameters
    ----------
    config : FusionConfig
    shape : (int, int)
        Height and width of the slices, px.
    limit : float
        GiB, besides what the program takes anyway; 0: no limit.
    threads : int
        Processor threads that will fuse; 0: all there are.

    Raises
    ------
    FocusFuseError
        It takes more even with the smallest tiles.
    """
    from napari_focusfuse.core.stack.workers import within

    return within(config, shape, limit, threads)
