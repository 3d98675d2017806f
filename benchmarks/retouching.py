"""How soon the layers follow a brush stroke: from its end until the fused image and the maps are up to date.

    python -m benchmarks.retouching core --side 2048 --slices 20
    python -m benchmarks.retouching viewer --side 2048 --slices 20

"core" is the computation of a whole stroke. "viewer" is a napari viewer (on a display, or under xvfb-run): from the
end of a stroke, which the layers have followed, to the layers changed and to the window drawn; and from undoing a whole
stroke. The stack is an array, and zarr by dask in compressed chunks of one slice: "core" reads those at the first
stroke at a place and not again, the viewer begins to read them when Paint is pressed, some seconds before.
"""

import argparse
import tempfile
import time
from typing import Any

import dask.array as da
import numpy as np
import zarr

from napari_focusfuse.core.blend import iter_blend
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.result import Decision, FusionResult
from napari_focusfuse.core.result.edits import REACH, bounds
from napari_focusfuse.core.retouch import cut, iter_retouch
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.blocks import Blocks
from napari_focusfuse.core.stack.tiles import grown

_STROKES = 15
_BRUSH = 40
_LENGTH = 120
#: Between pressing Paint and the first stroke, s.
_BEFORE = 5.0


def scene(side: int, slices: int) -> tuple[np.ndarray, FusionResult]:
    """A tilted plane of noise, uint16, and its fusion by four slices a pixel."""
    rng = np.random.default_rng(0)
    data = rng.integers(1000, 4000, (slices, side, side), dtype=np.uint16)
    depth = np.linspace(0, slices - 1, side)[None] + rng.normal(0, 0.3, (side, side))
    near = np.clip(np.rint(depth), 1, slices - 3).astype(np.int16)
    labels = np.stack([near, near + 1, near - 1, near + 2])
    weights = np.broadcast_to(np.array([0.5, 0.2, 0.2, 0.1], np.float32)[:, None, None], labels.shape).copy()
    maps = (depth.astype(np.float32), np.full(depth.shape, 0.5, np.float32), np.zeros(depth.shape, np.uint16))
    decision = Decision(labels, weights, *maps, np.arange(float(slices)), {"method": "made up"})
    return data, FusionResult(drain(iter_blend(Stack(data), decision)), decision, "made up.")


def sources(data: np.ndarray, folder: str) -> dict[str, Any]:
    """The same stack, in memory and on disk."""
    stored = zarr.create_array(f"{folder}/stack.zarr", shape=data.shape, chunks=(1, 1024, 1024), dtype=data.dtype)
    stored[:] = data
    lazy = da.from_array(stored, chunks=stored.chunks)  # type: ignore[no-untyped-call]
    return {"numpy": data, "zarr": lazy}


def stroke(shape: tuple[int, int], number: int) -> list[tuple[float, float]]:
    """Points of a straight stroke, another one for each number."""
    rng = np.random.default_rng(number)
    y, x = rng.uniform(200, shape[0] - 200), rng.uniform(200, shape[1] - 200 - _LENGTH)
    return [(y, x + step) for step in range(0, _LENGTH, _BRUSH // 2)]


def report(name: str, seconds: list[float]) -> None:
    """Median and worst, ms."""
    times = 1000 * np.array(seconds)
    print(
        f"{name:32s} median {np.median(times):6.1f} ms   90 % {np.quantile(times, 0.9):6.1f} ms   "
        f"worst {times.max():6.1f} ms"
    )


def core(data: Any, result: FusionResult, name: str) -> None:
    """The computation of the part that a stroke touches, first and again at the same place."""
    stack = Stack(data if isinstance(data, np.ndarray) else Blocks(data))
    shape = stack.shape
    yy, xx = np.ogrid[: shape[0], : shape[1]]
    first: list[float] = []
    again: list[float] = []
    for number in range(_STROKES):
        mask = np.zeros(shape, bool)
        for y, x in stroke(shape, number):
            mask |= (yy - y) ** 2 + (xx - x) ** 2 <= (_BRUSH / 2) ** 2
        part = bounds(mask)
        if part is None:
            continue
        outer = grown(part, 2 * REACH, shape)
        index = np.full(mask[outer].shape, number % len(stack))
        for times in (first, again):
            begun = time.perf_counter()
            drain(iter_retouch(*cut(stack, result, outer), index, mask[outer]))
            times.append(time.perf_counter() - begun)
    report(f"{name}, first", first)
    report(f"{name}, again", again)


def viewer(data: Any, result: FusionResult, name: str) -> None:
    """Strokes on the decision layer of a viewer, as the mouse makes them."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_focusfuse.gui.layers.source import take
    from napari_focusfuse.gui.retouch.session import show_and_follow

    shown = napari.Viewer()
    shown.window.resize(1400, 900)
    source = take(shown.add_image(data, name=name, axis_labels=("z", "y", "x")), 0, (0, 0, 0))
    note = {"source_id": source.layer_id, "position": {}, "slices": source.slices, "z_step": None}
    retoucher = show_and_follow(shown, source, result, note)
    if retoucher is None:
        return
    layer = retoucher.layer("decision")
    layer.visible, layer.opacity, layer.brush_size = True, 0.25, _BRUSH
    shown.layers.selection = {layer}
    layer.mode = "paint"
    retoucher.prepare()
    rest(_BEFORE)
    changed, drawn, undone = [], [], []
    for number in range(_STROKES + 1):
        with layer.block_history():
            for point in stroke(layer.data.shape, number):
                layer.paint(point, number % source.slices + 1)
                QApplication.processEvents()
            begun = time.perf_counter()
        changed.append(follows(retoucher) - begun)
        QApplication.processEvents()
        drawn.append(time.perf_counter() - begun)
        rest(0.3)
        begun = time.perf_counter()
        layer.undo()
        undone.append(follows(retoucher) - begun)
        layer.redo()
        follows(retoucher)
    for what, times in (("layers", changed), ("drawn", drawn), ("undo, layers", undone)):
        report(f"{name}, {what}, first", times[:1])
        report(f"{name}, {what}", times[1:])
    shown.close()


def follows(retoucher: Any) -> float:
    """When the layers show what is painted."""
    from qtpy.QtCore import QEventLoop

    loop = QEventLoop()
    retoucher.changed.connect(loop.quit)
    while retoucher.busy:
        loop.exec()
    retoucher.changed.disconnect(loop.quit)
    return time.perf_counter()


def rest(seconds: float) -> None:
    """Let the viewer work."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["core", "viewer"])
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--slices", type=int, default=20)
    args = parser.parse_args()
    data, result = scene(args.side, args.slices)
    measure = core if args.what == "core" else viewer
    print(f"{args.slices} slices of {args.side} x {args.side} px, uint16; {_STROKES} strokes, brush {_BRUSH} px")
    with tempfile.TemporaryDirectory() as folder:
        for name, source in sources(data, folder).items():
            measure(source, result, name)


if __name__ == "__main__":
    main()
