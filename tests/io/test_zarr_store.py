"""OME-Zarr that is not trusted."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_focusfuse import io
from napari_focusfuse.errors import StackError

pytest.importorskip("zarr", reason="the extra zarr is not installed")

NUMBERS = {"dtype": "|u1", "filters": None, "compressor": None, "fill_value": 0}
PICKLED = [{"id": "pickle", "protocol": 5}]


def written(path: Path, *levels: dict[str, Any]) -> Path:
    """An image of version 0.4 whose levels state what is given, each plane in a chunk."""
    path.mkdir()
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    datasets = [{"path": str(k)} for k in range(len(levels))]
    described = {"version": "0.4", "axes": [{"name": a, "type": "space"} for a in "zyx"], "datasets": datasets}
    (path / ".zattrs").write_text(json.dumps({"multiscales": [described]}))
    for k, level in enumerate(levels):
        (path / str(k)).mkdir()
        stated = {"zarr_format": 2, "shape": [2, 8, 8], "chunks": [1, 8, 8], "order": "C", **NUMBERS, **level}
        (path / str(k) / ".zarray").write_text(json.dumps(stated))
        for z in range(2):
            (path / str(k) / f"{z}.0.0").write_bytes(bytes(range(64)))
    return path


@pytest.mark.parametrize(
    "level",
    [
        {"dtype": "|O", "filters": [{"id": "vlen-bytes"}, *PICKLED], "fill_value": ""},
        {"dtype": "|O", "filters": PICKLED, "fill_value": ""},
        {"filters": PICKLED},
        {"compressor": PICKLED[0]},
    ],
)
@pytest.mark.parametrize("coarse", [False, True])
def test_no_code_of_a_file_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: dict[str, Any], coarse: bool
) -> None:
    """Not at any level, whatever the type of its values; of a coarser one not even when only the first is asked for."""
    numcodecs = pytest.importorskip("numcodecs")
    ran = []
    monkeypatch.setattr(numcodecs.Pickle, "decode", lambda *_, **__: ran.append(1))
    path = written(tmp_path / "cells.zarr", *([{}] if coarse else []), level)
    with pytest.raises(StackError, match=rf"cells\.zarr (could run code when {int(coarse)} is|cannot be) read"):
        np.asarray(io.read_stack(path).data)
    assert not ran


@pytest.mark.parametrize("dtype", ["|O", "<U4", "|S4", "<M8[s]", "<c8", [["a", "<u2"]]])
def test_values_that_are_no_numbers(tmp_path: Path, dtype: Any) -> None:
    level = {"dtype": dtype, "fill_value": None} | ({"filters": [{"id": "vlen-utf8"}]} if dtype == "|O" else {})
    with pytest.raises(StackError, match=r"cells\.zarr (holds .* in 0, not numbers|cannot be read)"):
        io.read_stack(written(tmp_path / "cells.zarr", level))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
@pytest.mark.parametrize("name", [".zattrs", "0/.zarray", "0/1.0.0"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / "cells.zarr", {})
    (path / name).unlink()
    os.mkfifo(path / name)
    with pytest.raises(StackError, match=r"cells\.zarr (cannot be read \(it is a pipe|is not one)"):
        np.asarray(io.read_stack(path).data)


def test_sizes_that_no_memory_holds(tmp_path: Path) -> None:
    many, large = 10**9, 10**7
    with pytest.raises(StackError, match=r"states an image of 1 x 10000000 x 10000000 values, 93132\.3 GiB"):
        io.read_stack(written(tmp_path / "chunk.zarr", {"chunks": [1, large, large]}))
    with pytest.raises(StackError, match=r"states an image of 10000000 x 10000000 values"):
        io.read_stack(written(tmp_path / "plane.zarr", {"shape": [2, large, large]}))
    with pytest.raises(StackError, match=r"states 1000000000 images"):
        io.read_stack(written(tmp_path / "planes.zarr", {"shape": [many, 8, 8]}))


def test_a_level_that_is_a_group(tmp_path: Path) -> None:
    path = written(tmp_path / "cells.zarr", {})
    (path / "0" / ".zarray").unlink()
    (path / "0" / ".zgroup").write_text('{"zarr_format": 2}')
    with pytest.raises(StackError, match="has a group in place of an image"):
        io.read_stack(path)
