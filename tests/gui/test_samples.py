"""The sample stack."""


def test_the_sample_has_units(viewer):
    (layer,) = viewer.open_sample("napari-focusfuse", "simulated_stack")
    assert layer.axis_labels == ("z", "y", "x")
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert layer.data.dtype == "uint16"
    assert layer.data.ndim == 3
    assert tuple(layer.scale) == (1.5, 0.65, 0.65)
