"""The sample stack."""


def test_the_sample_has_units(viewer):
    (layer,) = viewer.open_sample("napari-focusfuse", "simulated_stack")
    assert layer.axis_labels == ("z", "y", "x")
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert layer.data.dtype == "uint16"
    assert layer.data.ndim == 3
    assert tuple(layer.scale) == (1.5, 0.65, 0.65)


def test_the_truth_lies_on_the_stack(make_napari_viewer):
    viewer = make_napari_viewer()
    truth, stack = viewer.open_sample("napari-focusfuse", "simulated_stack_with_truth")
    assert (truth.name, stack.name) == ("Simulated truth", "Simulated focus stack")
    assert truth.data.shape == stack.data.shape[1:]
    assert truth.data.dtype == stack.data.dtype
    assert tuple(truth.scale) == tuple(stack.scale[1:])
    assert truth.units == stack.units[1:]
