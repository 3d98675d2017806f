"""Arrays of a Zarr folder that is not trusted: no code is run, nothing is read that is not a file, nothing overflows.

A few bytes can unpack to all of the memory: chunks that unpack to far more than is stated are refused before. What
writes down how large it is (Blosc, Zstandard, LZ4) is asked; what does not (zlib, gzip, bzip2, LZMA) is unpacked in
pieces that are thrown away, unless it is too small to do harm.
"""

import bz2
import errno
import lzma
import math
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import zarr
from numcodecs.abc import Codec
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import ShardingCodec
from zarr.storage import LocalStore

from napari_focusfuse.core.files.checked import check_regular
from napari_focusfuse.errors import StackError
from napari_focusfuse.io.limits import check_room

__all__ = ["array_of", "bounded", "check_unpacked", "open_group"]

#: A codec that runs what the file says.
_UNSAFE = "pickle"
#: Files that describe, and bytes of the longest.
_DESCRIBING, _LONGEST = (".zattrs", ".zgroup", ".zarray", ".zmetadata", "zarr.json"), 2**26
#: Bytes that do no harm, whatever is stated; and those of a value on the way, as 8 bits may be kept as 64.
_HARMLESS, _VALUE = 2**26, 8
#: Most bytes that one of zlib's unpacks to.
_ZLIB = 1032
_PIECE = 2**20
#: How a frame of Zstandard begins, kinds of its blocks, and bytes of the longest.
_ZSTD, _REPEATED, _COMPRESSED, _BLOCK = b"\x28\xb5\x2f\xfd", 1, 2, 2**17
_MIB = 2**20
_STREAMS: dict[str, tuple[float, Callable[[], Any]]] = {
    "zlib": (_ZLIB, zlib.decompressobj),
    "gzip": (_ZLIB, partial(zlib.decompressobj, wbits=16 + zlib.MAX_WBITS)),
    "bz2": (math.inf, bz2.BZ2Decompressor),
}


class _Files(LocalStore):
    """A folder of which only files are read, not pipes or devices."""

    async def get(self, key: str, *args: Any, **options: Any) -> Any:
        self._check(key)
        return await super().get(key, *args, **options)

    def get_sync(self, key: str, *args: Any, **options: Any) -> Any:
        self._check(key)
        return super().get_sync(key, *args, **options)

    async def get_partial_values(self, prototype: Any, key_ranges: Any) -> Any:
        ranges = list(key_ranges)
        for key, _ in ranges:
            self._check(key)
        return await super().get_partial_values(prototype, ranges)

    def _check(self, key: str) -> None:
        path = Path(self.root) / key
        try:
            check_regular(path)
            size = path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return
        if path.name in _DESCRIBING and size > _LONGEST:
            raise OSError(errno.EFBIG, f"{path.name} is longer than {_LONGEST // 2**20} MiB", str(path))


def open_group(path: Path) -> Any:
    """The group in a folder, to be read only."""
    return zarr.open_group(_Files(path, read_only=True), mode="r")


def array_of(group: Any, name: str, path: Path) -> Any:
    """An array of a group; none of its chunks is read.

    Raises
    ------
    StackError
        Its values are no numbers, to decode them would run code, or its chunks are larger than memory.
    """
    array = group[name]
    if not isinstance(array, zarr.Array):
        raise StackError(f"{path} has a group in place of an image ({name}): check the file")
    if _UNSAFE in _names(array.metadata):
        raise StackError(f"{path} could run code when {name} is read (codec {_UNSAFE}): it is not opened")
    if array.dtype.kind not in "buif":
        raise StackError(f"{path} holds {array.dtype} in {name}, not numbers: convert it to integers or floats")
    for shape in (array.chunks, array.shards or ()):
        check_room(path, shape, array.dtype)
    return bounded(array)


def _names(metadata: Any) -> str:
    """Names of all codecs, in one text: of version 2 filters and compressor, of version 3 a chain, also in shards."""
    parts = [getattr(metadata, name, None) for name in ("filters", "compressor", "codecs")]
    return repr([_described(part) for part in parts]).lower()


def _described(part: Any) -> Any:
    if isinstance(part, (list, tuple)):
        return [_described(one) for one in part]
    if hasattr(part, "get_config"):
        return part.get_config()
    return part.to_dict() if hasattr(part, "to_dict") else part


def bounded(array: Any) -> Any:
    """The same array, whose chunks are looked at before they are unpacked.

    Parameters
    ----------
    array : zarr.Array
    """
    whole, chunks = array.metadata, array.shards or array.chunks
    if whole.zarr_format == 2:
        most = _most(chunks)
        filters = [_OfVersion2(codec, most) for codec in whole.filters or ()]
        compressor = whole.compressor and _OfVersion2(whole.compressor, most)
        metadata = replace(whole, filters=filters or None, compressor=compressor)
    else:
        metadata = replace(whole, codecs=tuple(_chain(whole.codecs, chunks)))
    inner = array.async_array if hasattr(array, "async_array") else array._async_array  # noqa: SLF001 - until zarr 3.1
    return zarr.Array(zarr.AsyncArray(metadata, inner.store_path, getattr(inner, "config", None)))


