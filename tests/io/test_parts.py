"""What killed processes leave, and what becomes of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from napari_focusfuse import io
from napari_focusfuse.core.result import FusionResult
from napari_focusfuse.io import _parts

pytestmark = pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked for there")

# Writes results over and over, slowly enough to be killed between two files or two renames.
WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from napari_focusfuse import io
from napari_focusfuse.core.result import FusionResult
from napari_focusfuse.io import _result
folder, where = Path(sys.argv[1]), sys.argv[2]
result = FusionResult(np.full((2, 3), 9, np.uint8), None, "a projection")
def stop(*args, **options):
    print("here", flush=True)
    time.sleep(60)
if where == "writing":
    _result.write_recipe = stop
else:
    rename, calls = Path.rename, []
    def second(path, target):
        calls.append(path)
        return rename(path, target) if len(calls) == 1 else stop()
    Path.rename = second
io.write_result(folder, result, recipe=io.make_recipe(result), overwrite=True)
"""


def killed(folder: Path, where: str) -> None:
    """A process that is killed while it writes over a result."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), where], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def write(folder: Path, value: int, *, overwrite: bool = True) -> None:
    result = FusionResult(np.full((2, 3), value, np.uint8), None, "a projection")
    io.write_result(folder, result, recipe=io.make_recipe(result), overwrite=overwrite)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def value(folder: Path) -> int:
    assert names(folder) == ["fused.ome.tif", "recipe.json"]
    return int(io.read_image(folder / "fused.ome.tif")[0, 0])


def test_killed_while_writing(tmp_path: Path) -> None:
    folder = tmp_path / "beads"
    killed(folder, "writing")
    assert not folder.exists()
    assert len(names(tmp_path)) == 1
    write(folder, 7)
    assert (names(tmp_path), value(folder)) == (["beads"], 7)
    killed(folder, "writing")
    assert value(folder) == 7


def test_killed_while_replacing(tmp_path: Path) -> None:
    """The old result comes back at the next write, which is refused without leave to overwrite."""
    folder = tmp_path / "beads"
    write(folder, 7)
    killed(folder, "replacing")
    assert not folder.exists()
    with pytest.raises(io._result.OutputError, match="exists"):
        write(folder, 8, overwrite=False)
    assert (names(tmp_path), value(folder)) == (["beads"], 7)


def test_others_are_left_alone(tmp_path: Path) -> None:
    """What a process that runs is writing, another machine's, other targets'."""
    folder, image = tmp_path / "beads", tmp_path / "beads.tif"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        running = f".beads.{_parts._machine()}-{process.pid}-00000000.part"
        kept = [running, ".beads.000000-99999999-00000000.part", ".beads.part", ".beads.tif.part"]
        gone = [f".{name}.{_parts._machine()}-99999999-00000000.part" for name in ("beads", "beads.tif")]
        for name in (*kept, *gone):
            (tmp_path / name).write_bytes(b"")
        write(folder, 7)
        assert gone[0] not in names(tmp_path)
        assert gone[1] in names(tmp_path)
        io.write_image(image, np.zeros((2, 3), np.uint8))
        assert names(tmp_path) == sorted([*kept, "beads", "beads.tif"])
        process.communicate(b"\n")


def test_fusing_killed(tmp_path: Path) -> None:
    """No partial output under the target's name."""
    stack = tmp_path / "stack.tif"
    io.write_stack(stack, np.random.default_rng(0).integers(0, 255, (12, 200, 200), dtype=np.uint8))
    args = [sys.executable, "-m", "napari_focusfuse", "fuse", str(stack), "-o", str(tmp_path / "out"), "--method", "sf"]
    for seconds in (0.5, 2.0):
        process = subprocess.Popen(args, stdout=subprocess.DEVNULL)
        time.sleep(seconds)
        process.kill()
        process.wait()
        target = tmp_path / "out" / "stack"
        assert not target.exists() or "recipe.json" in names(target)
