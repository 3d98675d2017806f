"""The paper's ablation on small pairs, and series against all at once on small stacks."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import series
from benchmarks.ablation import variants
from benchmarks.plan import Plan
from benchmarks.records import read_recorded
from benchmarks.rows import Rows, Stored
from benchmarks.run import iter_bench
from benchmarks.simulated import KEYS, Study, Task, missing_tasks
from napari_focusfuse.core.encode.network import SESFNet
from napari_focusfuse.core.progress import drain
from napari_focusfuse.errors import ModelError
from napari_focusfuse.models import save_model, shipped_models

RECORDS = """\
method,name,Qg,Qm,Qcb
se_absmax,scene0,0.51,2.8,0.61
se_sf_dm,scene0,0.72,2.9,0.81
scse_sf_dm,scene0,0.71,2.9,0.82
cnn_fuse,scene0,0.73,2.9,0.83
"""


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "recorded.csv"
    path.write_text(RECORDS)
    return path


@pytest.mark.slow
def test_variants_that_are_there_and_those_that_are_not(networks: dict[str, SESFNet], tmp_path: Path) -> None:
    found = variants("")
    assert found.missing == [name for name in ("sesf-sse", "sesf-scse", "sesf-none") if name not in shipped_models()]
    assert found.recorded_as["sesf-cse/l1_norm"] == "se_l1_norm"
    assert found.recorded_as["sesf-cse/sf-dm"] == "se_sf_dm"
    save_model(networks["none"], tmp_path / "plain", "card")
    found = variants(f"{tmp_path / 'plain'},sesf-cse")
    assert [each.label for each in found.contenders][-2:] == ["sesf-cse/sf-dm", "plain/sf-dm"]
    assert found.recorded_as["plain/sf-dm"] == "dense_sf_dm"
    with pytest.raises(ModelError, match="gone"):
        variants("sesf-cse,gone")


def test_records_of_the_ablation_are_apart(records: Path) -> None:
    assert set(read_recorded(records, ["scene0"], ablation=True)["qg"]) == {"se_absmax", "se_sf_dm", "scse_sf_dm"}
    assert set(read_recorded(records, ["scene0"])["qg"]) == {"se_sf_dm", "cnn_fuse"}


@pytest.mark.slow
def test_a_small_run(pairs: Path, records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "_QUICK_SHAPE", (36, 48))
    monkeypatch.setattr(series, "_NOISES", (0.03,))
    out = tmp_path / "out"
    plan = Plan(out=out, ablation=(pairs,), recorded=records, limit=1, quick=True, scenes=1, models="sesf-cse")
    told = drain(iter_bench(plan))
    rows = {line.split(" | ")[0].strip("| "): line for line in told.splitlines() if line.startswith("| ")}
    assert "| se_absmax | 0.5100 (0) |" in told
    assert "| - | - | - | - | scse_sf_dm | 0.7100 (0) |" in told
    assert rows["sesf-cse/sf-dm"].endswith("| 0.7105 | 2.8886 | 0.7848 |")
    file = Stored.read(out / "ablation-photos.csv", ("pair", "method"), ("qg", "qm", "qcb", "seconds", "peak_mb"))
    scores = {row["method"]: row["qg"] for row in file}
    decided = [scores.pop(f"sesf-cse/{name}") for name in ("sf", "sf-dm")]
    assert min(decided) > 1.05 * max(scores.values())
    before = {path: path.read_bytes() for path in out.glob("*.csv")}
    drain(iter_bench(plan))
    assert {path: path.read_bytes() for path in out.glob("*.csv")} == before
    again = drain(iter_bench(Plan(out=out, report=True, recorded=records)))
    assert [line for line in again.splitlines() if "Made on" not in line] == [
        line for line in told.splitlines() if "Made on" not in line
    ]


def test_the_order_matters_to_a_series_alone(tmp_path: Path) -> None:
    study = Study(shape=(40, 48), slices=6, scenes=1, noises=(0.03,), surfaces=("smooth",))
    contenders = series.contenders("sesf-cse")
    rows = Rows(tmp_path / "rows.csv", KEYS, series.VALUES, {}, {})
    (task,) = missing_tasks(study, lambda _study, _case, _exposure: contenders, rows)
    found = {row["method"]: row for row in series.run_series(Task(*task))}
    assert found["native"]["changed"] < 0.01 < found["series"]["changed"]
    assert found["native"]["between"] < 1e-3 < found["series"]["between"]
    assert np.isclose(found["native"]["psnr"], found["native, reversed"]["psnr"], atol=0.05)
    assert all(row["seconds"] > 0 for row in found.values())
