"""PNG and JPEG 2000 at full bit depth, once what they state of themselves was looked at."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.io._limits import check_room

__all__ = ["JPEG_2000", "PNG", "decode_jpeg_2000", "decode_png"]

PNG = b"\x89PNG\r\n\x1a\n"
#: How a file begins, and a bare code stream.
JPEG_2000 = (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")
#: Chunks that say what the values are. Of the others libpng tells on the terminal what it does not like.
_NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
#: Values of a pixel by the colour type; a palette may have transparency.
_SAMPLES = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}


def decode_png(path: Path) -> NDArray[Any]:
    """The image in a PNG.

    Raises
    ------
    StackError, OSError, EOFError, ValueError
        It is damaged, or larger than memory.
    """
    chunks = list(_chunks(path.read_bytes()))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise ValueError("it does not begin as a PNG does")
    width, height, bits, colour = struct.unpack_from(">IIBB", chunks[0][1])
    check_room(path, (height, width, _SAMPLES.get(colour, 4)), np.uint16 if bits > 8 else np.uint8)
    image: NDArray[Any] = imagecodecs.png_decode(PNG + b"".join(map(_packed, chunks)))
    return image


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of those that are needed, up to the last one."""
    at, name = len(PNG), b""
    while name != b"IEND":
        if at + 12 > len(data):
            raise EOFError("the file ends too early")
        length, name = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        at += 12 + length
        if name in _NEEDED:
            if at > len(data):
                raise EOFError("the file ends too early")
            if struct.unpack_from(">I", data, at - 4)[0] != zlib.crc32(name + content):
                raise ValueError("its content does not fit its checksum")
            yield name, content


def _packed(chunk: tuple[bytes, bytes]) -> bytes:
    name, content = chunk
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def decode_jpeg_2000(path: Path) -> NDArray[Any]:
    """The image in a JPEG 2000; errors as for a PNG."""
    data = path.read_bytes()
    at = data.find(JPEG_2000[1])
    if at < 0 or at + 42 > len(data):
        raise EOFError("the file ends too early")
    right, bottom, left, top = struct.unpack_from(">IIII", data, at + 8)
    (samples,) = struct.unpack_from(">H", data, at + 40)
    check_room(path, (max(bottom - top, 0), max(right - left, 0), samples), np.uint16)
    image: NDArray[Any] = imagecodecs.jpeg2k_decode(data)
    return image
