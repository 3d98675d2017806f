"""A stack whose rim alignment has left empty, fused."""

import numpy as np

import napari_focusfuse as ff


def test_depth_is_measured_in_as_much_of_the_field_as_of_a_cropped_stack() -> None:
    drift = ff.Flaws(magnification=0.004)
    scene = ff.simulate((96, 128), 7, surface="smooth", texture="grains", seed=4, noise=0.005, flaws=drift)
    told = {}
    for edges in ("crop", "nan"):
        aligned = ff.align(scene.stack, config=ff.AlignConfig(edges=edges))
        depth = ff.fuse(aligned.stack).decision.depth
        told[edges] = int(np.isfinite(depth).sum())
    assert told["nan"] >= told["crop"]
