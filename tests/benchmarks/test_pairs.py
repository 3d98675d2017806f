"""Pairs in folders: finding, scoring, the paper's tables."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import napari_focusfuse as ff
from benchmarks.contenders import Contender, Outcome, parse_methods
from benchmarks.pairs import (
    KEYS,
    PAPER,
    PUBLISHED,
    WITH_TRUTH,
    WITHOUT_TRUTH,
    find_pairs,
    iter_pairs,
    values,
)
from benchmarks.plan import Plan
from benchmarks.records import read_printed, read_recorded, stored_records
from benchmarks.report_pairs import paper_section, real_section, truth_section, write_pair_summary
from benchmarks.rows import Rows
from benchmarks.run import _works
from napari_focusfuse import io
from napari_focusfuse.core.metrics import islands
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import FocusFuseError

MADE: dict[str, Any] = {
    **dict.fromkeys(
        ("date", "version", "commit", "command", "cpu", "cores", "threads", "torch", "numpy", "python"), "?"
    ),
    "programs": {"broken": "broken {folder} {output}"},
}


class Broken:
    """An external program that fails."""

    label = "broken"

    def run(self, stack: Any) -> Outcome:
        return Outcome(None, failure="exit code 1: no | lens")


def run(folder: Path, contenders: Sequence[Contender], metrics: Sequence[str], path: Path) -> Rows:
    rows = Rows(path, KEYS, values(metrics), {}, MADE)
    drain(iter_pairs(find_pairs(folder), contenders, rows, metrics))
    return rows


def test_finding(pairs: Path) -> None:
    found = find_pairs(pairs, truth=True)
    assert [pair.name for pair in found] == ["scene0", "scene1", "scene2"]
    assert [p.name for p in (found[1].first, found[1].second)] == ["scene1_A.png", "scene1_B.png"]
    assert len(find_pairs(pairs, limit=2)) == 2


def test_numbers_and_a_truth_that_is_not_needed(tmp_path: Path) -> None:
    for name in ("a_10_1.png", "a_10_2.png", "a_9_1.png", "a_9_2.png", "a_9_GT.png", "readme.png"):
        (tmp_path / name).write_bytes(b"")
    assert [(p.name, p.first.name, p.truth is None) for p in find_pairs(tmp_path)] == [
        ("a_9", "a_9_1.png", False),
        ("a_10", "a_10_1.png", True),
    ]


@pytest.mark.parametrize(
    ("names", "truth", "says"),
    [
        ((), False, "contains no pairs"),
        (("x.png", "y.png"), False, "contains no pairs"),
        (("x_A.png",), False, "no x_B"),
        (("x_A.png", "x_B.png"), True, "no x_GT"),
        (("x_A.png", "x_B.png", "x_1.png"), False, "same half"),
    ],
)
def test_folders_without_whole_pairs(tmp_path: Path, names: Sequence[str], truth: bool, says: str) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(FocusFuseError, match=says):
        find_pairs(tmp_path, truth=truth)


def test_scores_and_going_on(pairs: Path, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    rows = run(pairs, parse_methods("log,mean"), WITH_TRUTH, path)
    assert len(rows) == 6
    images = [io.read_image(pairs / f"scene1_{role}.png") for role in ("A", "B", "GT")]
    fused = ff.fuse(images[:2], method="log").image
    expected = ff.measure(images[:2], fused, truth=images[2], metrics=WITH_TRUTH[:-1])
    (row,) = [row for row in rows if (row["pair"], row["method"]) == ("scene1", "log")]
    assert {metric: row[metric] for metric in WITH_TRUTH[:-1]} == expected
    assert row["seconds"] > 0
    times = [r["seconds"] for r in rows]
    again = run(pairs, parse_methods("log,mean,max"), WITH_TRUTH, path)
    assert [r["seconds"] for r in again if r["method"] != "max"] == times
    write_pair_summary(tmp_path / "summary.csv", again, ["log", "mean"], [f"scene{k}" for k in range(3)], PAPER)
    summary = (tmp_path / "summary.csv").read_text()
    assert f"log,qg,{float(np.mean([r['qg'] for r in rows if r['method'] == 'log']))!r}," in summary
    assert "max" not in summary
    assert "peak_mb" not in summary
    write_pair_summary(tmp_path / "summary.csv", again, ["log"], ["scene1"], PAPER)
    assert f"log,qg,{row['qg']!r},,,,1\n" in (tmp_path / "summary.csv").read_text()


def test_the_papers_tables(pairs: Path, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.csv"
    lines = [f"{m},scene{k},{v},2.5,{v}" for k in range(3) for m, v in (("log", 0.1), ("cvt", 0.2), ("se_max", 0.9))]
    recorded.write_text("\n".join(["method,name,Qg,Qm,Qcb", *lines, "log,elsewhere,9,9,9"]))
    contenders: list[Contender] = [*parse_methods("log,mean"), Broken()]
    rows = run(pairs, contenders, PAPER, tmp_path / "rows.csv")
    labels = [contender.label for contender in contenders]
    names = [pair.name for pair in find_pairs(pairs)]
    text = paper_section(rows, labels, names, read_recorded(recorded, names), "photos")
    log = next(line for line in text.splitlines() if line.startswith("| log | **"))
    qg = np.mean([row["qg"] for row in rows if row["method"] == "log"])
    assert f"| **{qg:.4f}** (3) † |" in log
    assert log.endswith("| log | 0.1000 (0) | **2.5000** (3) | 0.1000 (0) |")
    assert "| - | - | - | - | cvt | **0.2000** (3) | **2.5000** (3) | **0.2000** (3) |" in text
    assert "| broken | failed | failed | failed | - |" in text
    assert "- `broken` failed on 3: exit code 1: no | lens" in text
    assert "se_max" not in text
    assert "- `log` †: not explained." in text
    assert "`broken`: `broken {folder} {output}`" in text
    plain = paper_section(rows, labels, names, None, "photos")
    assert "recorded" not in plain
    assert "| - | cvt | 0.6187 (0) | 2.9563 (0) | 0.6908 (0) | 15.9019 | 0.0342 |" in plain


def test_what_is_stored_of_the_paper() -> None:
    printed, recorded = read_printed(), stored_records(["lytro_01", "lytro_20", "elsewhere"])
    assert recorded is not None
    assert set(recorded["qg"]) == set(printed)
    assert recorded["qcb"]["cvt"].keys() == {"lytro_01", "lytro_20"}
    for metric in PAPER:  # each of the 38 pairs has a first place, and no two methods share it
        assert sum(row[f"{metric}_first"] for row in printed.values()) == 38
    assert stored_records(["scene0", "scene1"]) is None


def test_the_papers_list_of_methods_is_run_unless_others_are_named(pairs: Path, tmp_path: Path) -> None:

    def labels(**options: Any) -> list[str]:
        ((_, work),) = _works(Plan(out=tmp_path / "out", paper=(pairs,), **options))
        assert isinstance(work, partial)
        return [contender.label for contender in work.args[-1]]

    assert labels(methods="log") == ["log"]
    found = labels()
    assert found[:2] == [PUBLISHED, "sesf"]
    assert {"lp", "dwt", "dtcwt", "cvt", "nsct", "gf", "mwg", "block-sf", "focusstack"} < set(found)
    assert "log" not in found


def test_the_table_against_truth(pairs: Path, tmp_path: Path) -> None:
    contenders: list[Contender] = [*parse_methods("log,mean"), Broken()]
    rows = run(pairs, contenders, WITH_TRUTH, tmp_path / "rows.csv")
    text = truth_section(rows, ["log", "mean", "broken"], [f"scene{k}" for k in range(3)], WITH_TRUTH, "photos")
    gaps = [
        next(row["psnr"] for row in rows if (row["method"], row["pair"]) == (method, f"scene{k}"))
        for k in range(3)
        for method in ("mean", "log")
    ]
    mean = np.mean([gaps[i] - gaps[i + 1] for i in (0, 2, 4)])
    honest = np.mean([row["calibration"] for row in rows if row["method"] == "log"])
    assert f" | {honest:.3f} | " in next(line for line in text.splitlines() if line.startswith("| log"))
    assert f"| mean | **{mean:+.2f} ± " in text or f"| mean | {mean:+.2f} ± " in text
    assert "| broken | - | failed | failed |" in text


def truth_rows(path: Path, **psnr: list[float]) -> Rows:
    """Rows by hand; where the PSNR is NaN the method failed."""
    rows = Rows(path, KEYS, values(WITH_TRUTH), {}, MADE)
    for method, scores in psnr.items():
        for k, score in enumerate(scores):
            failed = {"note": "no lens"} if np.isnan(score) else dict.fromkeys((*WITH_TRUTH, "seconds"), score)
            rows.add([{"pair": f"p{k}", "method": method, **failed}])
    return rows


def test_a_mean_of_fewer_pairs_says_so_and_is_not_bold(tmp_path: Path) -> None:
    names = [f"p{k}" for k in range(4)]
    rows = truth_rows(
        tmp_path / "rows.csv",
        log=[30, 31, 32, 33],
        fails=[40, 41.1, np.nan, 42.9],
        same=[np.inf, 41, 42, 43],
        sf=[29, 30.1, 31, 32],
    )
    text = truth_section(rows, ["log", "fails", "same", "sf"], names, WITH_TRUTH, "photos")
    lines = {line.split(" | ")[0][2:]: line for line in text.splitlines() if line.startswith("| ")}
    assert "| - | **31.50** |" in lines["log"]
    assert "| +10.00 ± 0.25, n 3 | 41.33, n 3 |" in lines["fails"]
    assert "| 41.33, n 3 | 41.3 |" not in lines["fails"]
    assert " | 42.00, n 3 | " in lines["same"]
    assert "**-0.97 ± 0.08** | 30.52 |" in lines["sf"]
    assert "loses** at that level: `fails` (+10.00 dB, n 3), `same` (+10.00 dB, n 3)." in text
    paper = paper_section(rows, ["log", "fails"], names, None, "photos")
    assert "| log | **31.5000** (1) |" in paper
    assert "| fails | 41.3333, n 3 (3) |" in paper
    assert "| fails | 41.333, n 3 |" in paper


def test_without_truth_decisions_stand_beside_the_published_one(pairs: Path, tmp_path: Path) -> None:
    contenders: list[Contender] = [*parse_methods(f"{PUBLISHED},log:radius=1,mean"), Broken()]
    rows = run(pairs, contenders, WITHOUT_TRUTH, tmp_path / "rows.csv")
    found = {(row["method"], row["pair"]): row for row in rows}
    paper, log, mean = (found[label, "scene1"] for label in (PUBLISHED, "log:radius=1", "mean"))
    assert (paper["differs"], np.isnan(paper["confidence_there"])) == (0, True)
    assert np.isnan(mean["islands"])
    sources = find_pairs(pairs)[1].sources()
    index = ff.decide(sources, method="log", config=ff.LoGConfig(radius=1))
    other = ff.decide(sources, config=ff.FusionConfig(preset="paper"), model="sesf-cse")
    differs = index.index != other.index
    assert log["islands"] == islands(index.index)
    assert log["differs"] == pytest.approx(differs.mean())
    assert log["confidence_there"] == pytest.approx(index.confidence[differs].mean())
    text = real_section(rows, [c.label for c in contenders], ["scene1"], "photos")
    line = next(line for line in text.splitlines() if line.startswith("| log"))
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    assert cells[2] == f"{log['qg'] - paper['qg']:+.4f}"
    assert cells[7:9] == [f"{100 * log['islands']:.2f}", f"{100 * log['differs']:.2f}"]
    assert "| broken | failed |" in text


@pytest.mark.parametrize("text", ["", "method,name\nlog,scene0\n", "method,name,Qg,Qm,Qcb\nlog,scene0,high,1,1\n"])
def test_records_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(FocusFuseError, match=r"recorded scores|no scores of these pairs"):
        read_recorded(tmp_path / "r.csv", ["scene0"])
