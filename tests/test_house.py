"""The package as it is built and installed, and how lightly it is imported."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "napari_focusfuse"
NEEDED = {"napari.yaml", "py.typed", "weights/sesf-cse/model.safetensors", "weights/sesf-cse/card.md"}

# What a script sees of an installation: the manifest's file, and the shipped models.
LOOK = """
import json
from importlib.metadata import distribution
from importlib.resources import files
import napari_focusfuse
from napari_focusfuse.models import list_models, load_model
(entry,) = distribution("napari-focusfuse").entry_points.select(group="napari.manifest")
module, _, name = entry.value.partition(":")
load_model()
print(json.dumps({
    "package": napari_focusfuse.__file__,
    "manifest": files(module).joinpath(name).read_text(encoding="utf-8"),
    "models": list_models(),
}))
"""
PLUGIN = """
from npe2 import PluginManifest
print(PluginManifest.from_distribution("napari-focusfuse").display_name)
"""


def python(code: str, folder: Path, path: Path | None = None) -> str:
    """Run `code` in a new interpreter started in `folder`, with `path` before the installed packages."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV"))}
    if path is not None:
        env["PYTHONPATH"] = str(path)
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def command(*args: str | Path) -> None:
    """Run a module of this interpreter's environment; its words are shown where it fails."""
    run = subprocess.run([sys.executable, "-m", *map(str, args)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the sdist, and the wheel that is made from it."""
    out = tmp_path_factory.mktemp("dist")
    command("build", "--no-isolation", "--outdir", out, ROOT)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def sdist(dist: Path) -> Path:
    (found,) = dist.glob("*.tar.gz")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder into which the wheel is installed."""
    target = tmp_path_factory.mktemp("installed")
    command("pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel)
    return target


def source_files() -> set[str]:
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(PACKAGE).as_posix() for path in files}


def test_wheel_holds_the_whole_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name.removeprefix("napari_focusfuse/") for name in names if ".dist-info/" not in name}
    assert {name for name in packed if not name.startswith("docs/")} == source_files()
    assert packed >= {f"docs/{page}.md" for page in ("first-fusion", "measuring", "settings", "training")}
    assert packed >= NEEDED


def test_sdist_holds_the_sources_and_leaves_out_the_links(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers()}
    assert not [name for name, member in members.items() if member.issym() or member.islnk()]
    assert {f"src/napari_focusfuse/{name}" for name in source_files()} <= members.keys()
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "tests/test_house.py"} <= members.keys()
    assert not [name for name in members if name == "napari.yaml" or name.startswith(("weights", ".github"))]
    assert not [name for name in members if name.startswith("docs/") and not name.endswith(".md")]


def test_installed_wheel_finds_manifest_and_weights(installed: Path, tmp_path: Path) -> None:
    seen = json.loads(python(LOOK, tmp_path, installed))
    assert Path(seen["package"]).is_relative_to(installed)
    assert seen["manifest"] == (PACKAGE / "napari.yaml").read_text(encoding="utf-8")
    assert "sesf-cse" in seen["models"]


def test_npe2_reads_the_manifest_of_the_installed_wheel(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("npe2")
    assert python(PLUGIN, tmp_path, installed).strip()


def test_this_installation_finds_manifest_and_weights(tmp_path: Path) -> None:
    """The editable one that scripts/test makes, or whichever the tests run against."""
    seen = json.loads(python(LOOK, tmp_path))
    assert seen["manifest"] == (PACKAGE / "napari.yaml").read_text(encoding="utf-8")
    assert "sesf-cse" in seen["models"]
    origin = json.loads(distribution("napari-focusfuse").read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        assert Path(seen["package"]).is_relative_to(PACKAGE)


def test_base_installation_brings_neither_napari_nor_qt() -> None:
    base = [name for name in distribution("napari-focusfuse").requires or [] if "extra ==" not in name]
    assert base
    assert not [name for name in base if re.match(r"(napari|magicgui|qtpy|pyqt|pyside|superqt)", name, re.IGNORECASE)]


def test_import_loads_nothing_heavy(tmp_path: Path) -> None:
    loaded = set(python("import napari_focusfuse, sys; print(*sys.modules)", tmp_path).split())
    heavy = {"torch", "napari", "npe2", "qtpy", "magicgui", "dask", "scipy", "skimage", "tifffile", "cyclopts"}
    assert not loaded & heavy


def test_import_costs_no_more_than_numpy(tmp_path: Path) -> None:
    """Counted in modules, which no busy machine changes."""
    count = "import sys; before = len(sys.modules); import {}; print(len(sys.modules) - before)"
    ours, numpy = (int(python(count.format(name), tmp_path)) for name in ("napari_focusfuse", "numpy"))
    assert ours <= 1.2 * numpy


def test_public_names_are_there(tmp_path: Path) -> None:
    """Every lazily imported name can be had."""
    python("import napari_focusfuse as ff\nfor name in ff.__all__: getattr(ff, name)", tmp_path)


@pytest.mark.parametrize("name", ["napari.yaml", "weights"])
def test_links_at_the_top_lead_into_the_package(name: str) -> None:
    link = ROOT / name
    if not link.is_symlink():
        pytest.skip("not a checkout with symbolic links")
    assert not link.readlink().is_absolute()
    assert link.resolve(strict=True) == PACKAGE / name


def test_only_the_command_line_names_its_flags() -> None:
    """What the other parts say is read in the console and in the viewer too."""
    flag = re.compile(r"(?<![-\w])--[a-z]")
    parts = [path for name in ("api", "core", "io", "models") for path in (PACKAGE / name).rglob("*.py")]
    assert parts
    assert not [path.name for path in parts if flag.search(path.read_text(encoding="utf-8"))]


def test_no_leftover_of_a_merge_or_a_compiler_is_kept() -> None:
    """What is tracked, in a checkout; folders of compiled code lie beside it."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    run = subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    kept = run.stdout.splitlines()
    assert "pyproject.toml" in kept
    assert not [name for name in kept if name.endswith((".orig", ".rej", ".pyc"))]
