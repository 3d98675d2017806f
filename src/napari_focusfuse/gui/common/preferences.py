"""The plugin's page in napari's preferences: what new widgets begin with, and how much of the machine is used."""

from typing import Any, NamedTuple

from napari_focusfuse.config import FusionConfig, Preset
from napari_focusfuse.gui.layers.source import Source

__all__ = ["Preferences", "limited", "limited_for", "preferences"]

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
