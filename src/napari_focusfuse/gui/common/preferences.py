"""What the user prefers, by the plugin's page in napari's preferences; models and devices that widgets offer."""

from pathlib import Path
from typing import Any, NamedTuple

from magicgui.widgets import ComboBox
from qtpy.QtCore import QObject, Signal

from napari_focusfuse.config import FusionConfig, Preset, Recipe
from napari_focusfuse.gui.layers.source import Source

__all__ = [
    "Choices",
    "Preferences",
    "device_box",
    "limited",
    "limited_for",
    "models_and_devices",
    "name_of",
    "news",
    "offer",
    "offer_all",
    "preferences",
    "shown_path",
]

_PLUGIN = "napari-focusfuse"


class Preferences(NamedTuple):
    """What the user prefers.

    Attributes
    ----------
    preset, model, device : str
        What a new widget begins with.
    threads : int
        Of a run; 0: as many as torch takes by itself.
    memory : float
        Limit of a fusion, GiB; 0: none.
    """

    preset: Preset = FusionConfig().preset
    model: str = "default"
    device: str = "auto"
    threads: int = 0
    memory: float = 0.0


def preferences() -> Preferences:
    """What is set now; ask in the main thread first."""
    from napari.settings import get_plugin_settings

    page = getattr(get_plugin_settings().get(_PLUGIN), "fusing", None)
    if page is None:
        return Preferences()
    return Preferences(*(getattr(page, name) for name in Preferences._fields))


def limited(source: Source, options: dict[str, Any]) -> dict[str, Any]:
    """Options of a fusion of `source`, with tiles that keep to the memory limit; it says so if there are none."""
    height, width = (n for i, n in enumerate(source.data.shape[:3]) if i != source.axis)
    return limited_for((height, width), options)


def limited_for(shape: tuple[int, int], options: dict[str, Any]) -> dict[str, Any]:
    """The same for slices of a height and width, px."""
    from napari_focusfuse import api

    config, set_now = options.get("config"), preferences()
    if not isinstance(config, FusionConfig) or not set_now.memory:
        return options
    return {**options, "config": api.within_memory(config, shape, set_now.memory, set_now.threads)}


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
    return ComboBox(value=wanted, choices=choices, tooltip="Device to compute on; auto uses a GPU if there is one.")


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
