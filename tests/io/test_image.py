"""PNG and JPEG 2000 that are not trusted."""

import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_focusfuse import io
from napari_focusfuse.core.files import checked
from napari_focusfuse.errors import StackError

IMAGE = np.random.default_rng(0).integers(0, 65536, (12, 17, 3), dtype=np.uint16)


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(image: np.ndarray = IMAGE) -> bytes:
    return bytes(imagecodecs.png_encode(image))


def test_what_libpng_would_tell_on_the_terminal_is_left_out(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A profile that is damaged does not matter for the values; neither does its checksum."""
    data, path = png(), tmp_path / "a.png"
    odd = chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"none")) + chunk(b"tIME", b"now")[:-1] + b"\0"
    path.write_bytes(data[:33] + odd + data[33:])
    np.testing.assert_array_equal(io.read_image(path), IMAGE)
    assert capfd.readouterr() == ("", "")


def test_damaged_files_are_refused_quietly(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    data, path = png(), tmp_path / "a.png"
    flipped = bytearray(data)
    flipped[60] ^= 1
    for content in (bytes(flipped), data[:-12], data[: len(data) // 2], data[:20], data[:8] + chunk(b"IEND", b"")):
        path.write_bytes(content)
        with pytest.raises(StackError, match=r"a\.png cannot be read"):
            io.read_image(path)
    assert capfd.readouterr() == ("", "")


def test_sizes_that_no_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some kilobytes of black are enough."""
    monkeypatch.setattr(checked, "memory", lambda: 2**24)
    black = np.zeros((3000, 3000), np.uint8)
    (tmp_path / "a.png").write_bytes(png(black))
    (tmp_path / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(black, level=0))
    Image.fromarray(black).save(tmp_path / "a.webp")
    for name in ("a.png", "a.jp2", "a.webp"):
        assert (tmp_path / name).stat().st_size < 50_000
        for read in (io.read_image, io.read_stack):
            with pytest.raises(StackError, match="an image of 3000 x 3000"):
                read(tmp_path / name)


def test_jpeg_2000_is_read_as_before(tmp_path: Path) -> None:
    (tmp_path / "a.jp2").write_bytes(imagecodecs.jpeg2k_encode(IMAGE, level=0))
    np.testing.assert_array_equal(io.read_image(tmp_path / "a.jp2"), IMAGE)
