"""The pages of the documentation: in the navigation, their links and the public names there, their Python at work."""

import importlib.util
import pkgutil
import re
import shutil
from inspect import isfunction
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import create_autospec

import numpy as np
import pytest
from PIL import Image

import napari_focusfuse as ff
from napari_focusfuse import api
from napari_focusfuse.core.methods import _work

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
if not (ROOT / "mkdocs.yml").is_file():
    pytest.skip("no documentation beside the tests", allow_module_level=True)

#: Not in docs/, and part of the site: docs/_site.py adds them.
ELSEWHERE = {"contributing.md", "changelog.md", "benchmarking.md"}
OUTSIDE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md"]
#: A block below this comment is not run.
NEEDS_WINDOW = "<!-- needs a window -->\n\n"


def test_every_page_is_in_the_navigation_once() -> None:
    listed = re.findall(r"^ +- [^#\n]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted({page.name for page in DOCS.glob("*.md")} | ELSEWHERE)


@pytest.mark.parametrize("name", OUTSIDE)
def test_links_from_pages_outside_lead_somewhere(name: str) -> None:
    page = ROOT / name
    targets = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (page.parent / target).exists()]


def test_every_public_name_is_explained() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8") + (DOCS / "configuration.md").read_text(encoding="utf-8")
    shown = [pkgutil.resolve_name(path) for path in re.findall(r"^::: (\S+)$", text, re.MULTILINE)]
    explained = {id(thing) for thing in shown}
    for module in (thing for thing in shown if isinstance(thing, ModuleType)):
        explained |= {id(getattr(module, name)) for name in module.__all__}
    assert not [name for name in ff.__all__ if id(getattr(ff, name)) not in explained]


def test_every_function_metric_and_method_has_an_example() -> None:
    functions = [getattr(ff, name) for name in ff.__all__ if isfunction(getattr(ff, name))]
    metrics = [metric.function for metric in ff.list_metrics()]
    methods = [_work(method) for method in ff.list_methods()]
    assert not [each.__name__ for each in [*functions, *metrics, *methods] if ">>> " not in (each.__doc__ or "")]


@pytest.mark.parametrize(
    ("page", "written", "in_the_site"),
    [
        ("command-line.md", "[b](../benchmarks/README.md)", "[b](benchmarking.md)"),
        ("benchmarking.md", "[r](../docs/benchmarks.md#speed)", "[r](benchmarks.md#speed)"),
        ("benchmarking.md", "[speed.py](speed.py)", "speed.py"),
        ("index.md", "[c](../CITATION.cff)", "c"),
        ("index.md", "[m](method.md) ![p](images/p.png)", "[m](method.md) ![p](images/p.png)"),
        ("index.md", "[n](https://napari.org) [t](#top)", "[n](https://napari.org) [t](#top)"),
    ],
)
def test_links_that_leave_the_folder_are_rewritten(page: str, written: str, in_the_site: str) -> None:
    pytest.importorskip("mkdocs")
    spec = importlib.util.spec_from_file_location("_site", DOCS / "_site.py")
    assert spec is not None
    assert spec.loader is not None
    site = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(site)
    assert site.on_page_markdown(written, SimpleNamespace(file=SimpleNamespace(src_uri=page))) == in_the_site


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the pages take for granted: files in the working folder, and names."""
    monkeypatch.chdir(tmp_path)
    scene = ff.simulate((64, 80), 6, seed=1)
    for folder in ("slices", "stacks", "fused", "photos"):
        Path(folder).mkdir()
    for k, plane in enumerate(scene.stack):
        api.save_image(f"slices/z{k}.tif", plane)
    for k, name in ((0, "near.jpg"), (-1, "far.jpg"), (0, "photos/a_A.png"), (-1, "photos/a_B.png")):
        Image.fromarray((scene.stack[k] >> 8).astype(np.uint8)).save(name)
    api.save_stack("cells.ome.tif", scene.stack)
    api.save_stack("stacks/beads.ome.tif", scene.stack, z_step=1.5, pixel_size=(0.65, 0.65))
    Path("stacks/damaged.ome.tif").write_bytes(b"nothing")
    shutil.copytree(ROOT / "src/napari_focusfuse/weights/sesf-focus", "my-model")
    # Training takes minutes: only its arguments are checked.
    monkeypatch.setattr(ff, "train", create_autospec(ff.train))
    return {
        "stack": scene.stack,
        "truth": scene.truth,
        "near": scene.stack[0],
        "far": scene.stack[-1],
        "fused": scene.truth,
        "bright_channel": scene.stack,
        "channels": [scene.stack],
        "mask": scene.truth > np.median(scene.truth),
    }


def viewer(stack: Any) -> Any:
    """A viewer without a window, with the layers that the pages name."""
    components = pytest.importorskip("napari.components")
    made = components.ViewerModel()
    place = {"scale": (1.5, 0.65, 0.65), "units": "um", "axis_labels": ("z", "y", "x")}
    for name in ("DAPI", "actin", "stack"):
        made.add_image(stack, name=name, **place)
    made.add_labels(np.ones(stack.shape[1:], np.uint8), name="Labels")
    made.layers.selection.active = made.layers["stack"]
    return made


def run(name: str, names: dict[str, Any]) -> None:
    """Run the Python of a page, block after block; a traceback tells the line of the page."""
    text = (DOCS / name).read_text(encoding="utf-8")
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if not text[: block.start()].endswith(NEEDS_WINDOW):
            before = "\n" * text[: block.start(1)].count("\n")
            exec(compile(before + block[1], name, "exec"), names)  # noqa: S102 - our own page


def test_python_of_the_page_on_intensities(world: dict[str, Any]) -> None:
    run("intensities.md", world)
    assert 0.5 <= world["noise"].min() < world["noise"].max() <= 1 + 1e-5


def test_python_of_the_page_on_pipelines(world: dict[str, Any]) -> None:
    run("pipelines.md", world)
    assert list(world["failed"]) == ["damaged"]
    assert Path("fused/beads/recipe.json").is_file()


def test_python_of_the_page_on_python(world: dict[str, Any]) -> None:
    run("python.md", world | {"viewer": viewer(world["stack"])})
    assert Path("result/fused.ome.tif").is_file()
    assert ff.train.called


def test_python_of_the_page_on_the_console(world: dict[str, Any]) -> None:
    pytest.importorskip("qtpy")
    opened = viewer(world["stack"])
    run("console.md", world | {"viewer": opened})
    fused, stack = opened.layers["actin fused"], opened.layers["stack"]
    assert np.nanmax(opened.layers["stack depth (µm)"].data) > 1.5
    assert Path("depth.csv").is_file()
    assert fused.extent.world[0].tolist() == stack.extent.world[0][1:].tolist()
    assert fused.units == stack.units[1:]
