"""Two files that belong together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_focusfuse.core import files
from napari_focusfuse.core.files import both
from napari_focusfuse.errors import OutputError

# Writes both and is killed at the file-system event of a number; without one it counts them.
WRITER = """
import os, signal, sys
from pathlib import Path
from napari_focusfuse.core.files.both import write_both
folder, value, number = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
events = 0
def count(event, args):
    global events
    if event in ("open", "os.rename", "os.link", "os.remove", "os.mkdir") and str(args[0]).startswith(str(folder)):
        events += 1
        if events == number:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
def put(path):
    path.write_text(value)
write_both((folder / "stack.tif", put), (folder / "stack.json", put), overwrite=True)
print(events)
"""


def write(folder: Path, value: str, *, overwrite: bool = True) -> None:
    def put(path: Path) -> None:
        path.write_text(value)

    both.write_both((folder / "stack.tif", put), (folder / "stack.json", put), overwrite=overwrite)


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")}


def run(folder: Path, number: int) -> str | None:
    done = subprocess.run(
        [sys.executable, "-c", WRITER, folder, "new", str(number)], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, -9), done.stderr
    return done.stdout if done.returncode == 0 else None


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked for there")
@pytest.mark.parametrize("exists", [True, False])
def test_killed_anywhere_they_are_never_of_two_runs(tmp_path: Path, exists: bool) -> None:
    old, new = ({"stack.tif": value, "stack.json": value} for value in ("old", "new"))
    states, number, counted = [], 0, None
    while counted is None:
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        if exists:
            write(folder, "old")
        counted = run(folder, number)
        assert len(set(held(folder).values())) <= 1
        both.clean_both(folder / "stack.tif", folder / "stack.json")
        states.append(held(folder))
        assert states[-1] in ((old, new) if exists else ({}, new))
        assert len(list(folder.iterdir())) == len(states[-1])
    assert number > 5
    assert states == sorted(states, key=lambda state: state == new)
    assert states[-1] == new


@pytest.mark.parametrize("name", ["stack.tif", "stack.json"])
def test_neither_is_replaced_without_leave(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("first")
    with pytest.raises(OutputError, match=r"exists, another program wrote it"):
        write(tmp_path, "second", overwrite=False)
    assert held(tmp_path) == {name: "first"}
    assert len(list(tmp_path.iterdir())) == 1


def test_what_fails_brings_the_old_ones_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(both, "place", fail)
    with pytest.raises(OutputError, match=r"cannot write .*stack\.tif: Input/output error"):
        write(tmp_path, "new")
    assert held(tmp_path) == {"stack.tif": "old", "stack.json": "old"}
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_running_process_writes_stays(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        left = tmp_path / f".stack.tif.{files._machine()}-{process.pid}-00000000.main"
        left.write_text("half")
        write(tmp_path, "new")
        assert left.exists()
        process.communicate(b"\n")
