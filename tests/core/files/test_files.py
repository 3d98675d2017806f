"""What killed processes leave, and what becomes of it."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from napari_focusfuse import io
from napari_focusfuse.core import files
from napari_focusfuse.core.result import FusionResult
from napari_focusfuse.errors import OutputError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked for there")

# Writes results over and over, slowly enough to be killed between two files or two renames.
WRITER = """
import sys, time
from pathlib import Path
import numpy as np
from napari_focusfuse import io
from napari_focusfuse.core.result import FusionResult
from napari_focusfuse.io import result as written
folder, where = Path(sys.argv[1]), sys.argv[2]
result = FusionResult(np.full((2, 3), 9, np.uint8), None, "a projection")
def stop(*args, **options):
    print("here", flush=True)
    time.sleep(60)
if where == "writing":
    written.write_recipe = stop
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
    with pytest.raises(OutputError, match="exists"):
        write(folder, 8, overwrite=False)
    assert (names(tmp_path), value(folder)) == (["beads"], 7)


def test_others_are_left_alone(tmp_path: Path) -> None:
    """What a process that runs is writing, another machine's, other targets'."""
    folder, image = tmp_path / "beads", tmp_path / "beads.tif"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        running = f".beads.{files._machine()}-{process.pid}-00000000.part"
        kept = [running, ".beads.000000-99999999-00000000.part", ".beads.part", ".beads.tif.part"]
        gone = [f".{name}.{files._machine()}-99999999-00000000.part" for name in ("beads", "beads.tif")]
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


def test_who_comes_second_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    """Both began when nothing was there; links may not be had on the disk."""
    for name, linked in (("linked", True), ("copied", False)):
        target = tmp_path / name

        def write(part: Path, target: Path = target) -> None:
            part.write_text("second")
            target.write_text("first")

        with pytest.MonkeyPatch.context() as patch:
            if not linked:
                patch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(95, "not supported")))
            with pytest.raises(OutputError, match=rf"{name} exists, another program wrote it in the meantime"):
                files.write_whole(target, write, overwrite=False)
            assert target.read_text() == "first"
            files.write_whole(target, lambda part: part.write_text("third"), overwrite=True)
            assert target.read_text() == "third"
            target.unlink()
            files.write_whole(target, lambda part: part.write_text("fourth"), overwrite=False)
            assert (target.read_text(), names(tmp_path)) == ("fourth", [name])
            target.unlink()


def test_long_names_have_hidden_ones_too(tmp_path: Path) -> None:
    target = tmp_path / ("ä" * 120 + ".tif")
    seen = []
    files.write_whole(target, lambda part: (seen.append(part.name), part.write_text("x")), overwrite=False)
    assert target.read_text() == "x"
    left = tmp_path / seen[0].replace(f"-{os.getpid()}-", "-99999999-")
    left.write_text("")
    files.clean(target)
    assert names(tmp_path) == [target.name]


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "\ud800"])
def test_names_that_nothing_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"cannot (be written|write)"):
        io.write_image(tmp_path / f"{name}.tif", np.zeros((2, 3), np.uint8))
    with pytest.raises(OutputError, match=r"cannot (be written|write)"):
        files.write_whole(tmp_path / name, lambda part: part.touch(), overwrite=True)
    assert names(tmp_path) == []


def test_a_process_of_the_same_number_was_another_one(tmp_path: Path) -> None:
    """In containers numbers come again; what this process writes itself stays."""
    mine = files.part_of(tmp_path / "beads")
    theirs = tmp_path / f".beads.{files._machine()}-{os.getpid()}-00000000.part"
    for path in (mine, theirs):
        path.mkdir()
    files.clean(tmp_path / "beads")
    assert names(tmp_path) == [mine.name]


def test_a_folder_that_others_still_write_in_is_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / "chunks"
    folder.mkdir()
    stop = threading.Event()

    def write() -> None:
        for k in range(200):
            with suppress(OSError):
                (folder / str(k)).write_text("chunk")
        stop.set()

    thread = threading.Thread(target=write)
    thread.start()
    files.remove(folder)
    thread.join()
    assert stop.is_set()
    assert not folder.exists()


def test_the_message_of_a_full_disk_names_the_target(tmp_path: Path) -> None:
    def full(part: Path) -> None:
        raise OSError(28, "No space left on device", str(part))

    def fuller(part: Path) -> None:
        raise OSError("100 requested and 50 written")

    for write, told in ((full, "No space left"), (fuller, "the disk may be full")):
        with pytest.raises(OutputError, match=told) as caught:
            files.write_whole(tmp_path / "beads.tif", write, overwrite=False)
        assert str(tmp_path / "beads.tif") in str(caught.value)
        assert ".part" not in str(caught.value)
