"""Which images a training takes."""

import dask.array as da
import imagecodecs
import numpy as np
import pytest

from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.train import images as _train_images
from napari_focusfuse.gui.train.images import ImagesForm, planes_of


@pytest.fixture
def form(viewer):
    shown = ImagesForm(viewer)
    yield shown
    shown.deleteLater()


def bare(layer):
    return getattr(layer, "__wrapped__", layer)


def test_all_images_of_a_layer(viewer, rng):
    values = rng.integers(0, 255, (2, 3, 20, 24)).astype(np.uint8)
    planes = planes_of(bare(viewer.add_image(values)))
    np.testing.assert_array_equal(np.stack(planes), values.reshape(6, 20, 24))
    colour = rng.integers(0, 255, (3, 20, 24, 3)).astype(np.uint8)
    np.testing.assert_array_equal(np.stack(planes_of(bare(viewer.add_image(colour, rgb=True)))), colour)
    (plane,) = planes_of(bare(viewer.add_image(values[0, 0])))
    np.testing.assert_array_equal(plane, values[0, 0])
    swapped = viewer.add_image(np.moveaxis(values[0], 0, 1), axis_labels=("y", "z", "x"))
    np.testing.assert_array_equal(np.stack(planes_of(bare(swapped))), values[0])
    pyramid = viewer.add_image([values[0], values[0, :, ::2, ::2]], multiscale=True)
    assert [plane.shape for plane in planes_of(bare(pyramid))] == [(20, 24)] * 3


def test_lazy_layers_are_not_read(viewer, form):
    def refuse(block):
        raise AssertionError

    layer = viewer.add_image(np.zeros((4, 30, 30)), name="lazy")
    form.reset_choices()
    bare(layer)._data = da.zeros((4, 30, 30), chunks=1).map_blocks(refuse, dtype=float, meta=np.zeros((0, 0, 0)))
    assert len(form.value().images) == 4
    assert form.problem(16) is None


def test_a_mix_of_layers(viewer, form, rng):
    viewer.add_image(rng.random((4, 30, 30)), name="stack")
    viewer.add_image(rng.random((50, 40, 3)), rgb=True, name="colour")
    result = viewer.add_image(rng.random((30, 30)), name="depth")
    result.metadata = {KEY: {"role": "depth", "layer_id": str(result.unique_id)}}
    viewer.add_labels(np.zeros((30, 30), int))
    form.reset_choices()
    assert [layer.name for layer in form.ticked()] == ["colour", "stack"]
    assert form.about.text() == "5 images of 2 sizes"
    form.list.item(0).setCheckState(_train_images.Qt.CheckState.Unchecked)
    assert (form.value().title, form.about.text()) == ("stack", "4 images of 30 x 30 px")
    viewer.layers.remove("colour")
    viewer.add_image(rng.random((30, 30)), name="new")
    form.reset_choices()
    assert [layer.name for layer in form.ticked()] == ["new", "stack"]


def test_recipes_that_need_sharp_images_begin_with_those(viewer, form, rng):
    stack = viewer.add_image(rng.random((4, 30, 30)), name="cells")
    form.set_recipe("focus")
    assert form.ticked() == []
    assert form.problem(16).startswith("Fuse the stack first, to train on its fused image")
    result = viewer.add_image(rng.random((30, 30)), name="cells fused")
    result.metadata = {KEY: {"role": "fused", "layer_id": str(result.unique_id)}}
    form.reset_choices()
    assert form.ticked() == [bare(result)]
    assert "Blurred" not in form.about.text()
    form.list.item(1).setCheckState(_train_images.Qt.CheckState.Checked)
    assert form.ticked() == [bare(result), bare(stack)]
    form.set_recipe("paper")
    form.list.item(1).setCheckState(_train_images.Qt.CheckState.Unchecked)
    form.set_recipe("focus")
    assert form.ticked() == [bare(result)]


def test_images_that_do_not_fit_into_memory_are_thinned_out(viewer, form, monkeypatch):
    viewer.add_image(np.zeros((10, 30, 30)))
    monkeypatch.setattr(_train_images, "_MOST_PIXELS", 4 * 900)
    form.reset_choices()
    assert form.about.text() == "4 images of 30 x 30 px, of 10: more do not fit into memory"
    assert len(form.value().images) == 4


def test_why_nothing_can_be_trained_on(viewer, form, tmp_path):
    form.reset_choices()
    assert form.problem(16) == "Open sharp images or a stack first, or choose a folder."
    layer = viewer.add_image(np.zeros((4, 30, 30)), name="stack")
    form.reset_choices()
    assert form.problem(31).startswith("All images are smaller than a crop of 31 x 31 px")
    form.choose([])
    assert form.problem(16) == "Tick the layers whose images to train on."
    viewer.layers.remove(layer)
    viewer.add_image(np.zeros((30, 30)), name="one")
    form.reset_choices()
    assert form.problem(16).startswith("One image is too few")
    form.choose_folder("")
    assert form.problem(16) == "Choose the folder with the images."
    form.choose_folder(str(tmp_path / "absent"))
    assert form.problem(16).startswith("There is no folder")
    form.choose_folder(str(tmp_path))
    assert form.problem(16) == f"{tmp_path} holds no images: choose another folder."
    form.choose_folder("")
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(np.zeros((30, 30), np.uint8)))
    form.choose_folder(str(tmp_path))
    assert form.problem(16) is None
    assert (form.value().images, form.about.text()) == (tmp_path, "1 files")
