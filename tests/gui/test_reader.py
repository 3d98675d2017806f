"""Files and folders as layers."""

import timeit

import numpy as np
import pytest
import tifffile
from napari.layers import Image

import napari_focusfuse as ff
from napari_focusfuse.errors import FocusFuseWarning, StackError
from napari_focusfuse.gui import reader
from napari_focusfuse.gui.layers.source import KEY
from napari_focusfuse.gui.reader import get_reader, read_stack

PLUGIN = "napari-focusfuse"


def opened(path):
    """Layers as a viewer would make them."""
    return [Image(data, **arguments) for data, arguments, _ in read_stack(path)]


@pytest.fixture
def folder(tmp_path, stack):
    """Slices in natural order z1, z2, ... z10 ..."""
    folder = tmp_path / "beetle"
    folder.mkdir()
    for k in range(12):
        tifffile.imwrite(folder / f"z{k + 1}.tif", stack[k % 6] + k)
    return folder


@pytest.fixture
def cells(tmp_path, stack):
    """(T, Z, C, Y, X) = (2, 3, 2, 16, 20) with all metadata."""
    metadata = {"axes": "TZCYX", "PhysicalSizeZ": 2000, "PhysicalSizeZUnit": "nm"}
    metadata |= {
        "PhysicalSizeY": 0.5,
        "PhysicalSizeX": 0.25,
        "Channel": {"Name": ["DAPI", "GFP"], "Color": [65535, -1]},
    }
    data = np.stack([stack, stack + 1]).reshape(2, 3, 2, 16, 20)
    tifffile.imwrite(tmp_path / "cells.ome.tif", data, photometric="minisblack", metadata=metadata)
    return tmp_path / "cells.ome.tif"


def test_a_folder_opens_as_one_layer_in_natural_order(viewer, folder, stack):
    (layer,) = viewer.open(str(folder), plugin=PLUGIN)
    assert layer.name == "beetle"
    assert layer.axis_labels == ("z", "y", "x")
    assert layer.data.shape == (12, 16, 20)
    np.testing.assert_array_equal(np.asarray(layer.data), [stack[k % 6] + k for k in range(12)])
    note = layer.metadata[KEY]
    assert [path.rsplit("z", 1)[-1] for path in note["inputs"]] == [f"{k}.tif" for k in range(1, 13)]
    assert (note["z_step"], note["z"]) == (None, None)


def test_selected_files_are_the_slices_of_a_stack(folder, stack):
    names = [str(folder / f"z{k}.tif") for k in (10, 9, 2)]
    (layer,) = opened(names)
    np.testing.assert_array_equal(np.asarray(layer.data), [stack[(k - 1) % 6] + k - 1 for k in (2, 9, 10)])


def test_slices_are_read_when_they_are_shown(folder):
    ((data, _, _),) = get_reader(str(folder))(str(folder))
    (folder / "z5.tif").unlink()
    assert np.asarray(data[0]).shape == (16, 20)


def test_contrast_fits_all_slices_without_reading_them(folder):
    tifffile.imwrite(folder / "z12.tif", np.full((16, 20), 60_000, np.uint16))
    ((data, arguments, _),) = read_stack(str(folder))
    three = [np.asarray(data[k]) for k in (0, 5, 11)]
    assert arguments["contrast_limits"] == (np.min(three), 60_000)


def test_colour_slices_are_one_rgb_layer(tmp_path):
    for k in range(3):
        tifffile.imwrite(tmp_path / f"{k}.tif", np.full((8, 9, 3), k, np.uint8), photometric="rgb")
    (layer,) = opened(str(tmp_path))
    assert layer.rgb
    assert layer.ndim == 3


def test_spacing_in_the_files_reaches_the_layer(tmp_path):
    for k in range(3):
        resolution = (1e4 / 0.5, 1e4 / 0.5)
        tifffile.imwrite(tmp_path / f"{k}.tif", np.zeros((8, 9), np.uint8), resolution=resolution, resolutionunit=3)
    (layer,) = opened(str(tmp_path))
    np.testing.assert_allclose(layer.scale, (1, 0.5, 0.5))
    assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer"]


