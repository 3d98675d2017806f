"""Runs over simulated stacks: what is run, going on, and processes."""

import multiprocessing
from dataclasses import replace
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.contenders import Contender, parse_methods
from benchmarks.pool import iter_pool
from benchmarks.report_families import by_scene, family_tables, flaw_table
from benchmarks.report_simulated import simulated_section, write_simulated_summary
from benchmarks.results import Results
from benchmarks.rows import Rows
from benchmarks.scenes import FLAWS
from benchmarks.scoring import COSTS
from benchmarks.simulated import (
    FAMILIES,
    FLAWED,
    KEYS,
    LADDER,
    NOISIER,
    SHARPEST,
    STANDARD,
    VALUES,
    Study,
    iter_simulated,
)
from napari_focusfuse.core.progress import drain

MADE = ("date", "version", "commit", "command", "cpu", "cores", "threads", "torch", "numpy", "python")


def run(study: Study, methods: str, path: Path, jobs: int = 1) -> tuple[Rows, list[Any]]:
    """The rows, and how many scenes were run."""
    rows = Rows(path, KEYS, VALUES, study.settings(), {})
    steps: list[Any] = []
    contenders: list[Contender] = list(parse_methods(methods))
    drain(iter_simulated(study, contenders, rows, jobs), steps.append)
    return rows, steps


def without_costs(rows: Rows) -> str:
    return repr([{name: value for name, value in row.items() if name not in COSTS} for row in rows])


def test_everyone_runs_on_every_exposure(study: Study, tmp_path: Path) -> None:
    rows, steps = run(study, "sf,mean", tmp_path / "rows.csv")
    assert len(rows) == 2 * 2 * 2 * 3
    assert steps[-1].done == steps[-1].total == 4
    best = {(r["surface"], r["noise"], r["scene"]): r["psnr"] for r in rows if r["method"] == SHARPEST}
    assert all(r["psnr"] <= best[r["surface"], r["noise"], r["scene"]] + 3 for r in rows if r["noise"] == "0")
    assert all(r["wrong"] == 0 for r in rows if r["method"] == SHARPEST)


@pytest.mark.slow
def test_going_on_runs_only_what_is_missing(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    whole = without_costs(run(study, "sf,mean", path)[0])
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in text if not (line.startswith("standard,steps") and ",1,sf," in line)))
    rows, steps = run(study, "sf,mean", path)
    assert (without_costs(rows), steps[-1].total) == (whole, 1)
    assert run(study, "sf,mean", path)[1][-1].done == 0
    more, steps = run(replace(study, scenes=3), "sf,mean,max", path)
    assert (len(more), steps[-1].total) == (2 * 2 * 3 * 4, 6)
    assert len(study.own(more)) == 2 * 2 * 2 * 4


@pytest.fixture
def _quickly_started(processes: BaseContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: processes)


@pytest.mark.usefixtures("_quickly_started")
def test_processes_change_nothing(study: Study, tmp_path: Path) -> None:
    one, _ = run(study, "sf,sesf", tmp_path / "one.csv")
    two, _ = run(study, "sf,sesf", tmp_path / "two.csv", jobs=2)
    assert without_costs(one) == without_costs(two)


@pytest.mark.usefixtures("_quickly_started")
def test_an_error_in_a_process_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        list(iter_pool(reciprocal, [1, 0, 2], 2))


def reciprocal(number: int) -> float:
    return 1 / number


@pytest.mark.usefixtures("_quickly_started")
def test_stopping_early_ends_the_processes() -> None:
    work = iter_pool(reciprocal, list(range(1, 200)), 2)
    assert next(work) <= 1
    work.close()


