"""Models by name or folder: a folder holds ``model.safetensors`` and ``card.md``. Nothing is ever unpickled.

Names are those of the built-in models, and of those in the user's own folder.
"""

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from platformdirs import user_data_path

from napari_focusfuse.config import Recipe
from napari_focusfuse.core.encode.network import Encoder, SESFNet
from napari_focusfuse.core.files import clean, part_of, remove
from napari_focusfuse.core.files.both import clean_both, write_both
from napari_focusfuse.core.files.checked import check_regular
from napari_focusfuse.errors import ModelError
from napari_focusfuse.models.card import CardFacts, card_facts, training_card
from napari_focusfuse.models.checkpoint import (
    CHECKPOINT,
    checked,
    checkpoint_recipe,
    header,
    header_of,
    load_state,
    module_of,
    packed,
    put,
    recipe_of,
    save_state,
    spared_by,
    tensors_of,
    write,
)

__all__ = [
    "ALIASES",
    "FOLDER_VARIABLE",
    "CardFacts",
    "Model",
    "card_facts",
    "check_folder",
    "check_name",
    "checkpoint_recipe",
    "holds_model",
    "list_models",
    "load_model",
    "load_state",
    "model_card",
    "save_model",
    "save_state",
    "shipped_models",
    "spared_model",
    "trained_by",
    "training_card",
    "user_folder",
]

WEIGHTS = Path(__file__).parent.parent / "weights"
#: Environment variable that names another folder for the user's own models.
FOLDER_VARIABLE = "FOCUSFUSE_MODELS"
#: What "default" means; the benchmark decides.
ALIASES = {"default": "sesf-focus"}
_FILE, _CARD = "model.safetensors", "card.md"
#: Letters of a card that are shown, and of a name that nothing has.
_LONGEST_CARD, _LONGEST_NAME = 1_000_000, 200
#: What one system or another does not allow in the name of a folder.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]|^[. ]|[. ]$')


@dataclass(frozen=True)
class Model:
    """A trained encoder, with or without its decoder.

    Attributes
    ----------
    name : str
        Name in the registry, or of the folder.
    encoder : Encoder
        The part that fusion uses, in evaluation mode.
    network : SESFNet or None
        The same encoder with its decoder, where there is one.
    sha256 : str
        Of the weights.
    """

    name: str
    encoder: Encoder
    network: SESFNet | None
    sha256: str


def user_folder() -> Path:
    """Where the user's own models are: one folder each, in the place that the system has for a program's data."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else user_data_path("napari-focusfuse", appauthor=False) / "models"


def shipped_models() -> list[str]:
    """Names of the models that come with the package."""
    return _names(WEIGHTS)


def list_models() -> list[str]:
    """Names of the models there are: those that come with the package, then the user's own."""
    shipped = shipped_models()
    return [*shipped, *(name for name in _names(user_folder()) if not _taken(name))]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(found.name for found in folder.iterdir() if (found / _FILE).is_file())
    except OSError:
        return []


def _taken(name: str) -> bool:
    return name in ALIASES or name in shipped_models()


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a model of one's own.

    Raises
    ------
    ModelError
    """
    if not name or _FORBIDDEN.search(name):
        raise ModelError(f"{name!r} cannot be the name of a model: use letters, digits and simple signs")
    if _taken(name):
        raise ModelError(f"{name!r} is the name of a built-in model: choose another")


def model_card(name: str) -> str:
    """Text of the model's card: data and its licence, command, seed, date, scores."""
    card = _folder(name) / _CARD
    try:
        check_regular(card)
        with card.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST_CARD)
    except OSError:
        return f"{name} has no card."


def _folder(name: str | os.PathLike[str]) -> Path:
    shipped = WEIGHTS / ALIASES.get(str(name), str(name))
    for candidate in (shipped, user_folder() / name, Path(name)):
        with suppress(OSError):  # longer than a name can be
            if (candidate / _FILE).is_file():
                return candidate
    known = ", ".join(["default", *list_models()])
    asked = str(name) if len(str(name)) <= _LONGEST_NAME else f"{str(name)[:_LONGEST_NAME]}..."
    raise ModelError(f"there is no model {asked!r}: choose one of {known}, or a folder that holds {_FILE}")


def holds_model(folder: Path) -> bool:
    """Whether a folder holds a model or a checkpoint of one."""
    return (folder / _FILE).exists() or (folder / CHECKPOINT).exists()


def check_folder(folder: Path) -> None:
    """Make the folder of a model and see that files can be written there.

    Raises
    ------
    OutputError
        They cannot.
    """
    clean_both(folder / _FILE, folder / _CARD)
    clean(folder / CHECKPOINT)
    probe = part_of(folder / _FILE)
    write(probe, b"")
    remove(probe)


def spared_model(folder: Path, *, resumed: bool) -> str:
    """The sha256 of the model of an earlier training in `folder`, which a new one does not touch before it is complete.

    Empty if there is none. A training that is `resumed` spares the model that it spared before, if that is still there.
    """
    try:
        found = header(folder / _FILE).get("sha256", "")
        return found if not resumed or found == spared_by(folder) else ""
    except ModelError:
        return ""


def load_model(name: str | os.PathLike[str] = "default") -> Model:
    """Load a model.

    Parameters
    ----------
    name : str or path
        A name that `list_models` gives, "default", or a folder with ``model.safetensors``.

    Raises
    ------
    ModelError
        No such model, or its file is damaged or of another architecture.
    """
    folder = _folder(name)
    tensors, metadata = checked(folder / _FILE)
    model = module_of(folder / _FILE, tensors, metadata)
    encoder, network = (model.encoder, model) if isinstance(model, SESFNet) else (model, None)
    return Model(folder.resolve().name, encoder, network, metadata["sha256"])


def trained_by(name: str | os.PathLike[str]) -> Recipe:
    """The recipe that a model is trained further by, by the header of its file; "paper" where none can be read."""
    try:
        return recipe_of(header(_folder(name) / _FILE))
    except ModelError:
        return "paper"


def save_model(model: SESFNet | Encoder, folder: Path, card: str) -> None:
    """Write ``model.safetensors`` and ``card.md`` to `folder`, both whole or not at all."""
    content = packed(tensors_of(model), header_of(model))
    main = (folder / _FILE, partial(put, content=content))
    write_both(main, (folder / _CARD, partial(put, content=card.encode())), overwrite=True)
