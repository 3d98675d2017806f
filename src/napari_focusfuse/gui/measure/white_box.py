"""The box for the value of white."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from qtpy.QtCore import QLocale, Signal
from qtpy.QtWidgets import QDoubleSpinBox

from napari_focusfuse.core.metrics.white import likely_white
from napari_focusfuse.gui.measure.setup import Setup

__all__ = ["WhiteBox"]

_TIP = (
    "The value that metrics see as 1: PSNR, SSIM and others change with it.\n"
    "Proposed: the largest value of an integer type of 8 or 16 bits; for floats and wider integers\n"
    "what the sources seem to be scaled to (1, 255, 4095, 65535 or their maximum).\n"
    "Images of a 12-bit camera are 4095 bright at most, whatever their type."
)
_LEAST, _GREATEST, _DIGITS = 1e-6, 1e20, 12
#: Slices looked at for a proposal.
_LOOKS = 9


class WhiteBox(QDoubleSpinBox):
    """The value of white; proposed until somebody chooses one."""

    #: A value was chosen or proposed.
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._chosen = False
        self.setDecimals(6)
        self.setRange(_LEAST, _GREATEST)
        self.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        self.setKeyboardTracking(False)
        self.setToolTip(_TIP)
        self.setValue(1)
        self.valueChanged.connect(self._on_changed)

    def textFromValue(self, value: float) -> str:  # noqa: N802 (Qt's name)
        """The number without trailing zeros."""
        locale = self.locale()
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        return locale.toString(value, "g", _DIGITS)

    def forget(self) -> None:
        """The sources are others: what was chosen for them no longer holds."""
        self._chosen = False

    def propose(self, setup: Setup) -> None:
        """Show the likely white of these sources, unless one was chosen."""
        if self._chosen or not setup.slices:
            return
        self.setValue(likely_white(np.dtype(setup.slice(0).dtype), _some(setup)))
        self._chosen = False

    def _on_changed(self, _value: float) -> None:
        self._chosen = True
        self.changed.emit()


def _some(setup: Setup) -> Iterator[Any]:
    """A few slices; of a lazy stack one, as the viewer waits."""
    last = len(setup.slices) - 1
    lazy = setup.source is not None and not isinstance(setup.source.data, np.ndarray)
    for k in [last // 2] if lazy else sorted({round(k) for k in np.linspace(0, last, _LOOKS)}):
        yield setup.slice(k)
