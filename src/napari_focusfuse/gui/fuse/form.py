"""The form of the fusion widget: which stack, where in it, and how it is fused."""

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, get_args

from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, SpinBox
from magicgui.widgets.bases import ValueWidget
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_focusfuse.config import FusionConfig, Preset, Scales
from napari_focusfuse.core.methods import METHODS
from napari_focusfuse.gui.align.aligned import aligned_from
from napari_focusfuse.gui.common.form import Folded, form_layout, narrow
from napari_focusfuse.gui.common.preferences import (
    Choices,
    Preferences,
    device_box,
    models_and_devices,
    news,
    offer,
    offer_all,
)
from napari_focusfuse.gui.common.some_slices import SliceRow, taken_of
from napari_focusfuse.gui.common.stack_form import StackForm
from napari_focusfuse.gui.common.text import PlainLabel
from napari_focusfuse.gui.common.worker import Answer
from napari_focusfuse.gui.fuse.position_form import PositionForm
from napari_focusfuse.gui.layers.results import plain
from napari_focusfuse.gui.layers.source import Source, in_file

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["ConfigForm", "FuseForm"]

_SOFTNESS = [
    ("adapt to the noise", 0.0),
    *((f"power {power}", float(power)) for power in (1, 2, 4, 8, 16)),
    ("hard choice", math.inf),
]
_SCALES = [("learned", "learned"), ("windows of one radius", "window")]
_PREFER = [("the sharper", "sharper"), ("the nearer (larger z)", "nearer"), ("the farther (smaller z)", "farther")]
_TIPS = {
    "preset": "default: several scales and soft weights, the best we know for noisy and large stacks.\n"
    "quantitative: the same decision; each pixel is copied unchanged from one slice.\n"
    "paper: SESF-Fuse as published (one scale, hard choice, consistency verification).",
    "scales": "How sharpness is measured.\n"
    "learned: on the scales and in the neighbourhoods that the model has learned to trust.\n"
    "windows of one radius: plain spatial frequency, for comparison.",
    "radius": "Radius of the window in which the sharpness of a slice is measured.\n"
    "Larger: more robust to noise and little texture. Smaller: more precise at depth edges.\n"
    "Only where sharpness is measured in windows of one radius.",
    "softness": "How strongly the sharpest slice dominates: weights are (activity / best activity) to this power.\n"
    "Small powers average more slices, which lowers noise and blurs a little. A hard choice takes one "
    "slice per pixel.",
    "levels": "On how many scales the sharpness is measured: full, half and quarter size.\n"
    "More: far fewer wrong pixels under noise. 1: finest detail on clean images.\n"
    "Only where sharpness is measured in windows of one radius.",
    "prefer": "Which of two depths a pixel takes where both are sharp: transparent layers, depth edges.\n"
    "Only with learned sharpness, and not with a hard choice.",
    "min_region": "Patches smaller than this share of the image take the slice of their surroundings.\n"
    "Larger: a calmer decision map. 0: small objects are kept. Only with a hard choice.",
    "series": "Fuse the slices one after the other, as the paper does, instead of all at once.\n"
    "For comparison with the paper: slower and not better. Only with the preset paper.",
}

_EQUALISE = (
    "Multiply each slice by one factor before fusing, so that all are equally bright.\n"
    "For a lamp that flickers or fades; not for optical sections. Not where all positions are fused."
)


