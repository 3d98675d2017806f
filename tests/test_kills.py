"""Killed, terminated or interrupted anywhere, a command leaves the old result or the new one, and runs again.

A command is stopped at some of its file-system events; FOCUSFUSE_LONG=10000 goes through as many.
"""

import os
import shutil
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from safetensors import safe_open

import napari_focusfuse as ff
from napari_focusfuse import api, io, models
from napari_focusfuse.core.encode.network import Encoder

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")]

LONG = int(os.environ.get("FOCUSFUSE_LONG", "0"))
#: Events at which each command is stopped, and each training, spread evenly over all of them.
EVENTS, OF_TRAINING = LONG or 4, LONG or 2
SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT")

# Runs the command line and sends itself a signal at the event of a number; tells how many there were.
RUN = """
import os, signal, sys, warnings
import torch
torch.set_num_threads(1)
from napari_focusfuse.cli import main

WRITING = os.O_WRONLY | os.O_RDWR
count = 0

def hook(event, args):
    global count
    named = event in ("os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir")
    if not named and not (event == "open" and isinstance(args[2], int) and args[2] & WRITING):
        return
    if not isinstance(args[0], (str, os.PathLike)) or not os.fspath(args[0]).startswith(where):
        return
    count += 1
    if count == number:
        os.kill(os.getpid(), getattr(signal, how))

exec(before)
sys.stderr = open(told + ".err", "w")
sys.stdout = open(told, "w")
sys.addaudithook(hook)
code = main(argv)
sys.stdout.write(f"events {count}")
sys.stdout.flush()
os._exit(code)
"""


# Scenes and validations as small as they can be.
SMALL = """
from napari_focusfuse.core.training import _scenes, candidate_head, decision_head, encoder

_scenes._SLICES = (5, 6)
candidate_head.ScoredScenes.side = decision_head.Scenes.side = 64
candidate_head.Validation.count = decision_head.Validation.count = 1
encoder._STACKS = 3
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A stack, time points, transforms, two saved results, and images to train on."""
    folder, rng = tmp_path_factory.mktemp("inputs"), np.random.default_rng(0)
    stack = rng.integers(0, 255, (3, 24, 26), dtype=np.uint8)
    io.write_stack(folder / "a.tif", stack)
    tifffile.imwrite(folder / "t.tif", np.stack([stack, stack[::-1]]), ome=True, metadata={"axes": "TZYX"})
    aligned = ff.align(rng.integers(0, 255, (3, 48, 48), dtype=np.uint8), config=ff.AlignConfig(kind="none"))
    aligned.transforms.save(folder / "known.json")
    io.write_stack(folder / "b.tif", rng.integers(0, 255, (3, 48, 48), dtype=np.uint8))
    for name, method in (("sf", "sf"), ("variance", "variance")):
        result = ff.fuse(stack, method=method)
        api.save_result(folder / name, result, inputs=[folder / "a.tif"], z_step=1.0, pixel_size=(1.0, 1.0))
    torch.manual_seed(0)
    models.save_model(Encoder("none", decides=True).eval(), folder / "begun", "")
    (folder / "images").mkdir()
    for k, image in enumerate(rng.integers(0, 255, (3, 24, 24), dtype=np.uint8)):
        (folder / "images" / f"{k}.png").write_bytes(imagecodecs.png_encode(image))
    return folder


#: Arguments that differ between the old and the new result, those that both have, and the name of the target.
COMMANDS = {
    "folder": ("fuse {in}/a.tif -o {out} --method {}", ("max", "mean")),
    "image": ("fuse {in}/a.tif -o {out}/x.tif --method {}", ("max", "mean")),
    "batch": ("fuse {in}/a.tif {in}/b.tif -o {out} --method {}", ("max", "mean")),
    "zarr": ("fuse {in}/a.tif -o {out} --zarr --method {}", ("max", "mean")),
    "positions": ("fuse {in}/t.tif -o {out}/x.tif --all-positions --method {}", ("max", "mean")),
    "replay": ("replay {in}/{} -o {out}/again", ("sf", "variance")),
    "export": ("export {in}/{} -o {out}/h.tif", ("sf", "variance")),
    "align": ("align {in}/b.tif -o {out}/x.tif --transforms {in}/known.json --z-step {}", ("1", "2")),
}

