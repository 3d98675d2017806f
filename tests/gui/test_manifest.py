"""The manifest: valid, complete, and light."""

import subprocess
import sys

from npe2 import PluginManager, PluginManifest

MANIFEST = PluginManifest.from_distribution("napari-focusfuse")


def test_the_manifest_is_valid():
    MANIFEST.validate_imports()


def test_the_reader_is_offered_for_folders_and_for_files_that_may_state_sizes(tmp_path):
    manager = PluginManager()
    manager.register(MANIFEST)
    for name in ("stack.tif", "stack.ome.TIFF", "stack.czi", "picture.png"):
        (tmp_path / name).touch()
    (tmp_path / "stack.ome.zarr").mkdir()
    for name in (".", "stack.tif", "stack.ome.TIFF", "stack.czi", "stack.ome.zarr"):
        (reader,) = manager.iter_compatible_readers([str(tmp_path / name)])
        assert reader.command == "napari-focusfuse.read_stack"
    assert not list(manager.iter_compatible_readers([str(tmp_path / "picture.png")]))


def test_every_contribution_is_there():
    found = MANIFEST.contributions
    assert [widget.display_name for widget in found.widgets] == [
        "Align focus stack",
        "Fuse focus stack",
        "Retouch the fused image",
        "Compare layers",
        "Measure fused images",
        "Fuse many stacks",
        "Train a model",
    ]
    samples = [sample.key for sample in found.sample_data]
    assert samples == [
        "simulated_stack",
        "simulated_stack_with_truth",
        "simulated_fibres",
        "simulated_cells",
        "leaf",
        "circuit_board",
    ]
    assert [reader.accepts_directories for reader in found.readers] == [True]
    assert list(found.menus) == [
        "napari/layers/project",
        "napari/layers/register",
        "napari/layers/measure",
        "napari/file/io_utilities",
    ]
    used = {item.command for items in found.menus.values() for item in items}
    used |= {item.command for item in [*found.widgets, *found.sample_data, *found.readers, *found.writers]}
    assert used == {command.id for command in found.commands}


LIGHT = """
import sys
from importlib import import_module
for names, heavy in [
    ("reader", "torch napari qtpy tifffile"),
    ("samples commands", "torch napari qtpy"),
    ("fuse.widget retouch.widget align.widget measure.widget", "torch matplotlib"),
    ("train.widget batch.widget compare figure", "torch matplotlib"),
]:
    for name in names.split():
        import_module(f"napari_focusfuse.gui.{name}")
        print(*(f"{name} imports {other}" for other in heavy.split() if other in sys.modules))
"""


def test_importing_is_light():
    """In one interpreter, those first that may import least."""
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
