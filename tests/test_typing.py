"""What a type checker says of a user's code."""

from pathlib import Path

import pytest

api = pytest.importorskip("mypy.api")

ROOT = Path(__file__).resolve().parent.parent
# The big packages are left out: nothing that is looked at here depends on their types, and reading them takes minutes.
CONFIG = """
[mypy]
strict = True
[mypy-torch.*,scipy.*,skimage.*,dask.*,lazy_loader.*]
follow_imports = skip
ignore_missing_imports = True
"""
RIGHT = """
import numpy as np
from numpy.typing import NDArray

import napari_focusfuse as ff

scene: ff.Scene = ff.simulate((64, 64), slices=5)
result: ff.FusionResult = ff.fuse(scene.stack, method="sf", config=ff.WindowConfig(), progress=print)
scores: dict[str, float] = ff.measure(scene.stack, result.image)
if result.decision is not None:
    depth: NDArray[np.float32] = result.decision.depth
for step in ff.iter_fuse(scene.stack):
    print(step.done / step.total)
"""
# Each line is wrong by itself; what the checker calls that.
WRONG = {
    "ff.fuse([1], method=7)": "arg-type|call-overload",
    "ff.fuse([1], methods='sf')": "call-arg|call-overload",
    "ff.nothing_such": "attr-defined",
    "ff.fuse([1]).picture": "attr-defined",
    "ff.iter_fuse([1], z='above')": "arg-type",
    "count: int = ff.fuse([1])": "assignment",
}


@pytest.mark.slow
def test_a_type_checker_passes_right_code_and_finds_each_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYPYPATH", str(ROOT / "src"))
    (tmp_path / "mypy.ini").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "right.py").write_text(RIGHT, encoding="utf-8")
    (tmp_path / "wrong.py").write_text("\n".join(["import napari_focusfuse as ff", *WRONG]), encoding="utf-8")
    options = ["--config-file", tmp_path / "mypy.ini", "--cache-dir", tmp_path / "cache", "--no-pretty"]
    said, _, _ = api.run([str(arg) for arg in [*options, tmp_path / "right.py", tmp_path / "wrong.py"]])
    errors = {line for line in said.splitlines() if ": error:" in line}
    assert not [line for line in errors if "wrong.py" not in line]
    for number, codes in enumerate(WRONG.values(), start=2):
        (found,) = (line for line in errors if f"wrong.py:{number}: " in line)
        assert found.endswith(tuple(f"[{code}]" for code in codes.split("|")))