#: Trainings of two validations each; the old and the new one differ in the seed.
_STEPS = "--steps 2 --stacks 1 --validate-every 1 --procedural 0 --learning-rate 1e-2"
TRAININGS = {
    "paper": "--epochs 2 --batch 4 --crop 16 --crops-per-image 2",
    "focus": f"{_STEPS} --crop 16",
    "decide": f"{_STEPS} --crop 48 --scene-steps 2 --start {{in}}/begun",
    "candidates": f"{_STEPS} --crop 48 --scene-steps 2 --start {{in}}/begun",
}
for recipe, settings in TRAININGS.items():
    line = f"train {{in}}/images -o {{out}}/mine --device cpu --recipe {recipe} {settings} --seed {{}}"
    COMMANDS[f"train-{recipe}"] = (line, ("1", "2"))


class Command:
    """A command that makes one of two results in a folder."""

    def __init__(self, processes, inputs: Path, name: str) -> None:
        self._processes, self._inputs = processes, inputs
        self._line, self._variants = COMMANDS[name]

    def run(
        self,
        out: Path,
        variant: int,
        number: int = 0,
        how: str = "SIGKILL",
        allowed: str = "--overwrite",
        before: str = "",
    ) -> tuple[int, int]:
        """Exit code and events."""
        line = self._line.replace("{in}", str(self._inputs)).replace("{out}", str(out))
        argv = [*line.replace("{}", self._variants[variant]).split(), allowed]
        told = out.parent / "told"
        names = {"argv": argv, "number": number, "how": how, "where": str(out), "told": str(told)}
        names["before"] = (SMALL if argv[0] == "train" else "") + before
        process = self._processes.Process(target=exec, args=(RUN, names))
        process.start()
        process.join()
        _, found, count = told.read_text().rpartition("events ")
        return process.exitcode, int(count) if found else 0


