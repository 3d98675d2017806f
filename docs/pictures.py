"""Make the pictures of the documentation; needs a display (or xvfb-run) and matplotlib.

python docs/pictures.py                      the sample stack: README picture and screenshots
python docs/pictures.py train                only those of training a model, which takes some minutes
python docs/pictures.py align                only that of aligning
python docs/pictures.py measure              only those of measuring
python docs/pictures.py fuse                 only those of fusing, retouching and the surface
python docs/pictures.py retouch              only that of retouching
python docs/pictures.py batch                only that of many stacks
python docs/pictures.py beetle FOLDER        another stack: the screenshot beetle-fused.png
"""

import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import napari
import numpy as np
from qtpy.QtWidgets import QApplication

import napari_focusfuse as ff
from napari_focusfuse import io
from napari_focusfuse.gui.commands import align_focus_stack, fuse_many_stacks, measure_fused_images, train_model
from napari_focusfuse.gui.measure.maps_tab import TRUTH, MapChoice

mpl.use("Agg")
from matplotlib import pyplot as plt

IMAGES = Path(__file__).parent / "images"


def overview(path: Path, slices: list[tuple[str, Any]], image: Any, depth: Any, unit: str) -> None:
    """Two slices, the fused image and the depth map side by side."""
    panels = [*slices, ("fused", image)]
    height = 14 / 4 * image.shape[0] / image.shape[1] + 0.5
    figure, axes = plt.subplots(1, 4, figsize=(14, height), layout="constrained")
    top = np.percentile(image, 99.9)
    for axis, (title, panel) in zip(axes, panels, strict=False):
        shown = panel if panel.ndim == 3 else np.clip(panel / top, 0, 1)
        axis.imshow(shown, cmap="gray", vmin=0, vmax=1)
        axis.set_title(title)
    shown = axes[-1].imshow(depth, cmap="viridis")
    axes[-1].set_title("depth")
    figure.colorbar(shown, ax=axes[-1], label=unit, shrink=0.8)
    for axis in axes:
        axis.set_axis_off()
    figure.savefig(path, dpi=100)
    plt.close(figure)