def test_families_are_on_top(study: Study, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    tasks = replace(study, families=True, textures=tmp_path / "a").tasks()
    standard, families = ([case for what, case, _ in tasks if what == kind] for kind in (STANDARD, FAMILIES))
    assert len(standard) == 4
    assert {case.texture for case in standard} == {"natural"}
    assert {case.texture for case in families} == {"natural", "procedural"}
    assert not {case.number for case in families} & {case.number for case in standard}
    seen: dict[tuple[int, str], set[tuple[str, str]]] = {(case.number, case.texture): set() for case in families}
    for case in families:
        seen[case.number, case.texture].add((case.psf, case.surface))
    assert {len(kinds) for kinds in seen.values()} == {3 * 2}
    assert len({number for number, _ in seen}) == len(seen) == 2
    assert len(replace(study, families=True, scenes=20).tasks()) == 20 * 2 + 20 * 3 * 2


def test_flaws_and_more_noise_are_on_top_and_on_the_same_scenes(study: Study) -> None:
    tasks = replace(study, scenes=1, flaws=True).tasks()
    flawed, noisier = ([case for what, case, _ in tasks if what == kind] for kind in (FLAWED, NOISIER))
    assert {case.flaw for case in flawed} == set(FLAWS)
    assert (len(flawed), len(noisier)) == (2 * len(FLAWS), 2 * 2)
    assert {case.number for case in (*flawed, *noisier)} == {2000}
    (noises,) = {tuple(e.noise for e in exposures) for what, _, exposures in tasks if what == NOISIER}
    assert noises == LADDER


@pytest.mark.slow
def test_a_table_of_flaws(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for flaw in set(FLAWS) - {"none", "dust", "uneven noise"}:
        monkeypatch.delitem(FLAWS, flaw)
    rows, _ = run(replace(study, scenes=1, flaws=True), "log,mean", tmp_path / "rows.csv")
    assert {row["method"] for row in rows if row["study"] == NOISIER} == {"log"}
    title, text = flaw_table(Results(rows, ["log", "mean"], "log"))
    assert "less that of `log`" in title
    assert text.splitlines()[0] == "| flaw | none | dust | uneven noise |"
    log, mean = (
        np.mean([row["psnr"] for row in rows if (row["study"], row["flaw"], row["method"]) == (FLAWED, "dust", method)])
        for method in ("log", "mean")
    )
    line = next(line for line in text.splitlines() if line.startswith("| mean"))
    assert line.split(" | ")[2].rstrip(" |") == f"{mean - log:+.2f}"


def rows_of(**psnr: list[float]) -> list[dict[str, Any]]:
    """Rows of two families of texture, a value for each scene of either, by method."""
    found = []
    for method, values in psnr.items():
        for study, textures in ((STANDARD, ["natural"]), (FAMILIES, ["natural", "procedural"])):
            for texture in textures:
                for k, value in enumerate(values):
                    row = dict.fromkeys(VALUES, float("nan"))
                    keys = (study, "smooth", "disc", texture, "none", "gaussian", "0.03", f"{texture}{k}", method)
                    found.append(
                        {
                            **row,
                            **dict(zip(KEYS, keys, strict=True)),
                            "psnr": value + (texture == "procedural"),
                            "note": "",
                        }
                    )
    return found


def test_tables_by_hand(study: Study, tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.csv", KEYS, VALUES, {}, {**dict.fromkeys(MADE, "?"), "programs": {}})
    ours, log, sf = [30.0, 31.0, 32.0], [31.0, 32.1, 32.9], [20.0, 29.0, 30.0]
    rows.add(rows_of(sesf=ours, log=log, sf=sf))
    results = Results(rows, ["sesf", "log", "sf", "gone"], "sesf")
    text = simulated_section(results, study, rows, ["![plot](plot.png)"])
    assert "| log | **32.00** |" in text
    assert "| sesf | 31.00 |" in text
    assert "| log | **+1.00 ± 0.25** |" in text
    assert "Holm's correction over the 2 comparisons" in text
    assert "- smooth 0.03: `log` (+1.00 dB, n 3)" in text
    assert "| distinct scenes | 3 | 3 |" in text
    assert "## Simulated stacks: development split, 3 scenes a cell" in text
    assert "| texture | natural | procedural |" in text
    assert "| sesf, PSNR | 31.00 | 32.00 |" in text
    assert "SSIM" not in text
    write_simulated_summary(tmp_path / "summary.csv", results)
    assert "smooth,0.03,log,psnr,32.0," in (tmp_path / "summary.csv").read_text()


def test_many_comparisons_are_no_loss_by_chance(study: Study, tmp_path: Path) -> None:
    """An interval above 0 in one cell of twenty methods is to be expected."""
    others = {f"m{k}": [30 + 0.1 * k, 31 - 0.1 * k, 32.0] for k in range(1, 20)}
    rows = Rows(tmp_path / "rows.csv", KEYS, VALUES, {}, dict.fromkeys(MADE, "?"))
    rows.add(rows_of(sesf=[30.0, 31.0, 32.0], lucky=[30.9, 32.0, 33.1], **others))
    results = Results(rows, ["sesf", "lucky", *others], "sesf")
    assert results.against("lucky", "psnr", "smooth", "0.03").low > 0
    text = simulated_section(results, study, rows, [])
    assert "| lucky | +1.00 ± 0.25 |" in text
    assert "- in no cell" in text
    assert "In 1 comparisons its mean is the lower one without passing that test." in text


def test_a_mean_of_fewer_scenes_says_so_and_is_not_bold(study: Study, tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.csv", KEYS, VALUES, {}, dict.fromkeys(MADE, "?"))
    nan, inf = float("nan"), float("inf")
    rows.add(rows_of(sesf=[30.0, 31.0, 32.0, 33.0], easy=[nan, 41.0, 42.1, 42.9], same=[20.0, inf, 21.0, 22.0]))
    text = simulated_section(Results(rows, ["sesf", "easy", "same"], "sesf"), study, rows, [])
    assert "| sesf | **31.50** |" in text
    assert "| easy | 42.00, n 3 |" in text
    assert "| same | 21.00, n 3 |" in text
    assert "| easy | +10.00 ± 0.25, n 3 |" in text


def test_stacks_of_a_scene_are_averaged_first(tmp_path: Path) -> None:
    """Six stacks of two scenes are two measurements."""
    stacks = {f"{kind}/{scene}": float(scene) for kind in ("disc", "wave", "gaussian") for scene in (1, 2)}
    zero = dict.fromkeys(stacks, 0.0)
    found = by_scene(stacks, zero)
    assert (found.mean, found.n) == (1.5, 2)
    assert found.half == pytest.approx(12.706 * 0.5, rel=1e-4)
    # A scene that lacks a stack would be compared on others.
    assert by_scene({name: value for name, value in stacks.items() if name != "disc/1"}, zero).n == 1
    rows = Rows(tmp_path / "rows.csv", KEYS, VALUES, {}, dict.fromkeys(MADE, "?"))
    for psf in ("gaussian", "disc", "wave"):
        for noise_model in ("gaussian", "camera"):
            for scene, gap in (("1000", 1.0), ("1001", 2.0)):
                for method, psnr in (("sesf", 30.0), ("log", 30 + gap)):
                    keys = (FAMILIES, "smooth", psf, "natural", "none", noise_model, "0.03", scene, method)
                    rows.add([{**dict(zip(KEYS, keys, strict=True)), "psnr": psnr}])
    blur, noise = family_tables(Results(rows, ["sesf", "log"], "sesf"))[1:3]
    assert "| distinct scenes | 2 | 2 | 2 | 2 | 2 | 2 |" in blur
    assert "| log | +1.50 ± 6.35 |" in blur
    assert "| log | +1.50 ± 6.35 | +1.50 ± 6.35 |" in noise
