"""The stack and the words of the responsiveness benchmark; the viewer itself is measured by hand."""

import numpy as np

from benchmarks import responsiveness


def test_each_slice_is_sharpest_in_its_place():
    stack = responsiveness.stack(120, 4).astype(float)
    assert stack.shape == (4, 120, 120)
    activity = np.diff(stack, axis=1) ** 2
    strips = [activity[..., x : x + 10].mean(axis=(1, 2)).argmax() for x in (0, 35, 75, 110)]
    assert strips == [0, 1, 2, 3]


def test_it_counts_what_is_too_late():
    text = responsiveness._spread(np.array([1.0, 2.0, 3.0, 250.0]))
    assert "2.5 ms (median)" in text
    assert "250 at most, 1 above 100 ms" in text
