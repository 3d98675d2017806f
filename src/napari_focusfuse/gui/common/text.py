"""Names of layers, files and models in widgets: shown as plain text, never as markup."""

from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

from napari_focusfuse.errors import plain

__all__ = ["Legend", "PlainLabel", "literal"]


class PlainLabel(QLabel):
    """A label that shows its text as it is.

    Parameters
    ----------
    text : str
    """

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802 (Qt's name)
        """Show a text."""
        super().setText(plain(text or "", keep="\n\t"))


class Legend(QLabel):
    """Words of our own with patches of colour: the one label that shows markup."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)


def literal(text: str) -> str:
    """A text for tooltips and questions, where Qt takes for HTML what looks like it."""
    shown = plain(text, keep="\n\t")
    return f"<p>{escape(shown)}</p>".replace("\n", "<br>") if "<" in shown else shown
