"""What can go wrong, in one sentence each, and text of files as it can be shown.

Every error that a user can cause is a `FocusFuseError`: its message says what was wrong and what to do.
They are plain exceptions, never `RuntimeError`: a viewer's worker threads lose those.
"""

import unicodedata
from collections.abc import Mapping

__all__ = ["FocusFuseError", "FocusFuseWarning", "ModelError", "OutputError", "StackError", "TrainingError", "plain"]


class FocusFuseError(Exception):
    """An error that a user can fix; the message says how.

    Parameters
    ----------
    *args
        The message, in words that hold wherever it is read.
    settings : mapping of str to str
        What can be set against it, by its name in `napari_focusfuse.api`, and the value, if there is one to propose:
        whoever shows the message adds what that is called there.
    """

    def __init__(self, *args: object, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(*args)
        self.settings = dict(settings or {})


class StackError(FocusFuseError):
    """The input is not a focus stack that can be fused."""


class ModelError(FocusFuseError):
    """A model is unknown, damaged or of another architecture."""


class OutputError(FocusFuseError):
    """A result cannot be written where it was asked for."""


class TrainingError(FocusFuseError):
    """Training cannot start or continue."""


class FocusFuseWarning(UserWarning):
    """Something that works but may not be what was meant.

    Parameters
    ----------
    *args
        The message.
    settings : mapping of str to str
        What can be set against it, as for `FocusFuseError`.
    """

    def __init__(self, *args: object, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(*args)
        self.settings = dict(settings or {})


def plain(text: str, keep: str = "") -> str:
    """The text with control characters, such as a file may hold to move the cursor, as their numbers."""
    shown = (c if c in keep or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else ascii(c)[1:-1] for c in text)
    return "".join(shown)
