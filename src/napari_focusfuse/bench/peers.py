"""External programs, given as command templates in a TOML file and run on the same images.

Each table of the file is a program::

    [focusweave]
    command = ["focusweave", "{folder}", "--no-align", "--output", "{output}"]
    type = "png"      # of the slices and the output: png or tif
    bits = 16         # the best depth it takes: 8 or 16
    timeout = 600     # seconds

The first word is the program: a name that ``--peer NAME=PATH`` or the environment variable NAME (upper case, ``_`` for
``-``) leads elsewhere, or one on the search path. No shell takes part.
"""

import os
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.bench.contenders import Outcome
from napari_focusfuse.bench.processes import run_watched
from napari_focusfuse.core.intensity import full_range, luminance
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Peer", "fitted", "read_peers"]

_TYPES, _BITS = ("png", "tif"), (8, 16)


@dataclass(frozen=True)
class Peer:
    """An external program.

    Attributes
    ----------
    label : str
        Name in tables.
    command : tuple of str
        Program and arguments, with ``{folder}`` (of the slices) and ``{output}`` (file to write) in place of paths.
    type : {"png", "tif"}
        Of the slices and the output.
    bits : {8, 16}
        Most bits for a sample that it takes.
    timeout : float
        Seconds until it is stopped.
    program : str
        Path that stands in for the first word of the command; empty if it is not there.
    """

    label: str
    command: tuple[str, ...]
    type: str = "png"
    bits: int = 16
    timeout: float = 600.0
    program: str = field(default="")

    def run(self, stack: Any) -> Outcome:
        """Write the slices to a folder, run the program, read what it wrote."""
        if not self.program:
            name = self.command[0]
            hint = f"set {_variable(name)} or --peer {name}=PATH"
            return Outcome(None, failure=f"the program {name} is not there: {hint}")
        with tempfile.TemporaryDirectory(prefix="focusfuse-") as place:
            return self._run_in(Path(place), stack)

    def _run_in(self, place: Path, stack: Any) -> Outcome:
        from napari_focusfuse import api

        slices, output = place / "slices", place / f"fused.{self.type}"
        slices.mkdir()
        sources = [np.asarray(image) for image in stack]
        for k, image in enumerate(sources):
            api.save_image(slices / f"slice_{k:03d}.{self.type}", _integers(image, self.bits))
        words = [word.format(folder=slices, output=output) for word in self.command[1:]]
        done = run_watched([self.program, *words], place, self.timeout)
        if done.code or not output.exists():
            why = done.last_line or "it wrote no image"
            return Outcome(None, None, done.seconds, done.peak_mb, f"exit code {done.code}: {why}")
        try:
            image = fitted(api.open_image(output), sources[0])
        except FocusFuseError as error:
            return Outcome(None, None, done.seconds, done.peak_mb, str(error))
        return Outcome(image, None, done.seconds, done.peak_mb)


def read_peers(path: Path, programs: Sequence[str] = ()) -> list[Peer]:
    """Programs from a TOML file.

    Parameters
    ----------
    path : Path
    programs : sequence of str
        ``NAME=PATH`` of programs that are not on the search path.

    Raises
    ------
    FocusFuseError
        The file cannot be read or understood, or a path leads nowhere.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FocusFuseError(f"cannot read the programs in {path}: {error}") from error
    places = dict(_place(text) for text in programs)
    peers = [_peer(name, entry, places, path) for name, entry in content.items()]
    unused = places.keys() - {peer.command[0] for peer in peers}
    if unused:
        raise FocusFuseError(f"{path} has no program {min(unused)!r}: name one that a command there begins with")
    return peers


def fitted(image: NDArray[Any], source: NDArray[Any]) -> NDArray[Any]:
    """The output of a program in the colours, type and range of what it was given.

    Raises
    ------
    FocusFuseError
        It is of another size.
    """
    if image.shape[:2] != source.shape[:2]:
        raise FocusFuseError(
            f"the output is {image.shape[0]} x {image.shape[1]} px, the slices are "
            f"{source.shape[0]} x {source.shape[1]} px"
        )
    values: NDArray[np.floating[Any]] = image.astype(np.float64)
    if source.ndim == 2 and image.ndim == 3:
        values = luminance(values)
    elif source.ndim == 3:
        values = values[..., :3] if image.ndim == 3 else np.repeat(values[..., None], 3, axis=2)
    values = values * (full_range(source.dtype)[1] / full_range(image.dtype)[1])
    return (np.rint(values) if source.dtype.kind in "iu" else values).astype(source.dtype)


def _peer(name: str, entry: Any, places: Mapping[str, str], path: Path) -> Peer:
    if not isinstance(entry, dict) or not entry.get("command"):
        raise FocusFuseError(f"{path}: {name} has no command, a list of words with {{folder}} and {{output}}")
    unknown = entry.keys() - {"command", "type", "bits", "timeout"}
    command = tuple(str(word) for word in entry["command"])
    peer = Peer(name, command, **{key: value for key, value in entry.items() if key != "command" and not unknown})
    together = " ".join(command[1:])
    if unknown:
        raise FocusFuseError(f"{path}: {name} has an unknown entry {min(unknown)!r}: it may have type, bits, timeout")
    if isinstance(entry["command"], str) or "{folder}" not in together or "{output}" not in together:
        raise FocusFuseError(f"{path}: the command of {name} must be a list of words with {{folder}} and {{output}}")
    if peer.type not in _TYPES or peer.bits not in _BITS:
        raise FocusFuseError(f"{path}: {name} needs type png or tif and bits 8 or 16")
    program = places.get(command[0]) or os.environ.get(_variable(command[0])) or command[0]
    return Peer(name, command, peer.type, peer.bits, peer.timeout, shutil.which(program) or "")


def _place(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not equals or not name or not path:
        raise FocusFuseError(f"{text!r} names no program: write NAME=PATH")
    if shutil.which(path) is None:
        raise FocusFuseError(f"{path} is no program that can be run: correct the path of {name}")
    return name, path


def _variable(program: str) -> str:
    return program.upper().replace("-", "_")


def _integers(image: NDArray[Any], bits: int) -> NDArray[Any]:
    """The image with at most that many bits; what has fewer stays as it is."""
    if image.dtype == np.uint8 or (image.dtype == np.uint16 and bits == 16):
        return image
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    scale = full_range(dtype)[1] / full_range(image.dtype)[1]
    return np.rint(np.clip(image * scale, 0, full_range(dtype)[1])).astype(dtype)
