"""Checksums of inputs, in pieces and with progress."""

import hashlib
from pathlib import Path

import pytest

from napari_focusfuse.core.progress import Returning
from napari_focusfuse.io import checksums, iter_checksums


def test_pieces_order_and_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "_PIECE", 10)
    paths = [tmp_path / name for name in ("b", "gone", "a")]
    paths[0].write_bytes(b"x" * 25)
    paths[2].write_bytes(b"y" * 15)
    work = Returning(iter_checksums(paths))
    steps = [(step.done, step.total, step.what) for step in work]
    assert steps == [
        (n, 40, f"checksum of {name}") for n, name in ((10, "b"), (20, "b"), (25, "b"), (35, "a"), (40, "a"))
    ]
    expected = [hashlib.sha256(b"x" * 25).hexdigest(), None, hashlib.sha256(b"y" * 15).hexdigest()]
    assert list(work.result.items()) == list(zip(paths, expected, strict=True))
