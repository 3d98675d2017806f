"""External programs, given as command templates in a TOML file and run on the same images.

Each table of the file is a program::

    [focusweave]
    command = ["focusweave", "{folder}", "--no-align", "--output", "{output}"]
    type = "png"      # of the slices and the output: png or tif
    bits = 16         # the best depth it takes: 8 or 16
    timeout = 600     # seconds

Other braces in a word stay as they are.
The first word is the program: a name that ``--peer NAME=PATH`` or the environment variable NAME (upper case, ``_`` for
``-``) leads elsewhere, or one on the search path. No shell takes part.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contenders import Outcome
from benchmarks.processes import run_watched
from napari_focusfuse.core.stack.intensity import full_range, luminance
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Peer", "fitted", "read_peers"]

_TYPES, _BITS = ("png", "tif"), (8, 16)
#: What an entry may have, and what it is if left out.
_KNOWN: dict[str, Any] = {"command": None, "type": "png", "bits": 16, "timeout": 600.0}
_PLACE = re.compile(r"\{(folder|output)\}")


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

    @property
    def fingerprint(self) -> str:
        """Twelve digits of what its scores depend on: command, type and bits."""
        said = json.dumps([self.command, self.type, self.bits])
        return hashlib.sha256(said.encode()).hexdigest()[:12]

    def run(self, stack: Any, *, any_size: bool = False) -> Outcome:
        """Write the slices to a folder, run the program, read what it wrote: as large as a slice, or of `any_size`."""
        if not self.program:
            name = self.command[0]
            hint = f"set {_variable(name)} or --peer {name}=PATH"
            return Outcome(None, failure=f"the program {name} is not there: {hint}")
        with tempfile.TemporaryDirectory(prefix="focusfuse-") as place:
            return self._run_in(Path(place), stack, any_size)

    def _run_in(self, place: Path, stack: Any, any_size: bool) -> Outcome:
        from napari_focusfuse import api

        slices, output = place / "slices", place / f"fused.{self.type}"
        slices.mkdir()
        sources = [np.asarray(image) for image in stack]
        for k, image in enumerate(sources):
            api.save_image(slices / f"slice_{k:03d}.{self.type}", _integers(image, self.bits))
        paths = {"folder": str(slices), "output": str(output)}
        words = [_PLACE.sub(lambda found: paths[found[1]], word) for word in self.command[1:]]
        done = run_watched([self.program, *words], place, self.timeout)
        if done.code or not output.exists():
            why = done.last_line or "it wrote no image"
            return Outcome(None, None, done.seconds, done.peak_mb, f"exit code {done.code}: {why}")
        try:
            image = fitted(api.open_image(output), sources[0], any_size=any_size)
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


def fitted(image: NDArray[Any], source: NDArray[Any], *, any_size: bool = False) -> NDArray[Any]:
    """The output of a program in the colours, type and range of what it was given.

    Raises
    ------
    FocusFuseError
        It is of another size, and not of `any_size`.
    """
    if not any_size and image.shape[:2] != source.shape[:2]:
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
    if unknown:
        raise FocusFuseError(f"{path}: {name} has an unknown entry {min(unknown)!r}: it may have type, bits, timeout")
    words, kind, bits, timeout = (entry.get(key, known) for key, known in _KNOWN.items())
    if (
        not isinstance(words, list)
        or not all(isinstance(word, str) for word in words)
        or not all(place in " ".join(words[1:]) for place in ("{folder}", "{output}"))
    ):
        raise FocusFuseError(
            f"{path}: the command of {name} must be a list of words in quotes with {{folder}} and {{output}}"
        )
    if kind not in _TYPES or bits not in _BITS:
        raise FocusFuseError(f"{path}: {name} needs type png or tif and bits 8 or 16")
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout > 0:
        raise FocusFuseError(f"{path}: the timeout of {name} must be a number of seconds above 0, not {timeout!r}")
    program = places.get(words[0]) or os.environ.get(_variable(words[0])) or words[0]
    return Peer(name, tuple(words), kind, int(bits), float(timeout), shutil.which(program) or "")


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
