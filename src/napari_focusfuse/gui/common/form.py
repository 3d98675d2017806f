"""Parts of forms: boxes for lengths and indices, rows, and collapsible sections."""

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QToolButton, QVBoxLayout, QWidget

__all__ = ["Folded", "IndexBox", "LengthBox", "form_layout", "narrow"]

_FEW_LETTERS = 8


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
