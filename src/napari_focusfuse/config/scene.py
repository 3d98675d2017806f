"""Settings of simulated focus stacks: the optics, the camera, and what spoils a real stack."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from napari_focusfuse.config.setting import Setting, check
from napari_focusfuse.errors import FocusFuseError

__all__ = ["PSF", "Camera", "Flaws", "Mode", "Surface", "Texture", "Wave"]

Surface = Literal["smooth", "steps", "plane", "blocks", "spheres", "fibres", "rough", "beyond"]
Mode = Literal["reflected", "brightfield", "phase", "fluorescence"]
Texture = Literal["grains", "cloud", "beads", "leaves"]
PSF = Literal["gaussian", "disc", "ring", "wave"]


@dataclass(frozen=True, kw_only=True)
class Wave:
    """A microscope objective, by scalar wave optics.

    Attributes
    ----------
    na : float
        Numerical aperture.
    wavelength : float
        In vacuum, um.
    index : float
        Refractive index of the immersion medium; larger than `na`.
    spherical : float
        Spherical aberration, waves RMS (Zernike), up to .5: makes blur differ above and below focus. In focus is where
        the picture is sharpest.
    """

    na: Annotated[float, Setting(least=0.01, most=1.7)] = 0.4
    wavelength: Annotated[float, Setting(least=0.1, most=2)] = 0.55
    index: float = 1.0
    spherical: Annotated[float, Setting(least=-0.5, most=0.5)] = 0.0

    def __post_init__(self) -> None:
        check(self)
        if not self.index > self.na:
            raise FocusFuseError(f"the refractive index {self.index} must be larger than the aperture {self.na}")

    @property
    def depth_of_field(self) -> float:
        """Wavelength times index over the square of the aperture, um."""
        return self.wavelength * self.index / self.na**2

    @property
    def critical_pixel(self) -> float:
        """Largest pixel that loses no detail, um."""
        return self.wavelength / (4 * self.na)

    @property
    def slope(self) -> float:
        """Growth of the geometric blur's radius with defocus (tangent of the marginal ray)."""
        return self.na / math.sqrt(self.index**2 - self.na**2)


@dataclass(frozen=True, kw_only=True)
class Camera:
    """What turns light into counts. Full scale is the largest count; light of 1 fills it.

    Attributes
    ----------
    bits : int
        Bits of a count: up to 8 are stored in uint8, more in uint16.
    noise : float
        Standard deviation of additive Gaussian noise, share of full scale.
    full_well : float
        Electrons at full scale: the fewer, the more photon noise (Poisson). inf has none.
    read_noise : float
        Standard deviation of the read-out noise, electrons; needs a `full_well`.
    black : float
        Counts without light, share of full scale.
    gain_spread, offset_spread : float
        Standard deviations of the fixed differences between pixels: of gain (share), of offset (share of full scale).
    hot_pixels : float
        Share of pixels that are far too bright in every slice.
    salt_pepper : float
        Share of pixels that are black or white, others in every slice.
    """

    bits: Annotated[int, Setting(least=1, most=16)] = 16
    noise: Annotated[float, Setting(least=0, most=1)] = 0.0
    full_well: Annotated[float, Setting(least=1)] = math.inf
    read_noise: Annotated[float, Setting(least=0)] = 0.0
    black: Annotated[float, Setting(least=0, most=1)] = 0.0
    gain_spread: Annotated[float, Setting(least=0, most=1)] = 0.0
    offset_spread: Annotated[float, Setting(least=0, most=1)] = 0.0
    hot_pixels: Annotated[float, Setting(least=0, most=1)] = 0.0
    salt_pepper: Annotated[float, Setting(least=0, most=1)] = 0.0

    def __post_init__(self) -> None:
        check(self)
        if self.read_noise and math.isinf(self.full_well):
            raise FocusFuseError("read_noise is counted in electrons: give a full_well as well")


@dataclass(frozen=True, kw_only=True)
class Flaws:
    """What spoils a real stack; everything is off by default.

    First what happens to the light, then what the camera's software makes of the picture, in that order: colours that
    are filled in, noise that is smoothed away, sharpening, gamma, JPEG. Scenes are grey: colour fringes are left out.

    Attributes
    ----------
    shading : float
        Share of the light that the corners lack.
    dust, scratches : int
        Dark specks and thin lines on the camera's window: sharp at the same place in every slice.
    highlights : float
        Share of the specimen that shines several times brighter than full scale.
    haze : float
        Light from elsewhere in a thick specimen, as a share of its mean brightness; the same in every slice.
    drift : float
        Sideways movement from slice to slice, px (standard deviation of a random walk).
    magnification : float
        Change of magnification from slice to slice (focus breathing), such as .001.
    flicker : float
        Standard deviation of the logarithm of the lamp's brightness from slice to slice.
    exposure : float
        Sudden change of the brightness from one slice on (logarithm), up or down.
    interlaced : float
        By how much every second row is brighter (share) in every second slice, as under a lamp that flickers.
    glints : float
        Share of the field beneath highlights that move as the focus does, about a pixel a slice. The truth has none.
    missing : int
        Rows that are black in one slice each, about that many.
    uneven_noise : float
        Standard deviation of the logarithm of the noise's strength from place to place.
    mosaic : bool
        Every pixel sees one colour (Bayer), and the other two are filled in.
    denoised : float
        Strength of the camera's smoothing: noise that it takes away (standard deviation, share of full scale), and with
        it detail as faint.
    sharpened : float
        Strength of the camera's sharpening (unsharp mask of 1 px).
    gamma : float
        Exponent: below 1, as of pictures for screens, dark places become brighter.
    jpeg : int
        Quality of JPEG, 1 to 95; 0 is none.
    """

    shading: Annotated[float, Setting(least=0, most=0.95)] = 0.0
    dust: Annotated[int, Setting(least=0, most=10_000)] = 0
    scratches: Annotated[int, Setting(least=0, most=10_000)] = 0
    highlights: Annotated[float, Setting(least=0, most=0.5)] = 0.0
    haze: Annotated[float, Setting(least=0, most=10)] = 0.0
    drift: Annotated[float, Setting(least=0, most=50)] = 0.0
    magnification: Annotated[float, Setting(least=-0.05, most=0.05)] = 0.0
    flicker: Annotated[float, Setting(least=0, most=0.5)] = 0.0
    exposure: Annotated[float, Setting(least=0, most=0.5)] = 0.0
    interlaced: Annotated[float, Setting(least=0, most=0.5)] = 0.0
    glints: Annotated[float, Setting(least=0, most=0.5)] = 0.0
    missing: Annotated[int, Setting(least=0, most=10_000)] = 0
    uneven_noise: Annotated[float, Setting(least=0, most=2)] = 0.0
    mosaic: bool = False
    denoised: Annotated[float, Setting(least=0, most=0.5)] = 0.0
    sharpened: Annotated[float, Setting(least=0, most=5)] = 0.0
    gamma: Annotated[float, Setting(least=0.2, most=5)] = 1.0
    jpeg: Annotated[int, Setting(least=0, most=95)] = 0

    def __post_init__(self) -> None:
        check(self)
