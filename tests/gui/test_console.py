"""`ff.napari`: what the console takes from a viewer and gives back."""

import doctest

import numpy as np
import pytest
from napari.components import ViewerModel

import napari_focusfuse as ff


@pytest.fixture
def layer(stack):
    return ViewerModel().add_image(stack, name="cells", scale=(2, 0.5, 0.5), units="um", axis_labels=("z", "y", "x"))


def test_the_examples_run():
    assert doctest.testmod(ff.napari).failed == 0


def test_a_result_shown_is_the_one_that_is_given_back(layer, make_result):
    viewer = ViewerModel()
    with pytest.raises(ff.FocusFuseError, match="no result yet"):
        ff.napari.current(viewer)
    viewer.layers.append(layer)
    first, second = (make_result(**ff.napari.stack_of(layer, viewer), method=name) for name in ("log", "sf"))
    shown = ff.napari.show(first, layer, viewer)
    ff.napari.show(second, layer, viewer)
    assert ff.napari.current(viewer) is not first
    viewer.layers.selection = {shown["fused"]}
    assert ff.napari.current(viewer).image is first.image
    np.testing.assert_array_equal(shown["depth"].data, first.decision.depth)
    assert shown["depth"].name == "cells log depth (µm)"
    with pytest.raises(ff.FocusFuseError, match="not one of 'cells'"):
        ff.napari.show(make_result(layer.data[1:]), layer, viewer)


def test_edits_by_hand_are_in_it(layer, make_result):
    viewer = ViewerModel()
    viewer.layers.append(layer)
    shown = ff.napari.show(make_result(**ff.napari.stack_of(layer, viewer), method="log"), layer, viewer)
    shown["decision"].data = np.full_like(shown["decision"].data, 3)
    assert (ff.napari.current(viewer).decision.index == 2).all()


def test_the_console_names_the_result_of_the_widget(viewer, widget, stack, fusion, finish):
    viewer.add_image(stack, name="cells")
    widget.run()
    finish(widget)
    assert ff.napari.current(viewer).summary == "6 slices fused."