def test_an_ome_tiff_is_a_layer_a_channel_with_all_that_it_states(viewer, cells, stack):
    layers = viewer.open(str(cells), plugin=PLUGIN)
    assert [layer.name for layer in layers] == ["cells DAPI", "cells GFP"]
    for k, layer in enumerate(layers):
        np.testing.assert_array_equal(np.asarray(layer.data)[0], stack.reshape(3, 2, 16, 20)[:, k])
        assert layer.axis_labels == ("t", "z", "y", "x")
        np.testing.assert_allclose(layer.scale, (1, 2, 0.5, 0.25))
        assert [str(unit) for unit in layer.units] == ["pixel", "micrometer", "micrometer", "micrometer"]
        assert layer.blending == "additive"
        assert layer.metadata[KEY]["z_step"] == 2.0
    np.testing.assert_allclose(layers[0].colormap.colors[-1], (0, 0, 1, 1))
    np.testing.assert_allclose(layers[1].colormap.colors[-1], (1, 1, 1, 1))


def test_an_imagej_stack_keeps_its_calibration(tmp_path, stack):
    metadata = {"axes": "ZYX", "spacing": 1.5, "unit": "micron"}
    tifffile.imwrite(tmp_path / "s.tif", stack, imagej=True, resolution=(4, 2), metadata=metadata)
    (layer,) = opened(str(tmp_path / "s.tif"))
    np.testing.assert_allclose(layer.scale, (1.5, 0.5, 0.25))
    assert layer.axis_labels == ("z", "y", "x")


def test_axes_that_are_not_named_stay_so_and_single_images_open(tmp_path, stack):
    tifffile.imwrite(tmp_path / "pages.tif", stack, metadata=None)
    tifffile.imwrite(tmp_path / "one.tif", stack[:1], metadata=None)
    (pages,) = opened(str(tmp_path / "pages.tif"))
    assert pages.axis_labels == ("-3", "y", "x")
    (one,) = opened(str(tmp_path / "one.tif"))
    assert one.data.shape == (16, 20)


