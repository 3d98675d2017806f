"""Weights of the methods that ours is compared with: one folder each, with a card. They are no models of ours."""

from functools import partial
from pathlib import Path

from torch import Tensor

from napari_focusfuse.core.files.both import write_both
from napari_focusfuse.models.checkpoint import checked, packed, put

__all__ = ["load_weights", "save_weights"]

_FOLDER = Path(__file__).parent.parent / "weights" / "methods"
_FILE, _CARD, _ARCHITECTURE = "weights.safetensors", "card.md", "compared-1"


def load_weights(method: str) -> tuple[dict[str, Tensor], str]:
    """The tensors that a method comes with, by name, and their sha256.

    Raises
    ------
    ModelError
        The file is damaged.
    """
    tensors, header = checked(_FOLDER / method / _FILE, _ARCHITECTURE)
    return tensors, header["sha256"]


def save_weights(tensors: dict[str, Tensor], folder: Path, card: str) -> None:
    """Write tensors and their card to `folder`, both whole or not at all."""
    content = packed(tensors, {"architecture": _ARCHITECTURE})
    main = (folder / _FILE, partial(put, content=content))
    write_both(main, (folder / _CARD, partial(put, content=card.encode())), overwrite=True)