def held(out: Path) -> dict[str, bytes | None]:
    """Everything in a folder; hidden files too."""
    return {p.relative_to(out).as_posix(): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def hidden(name: str) -> bool:
    """Whether a file is not finished, by its name or that of its folder."""
    return any(part.endswith((".part", ".old", ".main", ".beside", ".before")) for part in Path(name).parts)


def units(content: dict[str, bytes | None]) -> dict[str, dict[str, bytes | None]]:
    """What belongs together, without what is hidden: the files of each folder, and those that lie beside each other."""
    found: dict[str, dict[str, bytes | None]] = {}
    for name, data in content.items():
        if not hidden(name):
            found.setdefault(Path(name).parts[0] if "/" in name else "", {})[name] = data
    return found


def restore(earlier: Path | None, out: Path) -> None:
    """The folder as it was before a command ran."""
    shutil.rmtree(out, ignore_errors=True)
    if earlier is not None:
        shutil.copytree(earlier, out)


def spread(count: int, events: int) -> list[int]:
    """Numbers of the events to stop at: all, or so many."""
    return [round(k) for k in np.linspace(0, events + 1, min(count, events) + 2)[1:-1]]


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("name", [name for name in COMMANDS if not name.startswith("train")])
def test_stopped_anywhere(processes, inputs, tmp_path, record_property, name, exists):
    command, out, earlier = Command(processes, inputs, name), tmp_path / "out", tmp_path / "earlier"
    assert command.run(out, 0)[0] == 0
    out.rename(earlier)
    old = held(earlier) if exists else {}
    restore(earlier if exists else None, out)
    code, events = command.run(out, 1)
    new = held(out)
    assert (code, held(earlier) != new) == (0, True)
    numbers = spread(EVENTS, events)
    record_property("events", len(numbers))
    for number in numbers:
        how = SIGNALS[number % len(SIGNALS)]
        restore(earlier if exists else None, out)
        code, _ = command.run(out, 1, number, how)
        left = held(out)
        assert code in ((-9,) if how == "SIGKILL" else (130, 0)), (number, how)
        for unit, files in units(left).items():
            whole = [known for known in (units(old).get(unit), units(new).get(unit)) if known is not None]
            # Of two files beside each other, the second may be away until the next run: it is never of another one.
            beside = not unit and how == "SIGKILL" and any(files.items() <= known.items() for known in whole)
            assert files in whole or beside, (number, how, unit, sorted(files))
        if how != "SIGKILL":
            assert all(not hidden(file) for file in left), (number, how)
            assert set(units(old)) <= set(units(left)) <= set(units({**old, **new})), (number, how)
        assert command.run(out, 1)[0] == 0, (number, how)
        assert held(out) == new, (number, how)


def tensors(path: Path) -> dict[str, bytes]:
    """All tensors of a file, and the settings of the training."""
    with safe_open(path, framework="np") as file:
        found = {name: file.get_tensor(name).tobytes() for name in file.keys()}  # noqa: SIM118 - no mapping
        return {**found, "config": file.metadata().get("config", "").encode()}


def models_in(folder: Path) -> dict[str, dict[str, bytes]]:
    """Model and checkpoint of a folder, as far as they are there."""
    names = ("model.safetensors", "checkpoint.safetensors")
    return {name: tensors(folder / name) for name in names if (folder / name).exists()}


@pytest.mark.parametrize("exists", [False, True] if LONG else [True])
@pytest.mark.parametrize("recipe", TRAININGS)
def test_training_stopped_anywhere_goes_on_to_the_same_tensors(
    processes, inputs, tmp_path, record_property, recipe, exists
):
    command, out, earlier = Command(processes, inputs, f"train-{recipe}"), tmp_path / "out", tmp_path / "earlier"
    folder = out / "mine"
    out.mkdir()
    assert command.run(out, 0)[0] == 0
    out.rename(earlier)
    old = models_in(earlier / "mine")
    restore(earlier if exists else None, out)
    code, events = command.run(out, 1)
    new = models_in(folder)
    assert (code, old != new) == (0, True)
    numbers = spread(OF_TRAINING, events)
    record_property("events", f"{len(numbers)} of {events}")
    for number in numbers:
        how = SIGNALS[number % len(SIGNALS)]
        restore(earlier if exists else None, out)
        code, _ = command.run(out, 1, number, how)
        assert code in ((-9,) if how == "SIGKILL" else (130, 0)), (number, how)
        left, whole = models_in(folder), (old["model.safetensors"], new["model.safetensors"])
        assert not exists or left["model.safetensors"] in whole, (number, how)
        assert how == "SIGKILL" or not any(hidden(name) for name in held(out)), (number, how)
        begun = left.get("checkpoint.safetensors", {}).get("config") == new["checkpoint.safetensors"]["config"]
        assert command.run(out, 1, allowed="--resume" if begun else "--overwrite")[0] == 0, (number, how)
        assert models_in(folder) == new, (number, how)
        assert (folder / "card.md").exists()
        assert not any(hidden(name) for name in held(out)), (number, how)


# As on a disk that fills: no file can be longer than this.
FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))"


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("train-decide", "train-candidates")])
def test_a_disk_that_fills(processes, inputs, tmp_path, name, exists):
    command, out = Command(processes, inputs, name), tmp_path / "out"
    if exists:
        assert command.run(out, 0)[0] == 0
    earlier = held(out)
    assert command.run(out, 1, before=FULL)[0] == 2
    assert held(out) == earlier
    lines = (tmp_path / "told.err").read_text().splitlines()
    assert len(lines) == (2 if name == "batch" else 1)
    for line in lines:
        assert f"cannot write {out}" in line
        assert not hidden(line.partition("cannot write ")[2].partition(": ")[0])