def simulations(path: Path) -> None:
    """The first, the middle and the last slice of four scenes, with their truth and depth."""
    scenes = {
        "opaque blocks": ff.simulate(surface="blocks", texture="grains", psf="disc", noise=0.01, seed=3),
        "fibres": ff.sample_scene("fibres"),
        "absorbing": ff.simulate(surface="smooth", texture="cloud", psf="disc", mode="brightfield", seed=5),
        "fluorescence": ff.sample_scene("cells"),
    }
    figure, axes = plt.subplots(4, 5, figsize=(14, 9.5), layout="constrained")
    for row, (name, scene) in zip(axes, scenes.items(), strict=True):
        last = len(scene.stack) - 1
        panels = {f"slice {k + 1}": scene.stack[k] for k in (1, last // 2, last - 1)} | {"truth": scene.truth}
        for axis, (title, panel) in zip(row, panels.items(), strict=False):
            axis.imshow(panel, cmap="gray", vmin=0, vmax=np.percentile(scene.truth, 99.8))
            axis.set_title(f"{name}: {title}" if title == "slice 2" else title)
        shown = row[-1].imshow(scene.depth, cmap="viridis")
        row[-1].set_title("depth")
        figure.colorbar(shown, ax=row[-1], label="slices", shrink=0.8)
    for axis in axes.flat:
        axis.set_axis_off()
    figure.savefig(path, dpi=80)
    plt.close(figure)


def settle(seconds: float = 1.0) -> None:
    """Let the viewer draw."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.02)


def measure_sample(viewer: napari.Viewer) -> None:
    """Fuse the sample by several methods, measure the results, and picture scores, a focus curve and a map."""
    truth, stack = viewer.open_sample("napari-focusfuse", "simulated_stack_with_truth")
    place = {"scale": truth.scale, "units": truth.units, "axis_labels": truth.axis_labels}
    for method in ("sesf", "log", "max"):
        viewer.add_image(ff.fuse(stack.data, method=method).image, name=f"{method} fused", **place)
    viewer.layers.selection = set(viewer.layers)
    measure_fused_images(viewer)
    widget = viewer.window.dock_widgets["Measure fused images (napari-focusfuse)"]
    widget.run()
    wait_for(widget)
    viewer.reset_view()
    shoot(viewer, "measure-scores")
    widget.tabs.setCurrentWidget(widget.focus)
    wait_for(widget)
    viewer.cursor.position = (0, *truth.data_to_world((128, 240)))
    shoot(viewer, "measure-curve")
    widget.tabs.setCurrentWidget(widget.maps)
    widget.maps.set_value(MapChoice("difference", "max fused", TRUTH))
    widget.add_map()
    wait_for(widget)
    shoot(viewer, "measure-map")


def align_sample(viewer: napari.Viewer) -> None:
    """Align a sample that drifts and grows, and picture the aligned stack beside how its slices had moved."""
    flaws = ff.Flaws(drift=2.5, magnification=0.004)
    scene = ff.simulate((320, 400), 12, blur=1.2, noise=0.004, z_step=1.5, pixel_size=0.65, flaws=flaws, seed=7)
    place = {"scale": (1.5, 0.65, 0.65), "units": ("um",) * 3, "axis_labels": ("z", "y", "x")}
    viewer.add_image(scene.stack, name="Drifting stack", **place)
    align_focus_stack(viewer)
    wait_for(viewer.window.dock_widgets["Align focus stack (napari-focusfuse)"])
    viewer.reset_view()
    shoot(viewer, "align")


def retouch_sample(viewer: napari.Viewer) -> None:
    """Fuse the sample, paint on its decision, and picture source, fused image and decision side by side."""
    viewer.open_sample("napari-focusfuse", "simulated_stack")
    run_widget(viewer)
    viewer.window.dock_widgets["Fuse focus stack (napari-focusfuse)"].retouch_button.click()
    widget = viewer.window.dock_widgets["Retouch the fused image (napari-focusfuse)"]
    decision = next(layer for layer in viewer.layers if layer.name.endswith("decision"))
    viewer.dims.set_current_step(0, 7)
    widget.tools.brush.setValue(16)
    for x in range(170, 230, 6):
        decision.paint((110, x), decision.selected_label)
    widget.beside_box.setChecked(True)
    shoot(viewer, "retouch")


def batch_sample(viewer: napari.Viewer) -> None:
    """Fuse a folder of simulated stacks, one of them damaged, and picture the list with a result opened."""
    sizes = {"z_step": 1.5, "pixel_size": (0.5, 0.5)}
    looks = {"beads": ("blocks", "grains"), "leaf": ("smooth", "cloud"), "pollen 1": ("blocks", "cloud")}
    looks |= {"pollen 2": ("smooth", "grains"), "section": ("smooth", "grains"), "wing": ("blocks", "grains")}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "microscope"
        folder.mkdir()
        for seed, (name, (surface, texture)) in enumerate(looks.items()):
            scene = ff.simulate((256, 320), 8, surface=surface, texture=texture, seed=seed)
            io.write_stack(folder / f"{name}.ome.tif", scene.stack, **sizes)
        damaged = folder / "pollen 1.ome.tif"
        damaged.write_bytes(damaged.read_bytes()[:3000])
        fuse_many_stacks(viewer)
        widget = viewer.window.dock_widgets["Fuse many stacks (napari-focusfuse)"]
        widget.choose([folder])
        settle(3)
        widget.run()
        wait_for(widget)
        widget.open_result(0)
        settle()
        while widget.opening.busy:
            settle(0.2)
        widget.view.setCurrentIndex(widget.model.index(2))
        settle(6)  # the notification of what failed has slid in
        # Nobody has such a folder.
        widget.form.source_row.line.setText("~/microscope")
        widget.form.target_row.line.setText("~/microscope_fused")
        shoot(viewer, "batch")
        viewer.layers.clear()


def train_sample(viewer: napari.Viewer) -> None:
    """Train models by both recipes for some minutes, adapt one, and picture the widget meanwhile and afterwards."""
    # Models go to where a user who has none would have them. (napari has found its icons by now.)
    settle()
    os.environ["HOME"] = tempfile.mkdtemp()
    (stack,) = viewer.open_sample("napari-focusfuse", "simulated_stack")
    train_model(viewer)
    widget = viewer.window.dock_widgets["Train a model (napari-focusfuse)"]
    settle(5)
    shoot(viewer, "train-start")
    widget.form.set_value(replace(widget.form.value(), batch=8, crops_per_image=12, minutes=2))
    widget.run()
    settle(60)
    shoot(viewer, "train-running")
    wait_for(widget)
    shoot(viewer, "train-done")
    widget.form.set_value(ff.RankConfig(steps=400, crop=32, validate_every=40, minutes=3))
    widget.form.images.kind.value = "computed"
    widget.run()
    wait_for(widget)
    shoot(viewer, "train-focus")
    widget.choose(stack)
    widget.adapt_form.set_value(replace(widget.adapt_form.value(), minutes=1.5))
    widget.run()
    wait_for(widget)
    widget.report.show_button.click()
    shoot(viewer, "train-adapted")


def wait_for(widget: Any) -> None:
    """Until a widget's work has ended."""
    settle(0.5)
    while widget.panel.busy:
        settle(0.2)


def run_widget(viewer: napari.Viewer) -> None:
    """Press Run in the docked widget and wait for the result."""
    _, widget = viewer.window.add_plugin_dock_widget("napari-focusfuse", "Fuse focus stack")
    settle()
    widget.run()
    wait_for(widget)
    viewer.reset_view()
    settle()


def fuse_sample(viewer: napari.Viewer) -> None:
    """Open and fuse the sample; picture the fused image, the depth, the surface, and a painted decision."""
    scene = ff.sample_scene()
    result = ff.fuse(scene.stack, z=scene.z)
    slices = [(f"slice {k + 1} of {len(scene.stack)}", scene.stack[k]) for k in (3, 9)]
    overview(IMAGES / "overview.png", slices, result.image, result.decision.depth, "um")
    viewer.open_sample("napari-focusfuse", "simulated_stack")
    shoot(viewer, "sample-opened")
    run_widget(viewer)
    widget = viewer.window.dock_widgets["Fuse focus stack (napari-focusfuse)"]
    viewer.cursor.position = (0, 70.0, 150.0)
    shoot(viewer, "sample-fused")
    depth = next(layer for layer in viewer.layers if " depth (" in layer.name)
    depth.visible = True
    viewer.layers.selection = {depth}
    shoot(viewer, "sample-depth")
    widget.surface.show_surface()
    wait_for(widget)
    viewer.scene.camera.angles = (-25.0, 30.0, 130.0)
    shoot(viewer, "surface")
    widget.surface.back()
    viewer.layers.clear()
    viewer.window.remove_dock_widget("all")
    retouch_sample(viewer)


def shoot(viewer: napari.Viewer, name: str) -> None:
    """Save a picture of the whole window."""
    settle()
    viewer.screenshot(str(IMAGES / f"{name}.png"), canvas_only=False, flash=False)


def main() -> None:
    """Make all pictures of the sample, or one of the stack that is named."""
    IMAGES.mkdir(exist_ok=True)
    viewer = napari.Viewer()
    viewer.window.resize(1300, 960)
    try:
        picture(viewer, *sys.argv[1:])
    finally:
        viewer.close()


def picture(viewer: napari.Viewer, name: str = "", folder: str = "") -> None:
    """Make what is asked for on the command line."""
    if folder:
        viewer.open(folder, plugin="napari-focusfuse")
        run_widget(viewer)
        shoot(viewer, f"{name}-fused")
        return
    if name:
        parts = (train_sample, retouch_sample, fuse_sample, align_sample, measure_sample, batch_sample)
        {part.__name__.removesuffix("_sample"): part for part in parts}[name](viewer)
        return
    simulations(IMAGES / "simulation.png")
    fuse_sample(viewer)
    for part in (align_sample, measure_sample, batch_sample, train_sample):
        viewer.layers.clear()
        viewer.window.remove_dock_widget("all")
        part(viewer)


if __name__ == "__main__":
    main()