def test_an_ome_zarr_is_a_pyramid(tmp_path, stack):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "cells.ome.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=2)
    channels = np.stack([stack, stack // 2])
    axes = [{"name": "c", "type": "channel"}, *({"name": a, "type": "space", "unit": "micrometer"} for a in "zyx")]
    levels = []
    for k, step in enumerate((1, 2)):
        group.create_array(str(k), data=channels[..., ::step, ::step])
        scale = [1, 2, 0.5 * step, 0.5 * step]
        levels.append({"path": str(k), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    omero = {"channels": [{"label": "GFP", "color": "00FF00"}, {"label": "DAPI", "color": "0000FF"}]}
    group.attrs.update({"multiscales": [{"axes": axes, "datasets": levels, "version": "0.4"}], "omero": omero})
    layers = opened(str(path))
    assert [layer.name for layer in layers] == ["cells GFP", "cells DAPI"]
    assert [level.shape for level in layers[1].data] == [(6, 16, 20), (6, 8, 10)]
    np.testing.assert_array_equal(np.asarray(layers[1].data[0]), stack // 2)
    np.testing.assert_allclose(layers[0].scale, (2, 0.5, 0.5))
    np.testing.assert_allclose(layers[0].colormap.colors[-1], (0, 1, 0, 1))


def test_pairs_are_a_layer_each(tmp_path, stack):
    for k, name in enumerate(("a_A", "a_B", "b_A", "b_B")):
        tifffile.imwrite(tmp_path / f"{name}.tif", stack[k, : 10 + 2 * (k // 2)])
    layers = opened(str(tmp_path))
    assert [(layer.name, layer.data.shape, layer.visible) for layer in layers] == [
        ("a", (2, 10, 20), True),
        ("b", (2, 12, 20), False),
    ]


def test_of_many_pairs_the_first_are_opened(tmp_path, stack, monkeypatch):
    monkeypatch.setattr(reader, "_MOST_PAIRS", 2)
    for name in ("a_A", "a_B", "b_A", "b_B", "c_A", "c_B"):
        tifffile.imwrite(tmp_path / f"{name}.tif", stack[0])
    with pytest.warns(FocusFuseWarning, match="holds 3 pairs, the first 2 are opened"):
        assert [arguments["name"] for _, arguments, _ in read_stack(str(tmp_path))] == ["a", "b"]


def test_what_contradicts_itself_is_a_warning(tmp_path, stack):
    metadata = {"axes": "ZYX", "PhysicalSizeZ": 0}
    tifffile.imwrite(tmp_path / "s.ome.tif", stack, photometric="minisblack", metadata=metadata)
    with pytest.warns(FocusFuseWarning, match=r"s\.ome\.tif states a z-step of 0"):
        ((_, arguments, _),) = read_stack(str(tmp_path / "s.ome.tif"))
    assert arguments["units"][0] == "pixel"


def test_slices_of_unequal_size_are_named(viewer, folder):
    """A few are left out; where many are unlike, nothing is opened."""
    tifffile.imwrite(folder / "z3.tif", np.zeros((5, 5), np.uint16))
    with pytest.warns(FocusFuseWarning, match=r"z3\.tif is 5 x 5 px.*: it was left out|lacks number 3"):
        (layer,) = viewer.open(str(folder), plugin=PLUGIN)
    assert layer.data.shape == (11, 16, 20)
    viewer.layers.clear()
    for k in range(1, 6):
        tifffile.imwrite(folder / f"z{k}.tif", np.zeros((5, 5), np.uint16))
    with pytest.raises(Exception, match=r"z1\.tif"):
        viewer.open(str(folder), plugin=PLUGIN)
    assert not viewer.layers


def test_the_getter_leaves_alone_what_it_cannot_open(tmp_path, folder):
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "notes.txt", tmp_path / "empty", tmp_path / "missing.txt", tmp_path):
        assert get_reader(str(path)) is None
    assert get_reader([str(folder), str(folder)]) is None
    assert get_reader([str(folder / "z1.tif")]) is None
    assert get_reader([str(folder / "z1.tif"), str(folder / "z2.tif")]) is not None
    assert get_reader(str(folder)) is not None
    assert get_reader(str(folder / "z1.tif")) is not None


def test_the_getter_is_quick(folder):
    assert min(timeit.repeat(lambda: get_reader(str(folder)), number=1)) < 0.05


@pytest.mark.parametrize("picked", [False, True])
def test_channels_by_the_names_of_files_are_a_layer_each(tmp_path, stack, picked):
    for c, dye in enumerate(("DAPI", "GFP")):
        for z in range(6):
            tifffile.imwrite(tmp_path / f"cells_w{c + 1}{dye}_z{z}.tif", stack[z] + c)
    names = [str(path) for path in tmp_path.iterdir()]
    layers = opened(names if picked else str(tmp_path))
    assert [layer.name.rsplit(" ", 1)[-1] for layer in layers] == ["DAPI", "GFP"]
    for c, layer in enumerate(layers):
        np.testing.assert_array_equal(np.asarray(layer.data), stack + c)
        assert layer.metadata[KEY]["in_file"] == {"c": c}


def test_an_ome_zarr_lies_where_it_says_and_is_as_tall(tmp_path, stack):
    zarr = pytest.importorskip("zarr")
    placed = [{"type": "scale", "scale": [0.5, 0.1, 0.1]}, {"type": "translation", "translation": [1.2, 52.1, 60.9]}]
    for unit in ("micrometer", None):
        group = zarr.open_group(tmp_path / f"{unit}.zarr", mode="w", zarr_format=2)
        group.create_array("0", data=stack)
        axes = [{"name": a, "type": "space", **({"unit": unit} if unit else {})} for a in ("depth", "y", "x")]
        levels = [{"path": "0", "coordinateTransformations": placed}]
        group.attrs.update({"multiscales": [{"axes": axes, "datasets": levels}]})
    (layer,) = opened(str(tmp_path / "micrometer.zarr"))
    assert layer.axis_labels == ("z", "y", "x")
    np.testing.assert_allclose(layer.translate, (1.2, 52.1, 60.9))
    np.testing.assert_allclose(layer.scale, (0.5, 0.1, 0.1))
    with pytest.warns(FocusFuseWarning, match="scale without a unit"):
        (layer,) = opened(str(tmp_path / "None.zarr"))
    np.testing.assert_allclose(layer.scale, (5, 1, 1))
    np.testing.assert_allclose(layer.translate, 0)


def test_a_field_of_a_plate_is_opened_and_a_plate_says_what_to_do(tmp_path):
    pytest.importorskip("zarr")
    plate = ff.simulate_plate(tmp_path / "plate.zarr", wells=1, fields=1, size=32, slices=3)
    layers = opened(str(plate / "A/01/0"))
    assert [layer.name for layer in layers] == ["0 channel 0", "0 channel 1"]
    assert layers[0].data.shape == (3, 32, 32)
    with pytest.raises(StackError, match="is a plate: fuse all of it into another plate"):
        read_stack(str(plate))