class ConfigForm:
    """A view of a `FusionConfig`: the preset, and the knobs that change the result behind "Advanced"."""

    def __init__(self) -> None:
        self.preset = narrow(ComboBox(choices=get_args(Preset), tooltip=_TIPS["preset"]))
        self.scales = narrow(ComboBox(choices=_SCALES, tooltip=_TIPS["scales"]))
        self.radius = SpinBox(min=0, max=50, tooltip=_TIPS["radius"])
        self.softness = narrow(ComboBox(choices=_SOFTNESS, tooltip=_TIPS["softness"]))
        self.levels = SpinBox(min=1, max=3, tooltip=_TIPS["levels"])
        self.prefer = narrow(ComboBox(choices=_PREFER, tooltip=_TIPS["prefer"]))
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
        form.addRow("Between two depths", self.prefer.native)
        form.addRow("Smallest region (%)", self.min_region.native)
        form.addRow(self.series.native)
        return form

    def knobs(self) -> list[ValueWidget[Any]]:
        """What changes the settings when it is moved."""
        return [
            self.preset,
            self.scales,
            self.radius,
            self.softness,
            self.levels,
            self.prefer,
            self.min_region,
            self.series,
        ]

    def value(self) -> FusionConfig:
        """The settings shown."""
        return replace(
            self._base,
            preset=self.preset.value,
            scales=self.scales.value,
            radius=self.radius.value,
            softness=self.softness.value,
            levels=self.levels.value,
            prefer=self.prefer.value if self.prefer.enabled else "sharper",
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
        self.prefer.value = config.prefer
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
        self._grey_preference()

    def _on_softness(self, softness: float) -> None:
        self.min_region.enabled = math.isinf(softness)
        self._grey_preference()

    def _grey_preference(self) -> None:
        self.prefer.enabled = self.scales.value == "learned" and not math.isinf(self.softness.value)


class FuseForm(QWidget):
    """A view of the stack, the method and its `FusionConfig`.

    Parameters
    ----------
    viewer : Viewer
        Its image layers are offered; its sliders choose time point and channel.
    """

    #: What would be fused is another than before.
    changed = Signal()

    def __init__(self, viewer: "Viewer") -> None:
        super().__init__()
        self.stack = StackForm(viewer, self)
        self.slices = SliceRow(viewer, self.stack)
        self.positions = PositionForm(self)
        self.equalise = CheckBox(text="Equalise slice brightness", tooltip=_EQUALISE)
        self.config = ConfigForm()
        self.method = narrow(ComboBox(choices=[(method.title, method.name) for method in METHODS.values()]))
        self.model = narrow(ComboBox(choices=["default"], tooltip="The encoder whose features measure sharpness."))
        self.device = narrow(device_box())
        self.about = PlainLabel()
        self.advanced = Folded("Advanced", self.config.advanced())
        self.folder_button = QPushButton("…")
        self.folder_button.setMaximumWidth(32)
        self.folder_button.setToolTip("Use a model that you trained: choose its folder.")
        self._build()
        self.stack.changed.connect(self._refresh)
        self.positions.changed.connect(self._refresh)
        self.method.changed.connect(self._on_method)
        self.folder_button.clicked.connect(self._on_folder)
        self._refresh()
        self._on_method(self.method.value)
        Answer(models_and_devices, self).ready.connect(self._on_choices)
        news.written.connect(self.offer_model)

    def prefer(self, wanted: Preferences) -> None:
        """Begin with what the user prefers."""
        self.config.set_value(FusionConfig(preset=wanted.preset))
        self.offer_model(wanted.model)
        self.model.value = wanted.model

    def offer_model(self, name: str) -> None:
        """Offer a model by its name or folder; it is not chosen yet."""
        offer(self.model, name)

    def knobs(self) -> list[ValueWidget[Any]]:
        """What changes how a stack is fused when it is moved."""
        return [self.equalise, self.method, self.model, self.device, *self.config.knobs()]

    def how(self) -> dict[str, Any]:
        """Method and settings, as options of a fusion."""
        method = METHODS[self.method.value]
        how: dict[str, Any] = {"method": method.name}
        if method.config is FusionConfig:
            how["config"] = self.config.value()
        how |= {need: {"model": self.model, "device": self.device}[need].value for need in method.needs}
        return how | ({"equalise": True} if self.equalise.value and self.equalise.enabled else {})

    def describe(self, source: Source) -> dict[str, Any]:
        """Where a result comes from, in plain JSON types."""
        layer = self.stack.layer
        note = {
            **source.note(),
            "rgb": source.rgb,
            "in_file": {} if layer is None else in_file(layer),
            "taken": taken_of(layer),
            "aligned": aligned_from(layer),
            "z_step": self.stack.mean_step(),
            "pixel_size": self.stack.pixel_sizes(),
            "refractive_index": self.stack.refractive_index(),
            "method": self.method.value,
        }
        how = self.how()
        note |= {"config": asdict(how["config"])} if "config" in how else {}
        note |= {"model": how["model"]} if "model" in how else {}
        described: dict[str, Any] = plain(note)
        return described

    def _build(self) -> None:
        model = QHBoxLayout()
        model.addWidget(self.model.native, 1)
        model.addWidget(self.folder_button)
        self.about.setWordWrap(True)
        form = form_layout()
        form.addRow("Image layer", self.stack.layer_box.native)
        form.addRow("Stack axis", self.stack.axis_box.native)
        form.addRow("Slices", self.slices)
        self.positions.add_to(form)
        form.addRow("z-step", self.stack.z_step)
        form.addRow("Refractive index", self.stack.medium)
        form.addRow("Pixel size", self.stack.pixel_size)
        form.addRow(self.about)
        form.addRow(self.equalise.native)
        form.addRow("Method", self.method.native)
        form.addRow("Preset", self.config.preset.native)
        form.addRow("Model", model)
        form.addRow("Device", self.device.native)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self.advanced)

    def _description(self) -> str:
        """What a run would fuse, in a few lines."""
        text = self.stack.description()
        if not self.positions.whole:
            return text
        all_of = str(self.positions.positions.current_choice).partition(": ")[2]
        return f"{text.partition(chr(10))[0]}\nat each position: {all_of}"

    def _refresh(self) -> None:
        self.positions.read(self.stack.layer, self.stack.axis)
        self.stack.offer_medium(one_stack=not self.positions.whole)
        self.equalise.enabled = not self.positions.whole
        self.about.setText(self.stack.problem() or self._description())
        self.changed.emit()

    def _on_method(self, name: str) -> None:
        """Say what the method does, and leave only those settings on that it uses."""
        method = METHODS[name]
        self.positions.set_decides(method.decides)
        self.method.tooltip = f"{method.description}\n{method.citation}"
        ours = method.config is FusionConfig
        self.config.preset.enabled = ours
        self.model.enabled = "model" in method.needs
        self.device.enabled = "device" in method.needs
        self.folder_button.setEnabled("model" in method.needs)
        self.advanced.setEnabled(ours)

    def _on_choices(self, choices: Choices) -> None:
        offer_all(self.model, choices.models)
        offer_all(self.device, choices.devices)

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a model")
        if folder:
            self.offer_model(folder)
            self.model.value = folder
