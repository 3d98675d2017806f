"""Models that the widgets of this session make and offer."""

from pathlib import Path
from typing import Any, NamedTuple

from magicgui.widgets import ComboBox
from qtpy.QtCore import QObject, Signal

from napari_focusfuse.config import Recipe
from napari_focusfuse.gui.common.preferences import preferences

__all__ = ["Choices", "device_box", "models_and_devices", "name_of", "news", "offer", "offer_all", "shown_path"]


class _News(QObject):
    """Tells every widget that offers models."""

    #: A model was written; the name or folder to load it by.
    written = Signal(str)


news = _News()


class Choices(NamedTuple):
    """What there is: models, the recipe that each is trained further by, and devices."""

    models: list[str]
    recipes: dict[str, Recipe]
    devices: list[str]


def models_and_devices() -> Choices:
    """What there is. Imports torch: ask in a thread."""
    from napari_focusfuse import api

    models = ["default", *api.list_models()]
    return Choices(models, {name: api.trained_by(name) for name in models}, api.list_devices())


def device_box() -> ComboBox:
    """Where to compute: what the user prefers to begin with, and what else is surely there."""
    wanted = preferences().device
    choices = list(dict.fromkeys(["auto", "cpu", wanted]))
    return ComboBox(value=wanted, choices=choices, tooltip="Where to compute; auto takes a GPU if there is one.")


def name_of(folder: Path) -> str:
    """What a model is loaded by: its name where the user's own models are, elsewhere its folder."""
    from napari_focusfuse import api

    return folder.name if folder.parent == api.models_folder() else str(folder)


def shown_path(path: Path) -> str:
    """A path for people: "~" for their own folder."""
    home = Path.home()
    return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)


def offer(box: ComboBox, name: str) -> None:
    """Offer a model besides those that a box offers already."""
    if name not in box.choices:
        offer_all(box, [*box.choices, name])


def offer_all(box: ComboBox, names: list[Any]) -> None:
    """Offer these, and what is chosen."""
    kept = box.value
    values = [name[1] if isinstance(name, tuple) else name for name in names]
    pairs = [name if isinstance(name, tuple) else (name, name) for name in names]
    box.choices = pairs if kept in values or kept is None else [*pairs, (kept, kept)]
    box.value = kept if kept is not None else values[0]
