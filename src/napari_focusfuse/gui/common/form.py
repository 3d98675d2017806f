"""The settings of a fusion as widgets: a view of `FusionConfig`, and a box for lengths."""

import math
from dataclasses import replace
from typing import Any, get_args

from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, SpinBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QToolButton, QVBoxLayout, QWidget

from napari_focusfuse.config import FusionConfig, Preset, Scales

__all__ = ["ConfigForm", "Folded", "LengthBox", "form_layout", "narrow"]

_FEW_LETTERS = 8

_SOFTNESS = [
    ("follow the noise", 0.0),
    *((f"power {power}", float(power)) for power in (1, 2, 4, 8, 16)),
    ("hard choice", math.inf),
]
_SCALES = [("learned", "learned"), ("windows of one radius", "window")]
_TIPS = {
    "preset": "default: several scales and soft weights, the best we know for noisy and large stacks.\n"
    "quantitative: the same decision, each pixel untouched from one slice.\n"
    "paper: SESF-Fuse as published (one scale, hard choice, consistency verification).",
    "scales": "What sharpness is measured in.\n"
    "learned: the scales and neighbourhoods that the model has learned to trust.\n"
    "windows of one radius: plain spatial frequency, for comparison.",
    "radius": "Radius of the window in which the sharpness of a slice is measured.\n"
    "Larger: more robust to noise and little texture. Smaller: more precise at depth edges.\n"
    "Only where sharpness is measured in windows of one radius.",
    "softness": "How firmly the sharpest slice wins: weights are (activity / best activity) to this power.\n"
    "Small powers average more slices, which lowers noise and blurs a little. "
    "A hard choice takes one slice a pixel.",
    "levels": "On how many scales the sharpness is measured: full, half and quarter size.\n"
    "More: far fewer wrong pixels under noise. 1: finest detail on clean images.\n"
    "Only where sharpness is measured in windows of one radius.",
    "min_region": "Patches smaller than this share of the image take the slice of their surroundings.\n"
    "Larger: a calmer decision map. 0: small objects are kept. Only with a hard choice.",
    "series": "Fuse the slices one after the other, as the paper does, instead of all at once.\n"
    "For comparison with the paper: slower and not better. Only with the preset paper.",
}


class LengthBox(QDoubleSpinBox):
    """A length in um, where 0 means that it is not known.

    Parameters
    ----------
    unknown : str
        Shown for 0.
    tooltip : str
    """

    def __init__(self, unknown: str, tooltip: str) -> None:
        super().__init__()
        #: A length that was set, and the value that the box shows of it.
        self._exact: tuple[float | None, float] = (None, 0.0)
        self.setDecimals(5)
        self.setRange(0, 1e6)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setSpecialValueText(unknown)
        self.setSuffix(" µm")
        self.setToolTip(tooltip)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:  # noqa: N802 (Qt's name)
        """The number without trailing zeros."""
        return self.locale().toString(value, "g", 6)

    def length(self) -> float | None:
        """The length, um, unrounded where it is still the one that was set; None if it is not known."""
        exact, shown = self._exact
        return (exact if self.value() == shown else self.value()) or None

    def set_length(self, length: float | None) -> None:
        """Show a length, um; None if it is not known."""
        self.setValue(length or 0.0)
        self._exact = (length if self.value() else None), self.value()


class IndexBox(QDoubleSpinBox):
    """A refractive index.

    Parameters
    ----------
    tooltip : str
    """

    def __init__(self, tooltip: str) -> None:
        super().__init__()
        self.setDecimals(3)
        self.setRange(1, 5)
        self.setSingleStep(0.01)
        self.setSpecialValueText("1 (air)")
        self.setToolTip(tooltip)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:  # noqa: N802 (Qt's name)
        """The number without trailing zeros."""
        return self.locale().toString(value, "g", 4)


