"""Scenes of the sample data."""

from functools import partial
from typing import Literal, get_args

from napari_focusfuse.config import Camera, Flaws, Wave
from napari_focusfuse.core.simulate._scene import Scene
from napari_focusfuse.core.simulate._simulating import simulate
from napari_focusfuse.errors import FocusFuseError

__all__ = ["Sample", "sample_scene"]

Sample = Literal["surface", "fibres", "cells"]


def sample_scene(name: Sample = "surface") -> Scene:
    """A scene of the sample data.

    Parameters
    ----------
    name : {"surface", "fibres", "cells"}
        Hills under an incident-light microscope, 10 slices with a little noise; fibres over a background, recorded
        by a 12-bit camera with photon noise; or labelled cells in fluorescence, in haze and few photons.

    Returns
    -------
    Scene
    """
    if name == "surface":
        return simulate((256, 320), 10, noise=0.004, z_step=1.5, pixel_size=0.65, seed=7)
    if name == "fibres":
        camera, flaws = Camera(bits=12, full_well=12000, read_noise=6), Flaws(shading=0.2, dust=4)
        look = partial(simulate, (256, 320), 12, surface="fibres", psf="disc", blur=0.9, z_step=2.0, pixel_size=0.35)
        return look(camera=camera, flaws=flaws, seed=4)
    if name == "cells":
        camera = Camera(full_well=600, read_noise=2, black=0.02)
        optics, flaws = Wave(na=0.75, wavelength=0.52), Flaws(haze=0.5)
        return simulate(
            (320, 400),
            14,
            mode="fluorescence",
            texture="beads",
            psf=optics,
            blur=0.8,
            camera=camera,
            flaws=flaws,
            seed=6,
        )
    raise FocusFuseError(f"there is no sample {name!r}: choose one of {', '.join(get_args(Sample))}")
