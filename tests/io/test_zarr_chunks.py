"""Chunks that unpack to more than is stated."""

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

from napari_focusfuse import io
from napari_focusfuse.errors import StackError

zarr = pytest.importorskip("zarr", reason="the extra zarr is not installed")
numcodecs = pytest.importorskip("numcodecs")

LARGE = 80 * 2**20
PACK: dict[str, Callable[[bytes], bytes]] = {
    "zlib": zlib.compress,
    "gzip": lambda content: gzip.compress(content[:1000]) + gzip.compress(content),
    "bz2": bz2.compress,
    "lzma": lzma.compress,
    "zstd": lambda content: imagecodecs.zstd_encode(content[:1000]) + imagecodecs.zstd_encode(content),
    "blosc": numcodecs.Blosc("lz4").encode,
    "lz4": lambda content: struct.pack("<I", len(content)) + b"\0" * 100,
}


@cache
def packed(name: str) -> bytes:
    """A chunk that is larger than stated."""
    return PACK[name](bytes(LARGE))


def image(path: Path, planes: np.ndarray, version: int, **options: Any) -> Path:
    """An OME-Zarr with a plane in each chunk."""
    group = zarr.open_group(path, mode="w", zarr_format=version)
    group.create_array("0", data=planes, **({"chunks": (1, *planes.shape[1:])} | options))
    described = {"axes": [{"name": a, "type": "space"} for a in "zyx"], "datasets": [{"path": "0"}]}
    group.attrs.update(
        {"multiscales": [described | {"version": "0.4"}]}
        if version == 2
        else {"ome": {"version": "0.5", "multiscales": [described]}}
    )
    return path


@pytest.mark.parametrize("name", PACK)
@pytest.mark.parametrize("filtered", [False, True])
def test_a_chunk_that_unpacks_to_far_more_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, filtered: bool
) -> None:
    """Of version 2, by its compressor or a filter."""
    codec = numcodecs.get_codec({"id": name})
    monkeypatch.setattr(type(codec), "decode", lambda *_, **__: pytest.fail("it was unpacked"))
    how = {"filters": [codec], "compressors": None} if filtered else {"compressors": codec}
    path = image(tmp_path / "cells.zarr", np.zeros((2, 8, 8), np.uint8), 2, fill_value=1, **how)
    for chunk in (path / "0").glob("1*"):
        chunk.write_bytes(packed(name))
    with pytest.raises(
        StackError, match=r"^.*cells\.zarr cannot be read \(a chunk unpacks to more than 64 MiB.*intact"
    ):
        np.asarray(io.read_stack(path).data[1])


@pytest.mark.parametrize(("name", "codec"), [("gzip", "GzipCodec"), ("zstd", "ZstdCodec"), ("blosc", "BloscCodec")])
def test_of_version_3(tmp_path: Path, name: str, codec: str) -> None:
    how = {"compressors": getattr(zarr.codecs, codec)(), "fill_value": 1}
    path = image(tmp_path / "cells.zarr", np.zeros((2, 8, 8), np.uint8), 3, **how)
    (path / "0/c/1/0/0").write_bytes(packed(name))
    file = io.read_stack(path)
    np.testing.assert_array_equal(file.data[0], np.zeros((8, 8)))
    with pytest.raises(StackError, match=r"a chunk unpacks to more than 64 MiB"):
        np.asarray(file.data[1])


def test_in_a_shard(tmp_path: Path) -> None:
    """Its index, at its end, says where each chunk is."""
    how = {"compressors": zarr.codecs.GzipCodec(), "fill_value": 1, "chunks": (1, 4, 4), "shards": (1, 8, 8)}
    path = image(tmp_path / "cells.zarr", np.zeros((2, 8, 8), np.uint8), 3, **how)
    file = path / "0/c/1/0/0"
    content, index, large = file.read_bytes()[:-68], file.read_bytes()[-68:-4], packed("gzip")
    index = struct.pack("<QQ", len(content), len(large)) + index[16:]
    file.write_bytes(content + large + numcodecs.get_codec({"id": "crc32c"}).encode(index).tobytes())
    with pytest.raises(StackError, match=r"a chunk unpacks to more than 64 MiB"):
        np.asarray(io.read_stack(path).data[1])


PLANES = np.random.default_rng(0).integers(0, 50, (3, 600, 500), dtype=np.uint16)


@pytest.mark.parametrize("name", PACK)
def test_what_is_as_stated_is_read(tmp_path: Path, name: str) -> None:
    how = {"compressors": numcodecs.get_codec({"id": name}), "filters": [numcodecs.Delta("<u2")]}
    np.testing.assert_array_equal(io.read_stack(image(tmp_path / "cells.zarr", PLANES, 2, **how)).data, PLANES)


@pytest.mark.parametrize("codec", ["GzipCodec", "ZstdCodec", "BloscCodec"])
@pytest.mark.parametrize("shards", [{}, {"chunks": (1, 300, 250), "shards": (1, 600, 500)}])
def test_what_is_as_stated_is_read_of_version_3(tmp_path: Path, codec: str, shards: dict[str, Any]) -> None:
    how = {"compressors": getattr(zarr.codecs, codec)(), **shards}
    np.testing.assert_array_equal(io.read_stack(image(tmp_path / "cells.zarr", PLANES, 3, **how)).data, PLANES)
