"""Files with bytes that were changed at random: read, or refused in a sentence, and never more than that.

A hundred of them here; FOCUSFUSE_LONG=10000 tries that many.
"""

import os
import random
import shutil
import signal
import struct
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.errors import FocusFuseError

CASES = int(os.environ.get("FOCUSFUSE_LONG", "100"))
#: Seconds of processor time after which a case counts as one that never ends.
LONGEST = 20
#: Numbers that headers are often wrong by.
EXTREMES = (0, 1, 2, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> list[Path]:
    """Small files of all formats that are read."""
    folder, rng = tmp_path_factory.mktemp("seeds"), np.random.default_rng(1)
    stack = rng.integers(0, 65536, (3, 24, 20), dtype=np.uint16)
    colour = rng.integers(0, 256, (3, 24, 20, 3), dtype=np.uint8)
    grey = {"photometric": "minisblack"}
    tifffile.imwrite(folder / "plain.tif", stack, **grey)
    tifffile.imwrite(folder / "big.tif", stack, bigtiff=True, byteorder=">", **grey)
    tifffile.imwrite(folder / "tiled.tif", stack, tile=(16, 16), compression="zlib", **grey)
    tifffile.imwrite(folder / "lzw.tif", stack, compression="lzw", **grey)
    tifffile.imwrite(folder / "jpeg.tif", colour, compression="jpeg", photometric="rgb")
    tifffile.imwrite(folder / "planar.tif", np.moveaxis(colour, -1, 1), photometric="rgb", planarconfig="separate")
    tifffile.imwrite(folder / "imagej.tif", stack, imagej=True, metadata={"axes": "ZYX", "spacing": 2.0, "unit": "um"})
    io.write_stack(folder / "ome.ome.tif", stack, z=(0.0, 1.0, 2.5), z_step=1.25, pixel_size=(0.2, 0.2))
    encoders = {
        "png": imagecodecs.png_encode,
        "jpg": lambda plane: imagecodecs.jpeg_encode((plane >> 8).astype(np.uint8)),
        "jp2": lambda plane: imagecodecs.jpeg2k_encode(plane, level=0),
    }
    for suffix, encode in encoders.items():
        (folder / suffix).mkdir()
        for k, plane in enumerate(stack):
            (folder / suffix / f"z{k}.{suffix}").write_bytes(encode(plane))
    result = ff.fuse(stack, method="sf")
    result.decision.save(folder / "decision.npz")
    ff.save_result(folder / "result", result, inputs=[folder / "plain.tif"], z_step=1.0, pixel_size=(1.0, 1.0))
    kept = ff.AlignConfig(kind="none")
    ff.align(rng.integers(0, 255, (3, 48, 48), dtype=np.uint8), config=kept).transforms.save(folder / "moved.json")
    try:
        for version in ("0.4", "0.5"):
            _zarr(folder / f"{version}.zarr", stack, version)
    except ImportError:
        pass
    return sorted(folder.iterdir())


def _zarr(path: Path, stack: np.ndarray, version: str) -> None:
    import zarr

    group = zarr.open_group(path, mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array("0", data=stack, chunks=(1, 16, 16))
    image = {"version": version, "axes": [{"name": a, "type": "space"} for a in "zyx"], "datasets": [{"path": "0"}]}
    group.attrs.update({"multiscales": [image]} if version == "0.4" else {"ome": {"multiscales": [image]}})


def changed(content: bytes, draw: random.Random) -> bytes:
    """One to four changes, most of them near the begin or the end, where headers are."""
    data = bytearray(content)
    for _ in range(draw.choice((1, 1, 2, 4))):
        if not data:
            break
        size, kind = len(data), draw.randrange(7)
        at = draw.choice(
            (draw.randrange(size), draw.randrange(min(size, 400)), size - 1 - draw.randrange(min(size, 600)))
        )
        if kind == 0:
            data[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            data[at] = draw.randrange(256)
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + draw.choice((1, 4, 12, 100))]
        elif kind == 4:
            data[at:at] = draw.randbytes(draw.choice((1, 4, 12)))
        elif kind == 5:
            data[at : at + 4] = struct.pack(draw.choice("<>") + "I", draw.choice(EXTREMES))
        else:
            start = draw.randrange(size)
            data[at : at + 16] = data[start : start + 16]
    return bytes(data)


def used(path: Path, out: Path) -> None:
    """What a user would do with such a file."""
    if path.suffix == ".npz":
        decision = ff.load_decision(path)
        ff.blend(np.zeros((len(decision.z), *decision.shape), np.uint8), decision)
    elif path.suffix == ".json":
        ff.load_transforms(path).motions()
    elif path.name == "result":
        ff.export(path, out, overwrite=True)
        ff.replay(path)
    else:
        file = ff.open_stack(path)
        ff.fuse(file.data, method="variance", z=file.positions(), rgb=file.axes.endswith("S"))


@contextmanager
def ending():
    """Fail where it does not end; by processor time, as machines may be busy."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def late(*_: object) -> None:
        pytest.fail(f"no end after {LONGEST} s")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(number=st.integers(0, 2**48))
def test_any_file_is_read_or_refused(seeds, tmp_path_factory, number):
    draw = random.Random(number)  # noqa: S311 - nothing is kept secret by it
    seed, folder = draw.choice(seeds), tmp_path_factory.getbasetemp() / "changed"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / seed.name
    if seed.is_dir():
        shutil.copytree(seed, path)
        files = sorted(file for file in path.rglob("*") if file.is_file())
    else:
        files = [Path(shutil.copy(seed, path))]
    for file in draw.sample(files, min(len(files), draw.choice((1, 1, 2)))):
        file.write_bytes(changed(file.read_bytes(), draw))
    told = "nothing, it was read"
    with warnings.catch_warnings(), ending():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", module="napari_focusfuse", category=RuntimeWarning)
        try:
            used(path, folder / "heights.tif")
        except FocusFuseError as error:
            told = str(error)
    assert told
    assert "\n" not in told
    if sys.platform == "linux":
        import resource

        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 * 2**20  # KiB