class Folded(QWidget):
    """Rows behind a title that unfolds them.

    Parameters
    ----------
    title : str
    content : QFormLayout or QWidget
    unfolded : bool

    Attributes
    ----------
    by_hand : bool
        Whether somebody has pressed the title.
    """

    def __init__(self, title: str, content: QFormLayout | QWidget, *, unfolded: bool = False) -> None:
        super().__init__()
        self.by_hand = False
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setAutoRaise(True)
        self.button.setToolTip("Show or hide this part.")
        self.button.setCheckable(True)
        self._content = content if isinstance(content, QWidget) else QWidget()
        if not isinstance(content, QWidget):
            self._content.setLayout(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self._content)
        self.button.toggled.connect(self._on_toggled)
        self.button.clicked.connect(self._on_clicked)
        self.button.setChecked(unfolded)
        self._on_toggled(unfolded)

    def _on_clicked(self) -> None:
        self.by_hand = True

    def _on_toggled(self, unfolded: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow)
        self._content.setVisible(unfolded)


def narrow(box: ComboBox) -> ComboBox:
    """A box that is no wider than there is room, however long its choices are."""
    box.native.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.native.setMinimumContentsLength(_FEW_LETTERS)
    return box


def form_layout() -> QFormLayout:
    """Rows whose fields take the whole width."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form


class ConfigForm:
    """A view of a `FusionConfig`: the preset, and the knobs that change the result behind "Advanced"."""

    def __init__(self) -> None:
        self.preset = narrow(ComboBox(choices=get_args(Preset), tooltip=_TIPS["preset"]))
        self.scales = narrow(ComboBox(choices=_SCALES, tooltip=_TIPS["scales"]))
        self.radius = SpinBox(min=0, max=50, tooltip=_TIPS["radius"])
        self.softness = narrow(ComboBox(choices=_SOFTNESS, tooltip=_TIPS["softness"]))
        self.levels = SpinBox(min=1, max=3, tooltip=_TIPS["levels"])
        self.min_region = FloatSpinBox(min=0, max=50, step=0.1, tooltip=_TIPS["min_region"])
        self.series = CheckBox(text="Fuse one by one", tooltip=_TIPS["series"])
        self._base = FusionConfig()
        self.set_value(self._base)
        self.preset.changed.connect(self._on_preset)
        self.softness.changed.connect(self._on_softness)
        self.scales.changed.connect(self._on_scales)

    def advanced(self) -> QFormLayout:
        """The knobs in rows."""
        form = form_layout()
        form.addRow("Sharpness", self.scales.native)
        form.addRow("Window radius (px)", self.radius.native)
        form.addRow("Pyramid levels", self.levels.native)
        form.addRow("Weights", self.softness.native)
        form.addRow("Smallest region (%)", self.min_region.native)
        form.addRow(self.series.native)
        return form

    def knobs(self) -> list[ValueWidget[Any]]:
        """What changes the settings when it is moved."""
        return [self.preset, self.scales, self.radius, self.softness, self.levels, self.min_region, self.series]

    def value(self) -> FusionConfig:
        """The settings shown."""
        return replace(
            self._base,
            preset=self.preset.value,
            scales=self.scales.value,
            radius=self.radius.value,
            softness=self.softness.value,
            levels=self.levels.value,
            min_region=round(self.min_region.value / 100, 6) if self.min_region.enabled else 0.0,
            series=self.series.value and self.series.enabled,
        )

    def set_value(self, config: FusionConfig) -> None:
        """Show `config`."""
        self._base = config
        with self.preset.changed.blocked():
            self.preset.value = config.preset
        self.scales.value = config.scales
        self._on_scales(config.scales)
        self.radius.value = config.radius
        if config.softness not in self.softness.choices:
            self.softness.set_choice(f"{config.softness:g}", config.softness)
        self.softness.value = config.softness
        self._on_softness(config.softness)
        self.levels.value = config.levels
        self.scales.enabled = config.preset != "paper"
        self.min_region.value = 100 * config.min_region
        self.series.value = config.series
        self.series.enabled = config.preset == "paper"

    def _on_preset(self, preset: Preset) -> None:
        self.set_value(FusionConfig(preset=preset))

    def _on_scales(self, scales: Scales) -> None:
        """Windows have a radius and levels; what is learned has its own, those of the preset are shown."""
        windows = scales == "window"
        if not windows:
            preset = FusionConfig()
            self.radius.value, self.levels.value = preset.radius, preset.levels
        self.radius.enabled = self.levels.enabled = windows

    def _on_softness(self, softness: float) -> None:
        self.min_region.enabled = math.isinf(softness)