def check_unpacked(codec: Any, content: bytes, most: int) -> None:
    """Refuse content that unpacks to more than `most` bytes.

    Parameters
    ----------
    codec : dict
        Its ``id`` and settings. Of one that is not known here nothing is said.
    content : bytes
    most : int

    Raises
    ------
    ValueError
    """
    name = codec["id"]
    if name == "blosc":
        size: float = int.from_bytes(content[4:8], "little")
    elif name == "lz4":
        size = int.from_bytes(content[:4], "little")
    elif name == "zstd":
        size = _of_zstd(content, most)
    elif name == "lzma":
        size = _in_pieces(partial(_lzma, codec), content, most)
    elif name in _STREAMS and len(content) * _STREAMS[name][0] > most:
        size = _in_pieces(_STREAMS[name][1], content, most)
    else:
        return
    if size > most:
        raise ValueError(f"a chunk unpacks to more than {most // _MIB} MiB, and no more than that is stated")


def _most(shape: Sequence[int]) -> int:
    """Bytes that a chunk may unpack to."""
    return max(math.prod(shape) * _VALUE, _HARMLESS)


def _in_pieces(stream_of: Callable[[], Any], content: bytes, most: int) -> int:
    """How much some streams, one behind the other, unpack to; no more is unpacked than a little above `most`."""
    size = 0
    while content and size <= most:
        stream = stream_of()
        while not stream.eof and size <= most:
            piece = stream.decompress(content, _PIECE)
            content = getattr(stream, "unconsumed_tail", b"")
            size += len(piece)
            if not piece and (stream.eof or not content):
                break
        if not stream.eof:
            break
        content = stream.unused_data
    return size


def _lzma(codec: Any) -> lzma.LZMADecompressor:
    raw = codec.get("format") == lzma.FORMAT_RAW
    kinds = codec.get("filters") if raw else None
    return lzma.LZMADecompressor(lzma.FORMAT_RAW if raw else lzma.FORMAT_AUTO, filters=kinds)


def _of_zstd(content: bytes, most: int) -> float:
    """How much its blocks may unpack to; where that is too much, they are unpacked into what they may take."""
    try:
        if (size := _blocks_of_zstd(content)) <= most:
            return size
        imagecodecs.zstd_decode(content, out=bytearray(most))
    except imagecodecs.ZstdError as error:
        return math.inf if "too small" in str(error) else 0  # what is damaged is told of by who unpacks it
    return 0


def _blocks_of_zstd(content: bytes) -> float:
    """Bytes that the blocks of all frames hold at most; what is written in their headers may not be so."""
    at, size = 0, 0
    while at + 5 < len(content):
        flags = content[at + 4]
        if content[at : at + 4] != _ZSTD:
            return math.inf
        single = flags >> 5 & 1
        at += 5 + (1 - single) + (0, 1, 2, 4)[flags & 3] + (single, 2, 4, 8)[flags >> 6]
        last = False
        while not last and at + 3 <= len(content):
            block = int.from_bytes(content[at : at + 3], "little")
            last, kind, length = bool(block & 1), block >> 1 & 3, block >> 3
            at += 3 + (1 if kind == _REPEATED else length)
            size += _BLOCK if kind == _COMPRESSED else length
        at += flags & 4
    return size


class _OfVersion2(Codec):  # type: ignore[misc]
    """A codec of Zarr version 2 that looks first."""

    codec_id = "bounded"

    def __init__(self, codec: Any, most: int) -> None:
        self._codec, self._most = codec, most

    def encode(self, buf: Any) -> Any:
        return self._codec.encode(buf)

    def decode(self, buf: Any, out: Any = None) -> Any:
        check_unpacked(self._codec.get_config(), np.asarray(buf).tobytes(), self._most)
        return self._codec.decode(buf, out)

    def get_config(self) -> Any:
        return self._codec.get_config()


def _chain(codecs: Iterable[Any], shape: Sequence[int]) -> Iterable[Any]:
    """Codecs of version 3, also those in a shard, that look first."""
    for codec in codecs:
        if isinstance(codec, ShardingCodec):
            yield replace(codec, codecs=tuple(_chain(codec.codecs, codec.chunk_shape)))
        elif isinstance(codec, BytesBytesCodec):
            yield _OfVersion3(codec, _most(shape))
        else:
            yield codec


@dataclass(frozen=True)
class _OfVersion3(BytesBytesCodec):
    """A codec of Zarr version 3 that looks first."""

    codec: Any
    most: int
    is_fixed_size = False

    def to_dict(self) -> Any:
        return self.codec.to_dict()

    def evolve_from_array_spec(self, array_spec: Any) -> Any:
        return replace(self, codec=self.codec.evolve_from_array_spec(array_spec))

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        return int(self.codec.compute_encoded_size(input_byte_length, chunk_spec))

    async def decode(self, chunks_and_specs: Any) -> Any:
        batch, described = list(chunks_and_specs), self.codec.to_dict()
        told = {"id": described["name"].removeprefix("numcodecs."), **described.get("configuration", {})}
        for chunk, _ in batch:
            if chunk is not None:
                check_unpacked(told, chunk.to_bytes(), self.most)
        return await self.codec.decode(batch)

    async def encode(self, chunks_and_specs: Any) -> Any:
        return await self.codec.encode(chunks_and_specs)
