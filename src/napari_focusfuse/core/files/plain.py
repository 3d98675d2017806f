"""Text from files and names, without control characters or markup."""

import unicodedata

__all__ = ["plain"]


def plain(text: str, keep: str = "") -> str:
    """The text with control characters, such as a file may hold to move the cursor, as their numbers."""
    shown = (c if c in keep or unicodedata.category(c) not in ("Cc", "Cf", "Cs") else ascii(c)[1:-1] for c in text)
    return "".join(shown)
