"""``focusfuse bench``."""

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import imagecodecs
import numpy as np
import pytest

import napari_focusfuse as ff
from benchmarks import halo
from benchmarks import run as bench_run
from benchmarks.scenes import FLAWS
from napari_focusfuse.cli import main

Runs = Callable[..., Any]

PEERS = """
[copies]
command = ["python", "-c", "{code}", "{{folder}}", "{{output}}"]
[broken]
command = ["python", "-c", "import sys; sys.exit('no lens')", "{{folder}}", "{{output}}"]
""".format(code="import sys, shutil, pathlib; shutil.copy(sorted(pathlib.Path(sys.argv[1]).iterdir())[0], sys.argv[2])")


@pytest.fixture(scope="module", autouse=True)
def _small_scenes() -> Iterator[None]:
    """Scenes of ``--quick`` smaller still; in processes of their own they are as large as for everyone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_run, "_QUICK_SHAPE", (48, 64))
        for flaw in set(FLAWS) - {"none", "dust", "uneven noise"}:
            patch.delitem(FLAWS, flaw)
        patch.setattr(halo, "_SHAPE", (64, 64))
        patch.setattr(halo, "_RATIOS", (5,))
        yield


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs with truth; in a folder beside it, `blind`, without."""
    folder = tmp_path_factory.mktemp("pairs") / "photos"
    folder.mkdir()
    for number in range(2):
        scene = ff.simulate((72, 80), 2, blur=4, surface="steps", seed=number)
        for role, image in zip(("A", "B", "GT"), (*scene.stack, scene.truth), strict=True):
            data = imagecodecs.png_encode((image // 257).astype(np.uint8))
            (folder / f"scene{number}_{role}.png").write_bytes(data)
    shutil.copytree(folder, folder.parent / "blind", ignore=shutil.ignore_patterns("*GT.png"))
    return folder


class Everything(NamedTuple):
    """A folder with rows, tables and plots of all kinds, and what the command lines that made it have said."""

    out: Path
    paper: str
    others: str


def ended_well(*args: object) -> str:
    """What a command line says that has nothing to complain about."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(arg) for arg in args])
    assert (code, err.getvalue()) == (0, "")
    return out.getvalue()


@pytest.fixture(scope="module")
def everything(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Everything:
    """All kinds of comparisons, quickly."""
    folder = tmp_path_factory.mktemp("everything")
    peers, out = folder / "peers.toml", folder / "out"
    peers.write_text(PEERS)
    options = ("--methods", "sf,log", "--peers", peers, "--peer", f"python={sys.executable}", "--quick")
    paper = ended_well("bench", "-o", out, "--paper", photos, *options)
    options = (*options, "--scenes", 1, "--jobs", 1, "--families", "--flaws", "--reference", "log")
    parts = ("--pairs", photos, "--pairs", photos.parent / "blind", "--simulated")
    return Everything(out, paper, ended_well("bench", "-o", out, *parts, *options))


#: Simulated stacks by three methods, quickly.
SIMULATED = ("--simulated", "--methods", "mean,sf,log", "--jobs", 1, "--quick", "--scenes", 1)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the rows of such a run."""
    out = tmp_path_factory.mktemp("simulated") / "out"
    ended_well("bench", *SIMULATED, "-o", out)
    return out


@pytest.mark.slow
def test_everything_quickly(everything: Everything) -> None:
    out, paper, others = everything
    assert "## The paper's comparison: photos, 2 pairs" in paper
    assert "| sesf:preset=paper |" in paper
    assert "- `broken` failed on 2: exit code 1: no lens" in paper
    assert paper.splitlines()[-1] == f"written: {out}"
    figures = {path.name for path in (out / "figures" / "photos").iterdir()}
    assert figures == {
        "fig2-decision.png",
        "fig3-pixels-and-features.png",
        "fig4-insets.png",
        "fig5-difference.png",
        "fig6-difference.png",
    }
    page = (out / "benchmarks.md").read_text()
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [
        "# Benchmarks",
        "## Simulated stacks: development split, 1 scenes a cell",
        "## Bright spots: development split, 1 scenes a cell",
        "## Pairs with truth: photos, 2 pairs",
        "## Real pairs: blind, 2 pairs",
        "## The paper's comparison: photos, 2 pairs",
    ]
    standing = (out / "standing.md").read_text()
    assert standing.strip() in others
    first = [line.split(" | ")[0].removeprefix("| ") for line in standing.splitlines() if line.startswith("| ")]
    assert {"development, fibres 0.03", "development, flaw: dust", "photos", "blind"} < set(first)
    assert {"development, edge 0 px, x 5, rim", "development, uneven"} < set(first)
    assert "PSNR less that of `log`" in page
    for line in page.splitlines():
        if line.startswith("!["):
            assert (out / line.partition("(")[2].rstrip(")")).is_file()
    with (out / "simulated-development.csv").open() as file:
        assert file.readline().startswith('# {"settings": {"split": "development"')
        rows = list(csv.DictReader(file))
    standard = [row for row in rows if row["study"] == "standard"]
    assert len(standard) == 4 * 2 * 5
    assert {row["note"] for row in rows if row["method"] == "broken"} == {"exit code 1: no lens"}
    assert all(float(row["seconds"]) > 0 for row in rows if row["method"] == "copies")
    assert str(out.parent) not in page


@pytest.mark.slow
def test_a_run_of_other_settings_is_refused(run: Runs, simulated: Path, tmp_path: Path) -> None:
    out = shutil.copytree(simulated, tmp_path / "out")
    file = out / "simulated-development.csv"
    file.write_text(file.read_text().replace('"slices": 12', '"slices": 30'))
    done = run("bench", *SIMULATED, "-o", out)
    assert (done.code, done.out) == (2, "")
    assert "other settings (slices 30, now 12)" in done.err


def test_rows_of_another_command_are_refused(run: Runs, photos: Path, tmp_path: Path) -> None:
    peers, out = tmp_path / "peers.toml", tmp_path / "out"
    options = ("--pairs", photos, "--limit", 1, "--methods", "mean", "--peers", peers, "-o", out)
    options = (*options, "--peer", f"python={sys.executable}")
    peers.write_text(PEERS.partition("[broken]")[0])
    assert run("bench", *options).code == 0
    before = (out / "pairs-photos.csv").read_bytes()
    peers.write_text(peers.read_text() + "bits = 8\n")
    done = run("bench", *options)
    assert (done.code, done.out) == (2, "")
    assert "holds rows of another 'copies' (command, type or bits)" in done.err
    assert (out / "pairs-photos.csv").read_bytes() == before


def test_a_part_of_the_pairs_is_a_part_in_the_summary(run: Runs, photos: Path, tmp_path: Path) -> None:
    options = ("--pairs", photos, "--methods", "mean", "-o", tmp_path / "out")
    assert run("bench", *options).code == run("bench", *options, "--limit", 1).code == 0
    lines = (tmp_path / "out" / "pairs-photos-summary.csv").read_text().splitlines()
    assert {line.rpartition(",")[2] for line in lines[1:]} == {"1"}


@pytest.mark.slow
def test_the_page_again_from_rows_of_other_code(run: Runs, everything: Everything, tmp_path: Path) -> None:
    out, again = everything.out, tmp_path / "again"
    again.mkdir()
    parts = ("simulated-development", "halo-development", "pairs-photos", "real-blind", "paper-photos")
    for part in parts:
        text = (out / f"{part}.csv").read_text()
        head, newline, rest = text.partition("\n")
        said = json.loads(head[2:])
        said["settings"]["code"], said["made"]["commit"] = "0123456789ab", "early"
        (again / f"{part}.csv").write_text(f"# {json.dumps(said)}{newline}{rest}")
    before = {part: (again / f"{part}.csv").read_bytes() for part in parts}
    done = run("bench", "--report", "-o", again)
    assert (done.code, done.err) == (0, "")
    assert {part: (again / f"{part}.csv").read_bytes() for part in parts} == before
    first, second = ((folder / "benchmarks.md").read_text().splitlines() for folder in (out, again))
    assert [line for line in second if not line.startswith("Made on")] == [
        line for line in first if not line.startswith("Made on")
    ]
    made = [line for line in second if line.startswith("Made on")]
    assert len(made) == 5
    assert all("commit early, code 0123456789ab, by `focusfuse" in line for line in made)
    assert all("made again from these rows, nothing was run" in line for line in made)
    assert {path.name for path in again.iterdir()} == {path.name for path in out.iterdir()} - {"figures"}
    assert run("bench", "--report", "-o", again, "--methods", "sf", "--reference", "sf").code == 0
    page = (again / "benchmarks.md").read_text()
    assert "**PSNR less that of `sf`, dB**" in page
    assert "| log |" not in page
    assert "| copies |" in page


@pytest.mark.slow
def test_rows_of_before_methods_and_programs_were_written_down(run: Runs, simulated: Path, tmp_path: Path) -> None:
    out = shutil.copytree(simulated, tmp_path / "out")
    file = out / "simulated-development.csv"
    head, newline, rest = file.read_text().partition("\n")
    said = json.loads(head[2:])
    del said["programs"], said["made"]["methods"]
    # Nothing is run: the rows may be called those of a method that takes longer.
    file.write_text(f"# {json.dumps(said)}{newline}{rest.replace(',log,', ',sesf,')}")
    assert run("bench", "--report", "-o", out).code == 0
    assert "PSNR less that of `sesf`" in (out / "benchmarks.md").read_text()
    done = run("bench", "--report", "-o", out, "--methods", "sf,sesf,mean")
    assert "PSNR less that of `sf`" in done.out
    done = run("bench", "--report", "-o", out, "--methods", "log")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "no rows of 'log'" in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing to run"),
        (("--report",), "holds no rows of a benchmark"),
        (("--report", "--simulated"), "leave out --simulated"),
        (("--report", "--peers", "a.toml"), "leave out --peers"),
        (("--pairs", "photos", "--peers", "seven.toml"), "must be a list of words"),
        (("--paper", "absent"), "absent"),
        (("--paper", "out-file"), "out-file"),
        (("--pairs", "photos", "--methods", "sff"), "there is no method 'sff'"),
        (("--pairs", "photos", "--methods", "sf,sf"), "takes part twice"),
        (("--pairs", "photos", "--reference", "sg", "--methods", "sf"), "reference 'sg'"),
        (("--pairs", "photos", "--paper", "photos"), "two folders"),
        (("--pairs", "photos", "--limit", "0"), "--limit must be at least 1"),
        (("--pairs", "photos", "--recorded", "r.csv"), "--recorded goes with --paper"),
        (("--paper", "photos", "--recorded", "r.csv"), "r.csv"),
        (("--pairs", "photos", "--peer", "a=b"), "--peer goes with --peers"),
        (("--pairs", "photos", "--flaws"), "--flaws goes with --simulated"),
        (("--pairs", "photos", "--peers", "absent.toml"), "absent.toml"),
        (("--simulated", "--textures", "absent"), "absent"),
        (("--simulated", "--split", "test"), "split"),
    ],
)
def test_wrong_input(
    run: Runs, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(photos, "photos")
    Path("out-file").write_text("")
    Path("seven.toml").write_text("[toy]\ncommand = 7\n")
    done = run("bench", "-o", "out", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert says in done.err
    assert not Path("out").exists()


def test_out_must_be_a_folder(run: Runs, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("bench", "--pairs", photos, "-o", tmp_path / "file")
    assert done.code == 2
    assert "is a file" in done.err


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C of another kind")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGKILL", -9)])
def test_an_interrupted_run_keeps_its_rows(tmp_path: Path, name: str, code: int) -> None:
    """Ctrl-C, which a terminal sends to all processes of the run; or the end of the one that leads."""
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "napari_focusfuse",
        "bench",
        "--simulated",
        "--quick",
        "--methods",
        "sf",
        "-o",
        str(out),
    ]
    command += ["--scenes", "400", "--jobs", "2"]
    # A shell that starts tests in the background has them ignore Ctrl-C, and what they start as well.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    started = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heard)  # noqa: PLW1509
    rows = out / "simulated-development.csv"
    for _ in range(4800):
        if rows.exists() and len(rows.read_text().splitlines()) > 2:
            break
        time.sleep(0.05)
    if name == "SIGINT":
        os.killpg(started.pid, signal.SIGINT)
    else:
        started.kill()
    _, told = started.communicate(timeout=60)
    assert started.returncode == code
    if name == "SIGINT":
        assert told == "interrupted: finished rows are kept, the same command goes on with the others\n"
    head, columns, *lines = rows.read_text().splitlines(keepends=True)
    assert head.startswith("# {")
    assert lines
    assert all(line.count(",") == columns.count(",") and line.endswith("\n") for line in lines)
    assert not _runs(started.pid)


def _runs(group: int) -> bool:
    """Whether a process of the group is still there after a minute."""
    for _ in range(600):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True
