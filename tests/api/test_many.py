"""Many stacks: a loop in this process, and tasks of dask.distributed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.api import _many

KILLS = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
NAMES = [f"s{k}" for k in range(6)]


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six stacks, and their results in "plain", fused one after the other and undisturbed."""
    folder = tmp_path_factory.mktemp("many")
    for k, name in enumerate(NAMES):
        io.write_stack(folder / f"{name}.tif", ff.simulate((48, 64), 4, seed=k).stack)
    assert {done.state for done in ff.fuse_many(stacks(folder), folder / "plain", method="sf")} == {"done"}
    return folder


def stacks(folder: Path) -> list[Path]:
    return [folder / f"{name}.tif" for name in NAMES]


def states(outcomes: list[ff.StackOutcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def test_a_bad_stack_does_not_stop_the_others(place: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_text("no image")
    done = ff.fuse_many([bad, place / "s0.tif"], tmp_path / "out", method="sf")
    assert states(done) == ["failed", "done"]
    assert "bad.tif cannot be read" in done[0].text
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["s0"]


def test_resume_skips_only_what_is_the_same(place: Path, tmp_path: Path) -> None:
    source, out = tmp_path / "a.tif", tmp_path / "out"
    source.write_bytes((place / "s0.tif").read_bytes())

    def again(**options: object) -> ff.StackOutcome:
        return ff.fuse_many(source, out, resume=True, **{"method": "log", **options})[0]

    assert again().state == "done"
    before = held(out)
    assert (again().state, held(out)) == ("skipped", before)
    for options, says in (
        ({"method": "sf"}, "method"),
        ({"config": ff.LoGConfig(sigma=3)}, "settings"),
        ({"z_step": 2.0}, "z-step"),
        ({"slices": slice(0, 3)}, "part of the file"),
        ({"fill_depth": True}, "filled depth map"),
        ({"equalise": True}, "equalised brightness"),
    ):
        refused = again(**options)
        assert (refused.state, f"({says}" in refused.text or f", {says})" in refused.text) == ("failed", True), says
        assert held(out) == before
    source.write_bytes((place / "s1.tif").read_bytes())
    assert "(files)" in again().text
    assert (again(overwrite=True).state, held(out) != before) == ("done", True)
    assert again(overwrite=True).state == "skipped"


def test_resume_of_all_positions(tmp_path: Path) -> None:
    import tifffile

    stack = ff.simulate((48, 48), 3).stack
    tifffile.imwrite(tmp_path / "t.tif", np.stack([stack, stack // 2], axis=1), imagej=True, metadata={"axes": "ZCYX"})

    def again(decide_on: object) -> str:
        return ff.fuse_many(tmp_path / "t.tif", tmp_path / "out", method="sf", decide_on=decide_on, resume=True)[
            0
        ].state

    assert [again("sum"), again("sum"), again("0"), again("each")] == ["done", "skipped", "failed", "failed"]


def test_a_dry_run_writes_nothing_and_says_how_large_it_gets(place: Path, tmp_path: Path) -> None:
    planned = ff.fuse_many(stacks(place), tmp_path / "out", method="sf", dry_run=True)
    assert set(states(planned)) == {"planned"}
    assert list(tmp_path.iterdir()) == []
    assert planned[0].text == "4 slices of 48 x 64 px"
    assert planned[0].size == sum(
        np.asarray(io.read_image(path)).nbytes for path in (place / "plain" / "s0").glob("*.tif")
    )
    there = ff.fuse_many(stacks(place), place / "plain", method="sf", dry_run=True, resume=True)
    assert set(states(there)) == {"skipped"}


def test_without_the_package_it_is_named(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ff.FocusFuseError, match=r'pip install "napari-focusfuse\[distributed\]"'):
        ff.fuse_many(stacks(place), tmp_path, workers=2)


def test_options_that_make_no_sense(place: Path, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no option 'metod'"):
        ff.fuse_many(stacks(place), tmp_path, metod="sf")
    with pytest.raises(ff.FocusFuseError, match="has its own workers"):
        ff.fuse_many(stacks(place), tmp_path, client="tcp://127.0.0.1:1", workers=2)
    with pytest.raises(ff.FocusFuseError, match="nothing can be resumed"):
        ff.fuse_many(place / "s0.tif", tmp_path / "a.tif", resume=True)


def test_lines_of_json(run, place: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_text("no image")
    done = run("fuse", place / "s0.tif", bad, "-o", tmp_path / "out", "--method", "sf", "--json")
    assert done.code == 2
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert {line["event"] for line in lines} == {"progress", "stack", "summary"}
    assert [line["state"] for line in lines if line["event"] == "stack"] == ["done", "failed"]
    assert lines[-1] == {"event": "summary", "done": 1, "planned": 0, "skipped": 0, "failed": 1}
    planned = run("fuse", place / "s0.tif", "-o", tmp_path / "new", "--method", "sf", "--json", "--dry-run")
    assert json.loads(planned.out.splitlines()[-1])["bytes"] > 0
    assert not (tmp_path / "new").exists()


def test_a_task_may_run_twice(place: Path, tmp_path: Path) -> None:
    """As when a worker is lost after the result was written; and what a user has to fix does not raise."""
    distributed = pytest.importorskip("distributed")
    how = {"n_workers": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**how) as cluster, distributed.Client(cluster) as client:
        options = {"client": client, "method": "sf"}
        done = ff.fuse_many([tmp_path / "none.tif", *stacks(place)[:2]], tmp_path / "out", **options)
        assert states(done) == ["failed", "done", "done"]
        again = ff.fuse_many(stacks(place)[:3], tmp_path / "out", **options)
        assert states(again) == ["failed", "failed", "done"]
        assert "exists" in again[0].text
    task = _many._task({"method": "sf"}, resume=True)
    job = _many.StackJob(place / "s0.tif", tmp_path / "out" / "s0")
    assert _many.fuse_stack(job, task)[0].state == "skipped"


@KILLS
def test_a_killed_worker_loses_nothing(place: Path, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    how = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**how) as cluster, distributed.Client(cluster) as client:
        first = next(iter(client.run(os.getpid).values()))
        outcomes = []
        for step in ff.iter_fuse_many(stacks(place), tmp_path / "out", client=client, method="sf"):
            if isinstance(step, ff.StackFinished):
                if not outcomes:
                    os.kill(first, signal.SIGKILL)
                outcomes.append(step.outcome)
    assert states(outcomes) == ["done"] * len(NAMES)
    assert unhidden(tmp_path / "out") == alike(place, tmp_path)


def unhidden(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in held(folder).items() if not name.startswith(".")}


def alike(place: Path, tmp_path: Path) -> dict[str, bytes]:
    """The undisturbed results; the recipes name the stacks by the way from their folder."""
    way = os.path.relpath(place, tmp_path / "out" / "s0")
    return {
        name: data.replace(b'"../../', f'"{Path(way).as_posix()}/'.encode()) if name.endswith(".json") else data
        for name, data in held(place / "plain").items()
    }


@KILLS
def test_resumed_after_the_client_was_killed(run, place: Path, tmp_path: Path) -> None:
    """The images and recipes are those of an undisturbed run."""
    pytest.importorskip("distributed")
    out = tmp_path / "out"
    arguments = ["fuse", *map(str, stacks(place)), "-o", str(out), "--method", "sf"]
    command = [sys.executable, "-m", "napari_focusfuse", *arguments, "--workers", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        while client.poll() is None and not list(out.glob("s*/recipe.json")):
            time.sleep(0.01)
        client.kill()
    assert len(list(out.glob("s*/recipe.json"))) in range(1, len(NAMES) + 1)
    done = run(*arguments, "--resume", "--json")
    assert done.code == 0
    assert json.loads(done.out.splitlines()[-1])["skipped"] > 0
    assert unhidden(out) == alike(place, tmp_path)
