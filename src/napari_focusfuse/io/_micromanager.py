"""What Micro-Manager states of an acquisition: sizes, channels, positions of the slices.

It stands in a summary and beside each image, in the TIFF or in a file ``metadata.txt``.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_focusfuse.io._facts import Channel, Facts, colour_of, position_of, spaced
from napari_focusfuse.io._stack import gapped
from napari_focusfuse.io._units import positive

__all__ = ["beside", "mm_facts"]

_FILE = "metadata.txt"
#: More than that no acquisition writes.
_MOST_BYTES = 2**28


def mm_facts(
    summary: Mapping[str, Any],
    slices: Sequence[Mapping[str, Any]],
    channels: Sequence[Any] = (),
    numbers: Sequence[int] = (),
) -> Facts:
    """Sizes, positions and channels.

    Parameters
    ----------
    summary : mapping
        Of the acquisition.
    slices : sequence of mappings
        What stands beside one image of each slice.
    channels : sequence
        Names of the channels, or their numbers in the summary.
    numbers : sequence of int
        Of the slices, where some may be missing.
    """
    first = slices[0] if slices else {}
    pixel = positive(first.get("PixelSizeUm")) or positive(summary.get("PixelSize_um"))
    notes: list[str] = []
    step, heights = positive(summary.get("z-step_um")), [position_of(note) for note in slices]
    stated = [(height, "um") for height in heights if height is not None]
    if len(stated) == len(slices):
        z_step, z = spaced(step, stated, notes)
    else:
        z_step, z, _ = gapped(None, step, numbers or range(len(slices)))
    names, colours = _listed(summary.get("ChNames")), _listed(summary.get("ChColors"))
    places = [k if isinstance(k, int) else names.index(k) if k in names else -1 for k in channels]
    known = tuple(
        Channel(
            str(names[k]) if 0 <= k < len(names) else channel if isinstance(channel, str) else None,
            _colour(colours[k]) if 0 <= k < len(colours) else None,
        )
        for k, channel in zip(places, channels, strict=True)
    )
    return Facts(z_step, None if pixel is None else (pixel, pixel), z, known, tuple(notes))


def beside(files: Sequence[Path], channels: Sequence[Any] = ()) -> Facts:
    """What a ``metadata.txt`` states of the images in its folder; nothing where there is none that can be read.

    Parameters
    ----------
    files : sequence of Path
        One image of each slice.
    channels : sequence
        As for `mm_facts`.
    """
    file = files[0].with_name(_FILE)
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:  # a pipe is no file
            return Facts()
        stated = json.loads(file.read_text(encoding="utf-8", errors="replace"))
        notes = {str(note.get("FileName") or key).rsplit("/", 1)[-1]: note for key, note in stated.items()}
        # Of version 2 an image has an entry for its coordinates and one for the rest.
        notes |= {str(key).rsplit("/", 1)[-1]: note for key, note in stated.items() if position_of(note) is not None}
        slices = [notes.get(path.name, {}) for path in files]
        return mm_facts(stated.get("Summary", {}), slices, channels)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return Facts()


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _colour(value: Any) -> str | None:
    if not isinstance(value, int):
        return None
    rgb = value & 0xFFFFFF
    return colour_of(rgb >> 16, rgb >> 8 & 255, rgb & 255)
