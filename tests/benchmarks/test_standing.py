"""The short report, from rows by hand."""

from pathlib import Path
from typing import Any

from benchmarks import halo, pairs
from benchmarks.rows import Rows
from benchmarks.simulated import KEYS, SHARPEST, VALUES
from benchmarks.standing import standing


def simulated(folder: Path, study: str, flaw: str, **scores: list[tuple[float, float]]) -> None:
    """Rows of PSNR and the share of wrong pixels, two scenes a method."""
    rows = Rows(folder / "simulated-report.csv", KEYS, VALUES, {}, {})
    for method, values in scores.items():
        for scene, (psnr, wrong) in enumerate(values):
            keys = (study, "blocks", "disc", "natural", flaw, "gaussian", "0.01", str(scene), method.replace("_", ":"))
            more = {"psnr": psnr, "wrong": wrong, "calibration": 0.125}
            rows.add([{**dict(zip(KEYS, keys, strict=True)), **more}])


def cells(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def test_the_best_other_is_asked_for_each_score(tmp_path: Path) -> None:
    nan = float("nan")
    ours, log, gf, part = [(31, 0.04), (33, 0.06)], [(30, 0.05), (32.2, 0.05)], [(30.5, nan), (32.1, nan)], [(50, 0.0)]
    own = [(40.0, 0.0), (40.0, 0.0)]
    simulated(tmp_path, "standard", "none", sesf=ours, log=log, gf=gf, part=part, sesf_softness=own)
    simulated(tmp_path, "flawed", "dust", sesf=log, log=ours)
    simulated(tmp_path, "flawed", "haze", sesf=log, log=own)
    rows = Rows(tmp_path / "simulated-report.csv", KEYS, VALUES, {}, {})
    keys = ("standard", "blocks", "disc", "natural", "none", "gaussian", "0.01", "0", SHARPEST)
    rows.add([{**dict(zip(KEYS, keys, strict=True)), "psnr": 35.0}])
    (tmp_path / "simulated-report-summary.csv").write_text("of another kind")
    text = standing(tmp_path, "sesf")
    assert text.startswith("# Where `sesf` stands")
    found = cells(text, "report, blocks 0.01")
    assert found == ["32.00", "gf 31.30", "+0.70 ± 2.54", "35.00", "5.00", "log 5.00", "1.00", "0.125"]
    assert cells(text, "report, flaw: dust")[:3] == ["31.10", "log 32.00", "-0.90 ± 1.27"]
    assert cells(text, "report, flaw: haze")[4:7] == ["5.00", "log 0.00", "-"]
    assert standing(tmp_path, "lp") == ""


def test_more_noise_that_is_better(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "simulated-report.csv", KEYS, VALUES, {}, {})
    for scene, ladder in (("0", (40, 40.5, 38, 37, 30)), ("1", (42, 41, 40, 39, 30))):
        for noise, psnr in zip(("0", "0.002", "0.005", "0.01", "0.03"), ladder, strict=True):
            keys = ("noisier", "blocks", "disc", "natural", "none", "gaussian", noise, scene, "sesf")
            rows.add([{**dict(zip(KEYS, keys, strict=True)), "psnr": float(psnr)}])
    text = standing(tmp_path)
    assert text == ""
    text = standing(tmp_path, "sesf")
    assert cells(text, "report, even") == ["41.00", "40.75", "39.00", "38.00", "30.00", "0.50"]


def test_pairs_and_bright_spots(tmp_path: Path) -> None:
    def add(name: str, keys: tuple[str, ...], values: tuple[str, ...], *rows: dict[str, Any]) -> None:
        Rows(tmp_path / f"{name}.csv", keys, values, {}, {}).add(rows)

    spots = {"edge": "0", "ratio": "5", "scene": "0", "ring": 40.0, "all": 50.0}
    better = {**spots, "method": "log", "rim": 52.5}
    add("halo-report", halo.KEYS, halo.VALUES, {**spots, "method": "sesf", "rim": 27.0}, better)
    truth = pairs.values(pairs.WITH_TRUTH)
    ours, mean = (
        {"pair": "p", "method": m, "psnr": p, "calibration": 0.125} for m, p in (("sesf", 54.0), ("mean", 30.0))
    )
    add("pairs-nature", pairs.KEYS, truth, ours, mean)
    paper = {"pair": "p", "method": pairs.PUBLISHED, "qg": 0.7, "qcb": 0.8}
    ours = {"pair": "p", "method": "sesf", "qg": 0.69, "qcb": 0.81, "islands": 0.025, "confidence_there": 0.9}
    add("real-garden", pairs.KEYS, pairs.values(pairs.WITHOUT_TRUTH), paper, ours)
    text = standing(tmp_path, "sesf")
    assert cells(text, "report, edge 0 px, x 5, rim") == ["27.00", "log 52.50", "-25.50"]
    assert cells(text, "nature") == ["54.00", "mean 30.00", "+24.00", "0.125"]
    assert cells(text, "garden") == ["-0.0100", "+0.0100", "2.50", "0.90"]
