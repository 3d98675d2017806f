"""Formats of microscope makers, with a stand-in for bioio."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import dask.array as da
import numpy as np
import pytest

from napari_focusfuse import io
from napari_focusfuse.errors import StackError


class UnsupportedFileFormatError(Exception):
    """As bioio raises it where no plugin knows the format."""


class Picture:
    """What we use of bioio's BioImage."""

    scenes: tuple[str, ...] = ()
    dims = SimpleNamespace(order="TCZYX")
    physical_pixel_sizes = SimpleNamespace(Z=2.0, Y=0.5, X=0.25)
    channel_names = ("DAPI", "GFP")

    def __init__(self, path: Path) -> None:
        if "unknown" in path.name:
            raise UnsupportedFileFormatError(path)
        if "damaged" in path.name:
            raise ValueError("no header")
        self.scenes = ("a", "b") if "several" in path.name else ("a",)
        if "flat" in path.name:
            self.physical_pixel_sizes = SimpleNamespace(Z=None, Y=None, X=None)
        self.dask_data = da.from_array(np.arange(2 * 3 * 4 * 5).reshape(1, 2, 3, 4, 5))


@pytest.fixture
def bioio(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("bioio")
    module.BioImage = Picture  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bioio", module)


def touch(path: Path) -> Path:
    path.write_bytes(b"")
    return path


@pytest.mark.usefixtures("bioio")
def test_axes_sizes_and_channels(tmp_path: Path) -> None:
    file = io.read_stack(touch(tmp_path / "cells.czi"))
    assert (file.axes, file.data.shape, file.name) == ("TCZYX", (1, 2, 3, 4, 5), "cells")
    assert (file.z_step, file.pixel_size) == (2.0, (0.5, 0.25))
    assert [channel.name for channel in file.channels] == ["DAPI", "GFP"]
    assert file.data.chunks == ((1,), (1, 1), (1, 1, 1), (4,), (5,))
    flat = io.read_stack(touch(tmp_path / "flat.ND2"))
    assert (flat.z_step, flat.pixel_size) == (None, None)


@pytest.mark.usefixtures("bioio")
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("unknown.czi", r'needs a plugin of bioio: pip install "napari-focusfuse\[bioio\]" bioio-czi, or save it as'),
        ("damaged.lif", r"damaged\.lif cannot be read \(no header\)"),
        ("several.nd2", r"holds 2 images \(a, b\.\.\.\): save the one"),
    ],
)
def test_refused(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(StackError, match=says):
        io.read_stack(touch(tmp_path / name))


def test_without_bioio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bioio", None)
    with pytest.raises(StackError, match=r'cells\.nd2 needs bioio: pip install "napari-focusfuse\[bioio\]", or save'):
        io.read_stack(touch(tmp_path / "cells.nd2"))
