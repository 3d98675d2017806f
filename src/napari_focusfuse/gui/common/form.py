"""Parts of forms: boxes for settings, lengths and indices, rows, and collapsible sections."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar

from magicgui.widgets import CheckBox, ComboBox, FloatSpinBox, LineEdit, SpinBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QToolButton, QVBoxLayout, QWidget

from napari_focusfuse.config.setting import Setting, help_of, settings_of

__all__ = ["Folded", "IndexBox", "LengthBox", "SettingsForm", "form_layout", "narrow"]

_FEW_LETTERS = 8
#: What a box takes where a setting has no bound.
_MOST_WHOLE, _MOST = 2**31 - 1, 1e9

Config = TypeVar("Config")


class SettingsForm(Generic[Config]):
    """A view of the settings of a dataclass: a box for each that has a label.

    Parameters
    ----------
    config : object
        Shown first.
    hidden : sequence of str
        Settings that are kept as they are.

    Attributes
    ----------
    boxes : dict
        By the name of the setting.
    """

    def __init__(self, config: Config, hidden: Sequence[str] = ()) -> None:
        told, helps = settings_of(type(config)), help_of(type(config))
        self._settings = {name: told[name] for name in told if told[name].label and name not in hidden}
        self.boxes = {name: _box(each, each.tip or helps.get(name, "")) for name, each in self._settings.items()}
        self._rows: list[QWidget] = []
        self.set_value(config)

    def value(self) -> Config:
        """The settings shown."""
        changed: Config = replace(self._base, **self.shown())  # type: ignore[type-var]
        return changed

    def shown(self) -> dict[str, Any]:
        """The settings shown by name, unchecked."""
        return {name: self._value(name) for name in self.boxes}

    def set_value(self, config: Config) -> None:
        """Show settings."""
        self._base = config
        for name, box in self.boxes.items():
            value = getattr(config, name)
            if isinstance(box, ComboBox) and value not in box.choices:
                box.set_choice(value if isinstance(value, str) else f"{value:g}", value)
            box.value = 100 * value if self._settings[name].percent else value

    def add_main(self, form: QFormLayout) -> None:
        """Add the rows that everybody needs."""
        self._add(form, main=True)

    def add_more(self, form: QFormLayout) -> None:
        """Add the other rows."""
        self._add(form, main=False)

    def set_visible(self, visible: bool) -> None:
        """Show or hide all rows."""
        for part in self._rows:
            part.setVisible(visible)

    def _value(self, name: str) -> Any:
        """A setting; what a box can only show rounded stays as it is until it is changed."""
        kept, shown, setting = getattr(self._base, name), self.boxes[name].value, self._settings[name]
        if not setting.digits:
            return shown
        scale = 100 if setting.percent else 1
        if shown == round(scale * kept, setting.digits):
            return kept
        return min(max(round(shown / scale, setting.digits + 2), setting.least), setting.most)

    def _add(self, form: QFormLayout, *, main: bool) -> None:
        for name, setting in self._settings.items():
            if setting.main == main:
                box = self.boxes[name].native
                if setting.kind is bool:
                    form.addRow(box)
                else:
                    unit = f" ({setting.unit})" if setting.unit and not setting.zero else ""
                    form.addRow(f"{setting.label}{unit}", box)
                self._rows += [part for part in (form.labelForField(box), box) if part is not None]


def _box(setting: Setting, tip: str) -> Any:
    """A box for a setting."""
    if setting.choices:
        return narrow(ComboBox(choices=setting.choices, tooltip=tip))
    if setting.kind is bool:
        return CheckBox(text=setting.label, tooltip=tip)
    if setting.kind is str:
        return LineEdit(tooltip=tip)
    if setting.kind is int:
        least, most = max(setting.least, -_MOST_WHOLE), min(setting.most, _MOST_WHOLE)
        return SpinBox(min=int(least), max=int(most), tooltip=tip)
    scale = 100 if setting.percent else 1
    least = max(setting.least, -_MOST) if math.isinf(setting.above) else setting.above + 10**-setting.digits
    box = FloatSpinBox(min=scale * least, max=min(scale * setting.most, _MOST), step=setting.step, tooltip=tip)
    box.native.setDecimals(setting.digits)
    box.native.setSpecialValueText(setting.zero)
    box.native.setSuffix(f" {setting.unit}" if setting.zero and setting.unit else "")
    return box


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
        self.button.setToolTip("Show or hide this section.")
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
