"""The settings of our own method in the fusion widget; what has no effect is greyed."""

import math
from typing import Any

from napari_focusfuse.config import FusionConfig, Preset, Scales
from napari_focusfuse.gui.common.form import SettingsForm

__all__ = ["ConfigForm"]

#: Settings that have no effect while they are greyed.
_OFF = ("prefer", "min_region", "series")


class ConfigForm(SettingsForm[FusionConfig]):
    """A view of a `FusionConfig`: the preset, and the knobs that change the result behind "Advanced"."""

    def __init__(self) -> None:
        super().__init__(FusionConfig())
        self.boxes["preset"].changed.connect(self._on_preset)
        self.boxes["softness"].changed.connect(self._grey)
        self.boxes["scales"].changed.connect(self._on_scales)

    def shown(self) -> dict[str, Any]:
        """The settings shown; what is greyed has no effect."""
        off = {name: getattr(FusionConfig(), name) for name in _OFF if not self.boxes[name].enabled}
        return super().shown() | off

    def set_value(self, config: FusionConfig) -> None:
        """Show `config`."""
        with self.boxes["preset"].changed.blocked():
            super().set_value(config)
        self._on_scales(config.scales)

    def _on_preset(self, preset: Preset) -> None:
        self.set_value(FusionConfig(preset=preset))

    def _on_scales(self, scales: Scales) -> None:
        """Windows have a radius and levels; what is learned has its own, those of the preset are shown."""
        if scales != "window":
            for name in ("radius", "levels"):
                self.boxes[name].value = getattr(FusionConfig(), name)
        self._grey()

    def _grey(self, _softness: Any = None) -> None:
        """Leave on what has an effect."""
        shown = {name: self.boxes[name].value for name in ("preset", "scales", "softness")}
        windows, hard, paper = shown["scales"] == "window", math.isinf(shown["softness"]), shown["preset"] == "paper"
        effect = {
            "scales": not paper,
            "radius": windows,
            "levels": windows,
            "prefer": not windows and not hard,
            "min_region": hard,
            "series": paper,
        }
        for name, on in effect.items():
            self.boxes[name].enabled = on
