"""What a metric is, how its values are pooled over an image, and its input: images of one scale and kind, and white."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from napari_focusfuse.core.stack import Stack
from napari_focusfuse.core.stack.intensity import GREY, full_range
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning

__all__ = [
    "Greys",
    "Image",
    "Metric",
    "Pool",
    "check_alike",
    "check_like",
    "grey_like",
    "likely_white",
    "misfit",
    "ratio",
]

#: Grey image (Y, X) in [0, 1].
Image = NDArray[np.float64]
Better = Literal["high", "low", "zero"]
Needs = Literal["fused", "sources", "truth"]
#: What cameras and file formats call white.
_USUAL = (1.0, 255.0, 4095.0, 65535.0)
#: Bytes from which on an integer type is wider than any camera.
_WIDE = 4
#: Floats may exceed 1 a little, as interpolation and noise make them do; integers should use a share of their range.
_EXCESS, _SHARE = 2.0, 0.01
#: Metrics take fourth powers, of which larger ones are no numbers.
_FAR = 1e60


@dataclass(frozen=True)
class Metric:
    """A score of a fused image.

    Attributes
    ----------
    name : str
        Key of the registry, lower case.
    title : str
        As it is written in papers.
    function : callable
        ``f(fused)``, ``f(sources, fused)`` or ``f(truth, fused)``, by `needs`; returns a float that is never NaN.
    needs : {"fused", "sources", "truth"}
        What the fused image is compared with; "fused" is nothing.
    better : {"high", "low", "zero"}
        Which values are good ones.
    low, high : float
        Range of values.
    smallest : int
        Least height and width, px.
    measures, blind_to, reference : str
        What it measures, what it is blind to, and its reference; one line each.
    pixels : callable or None
        ``f(sources, fused)``: the map (Y, X) whose mean the score is, if it is one.
    """

    name: str
    title: str
    function: Callable[..., float]
    needs: Needs
    better: Better
    low: float
    high: float
    smallest: int
    measures: str
    blind_to: str
    reference: str
    pixels: Callable[..., Image] | None = None

    @property
    def needs_truth(self) -> bool:
        """Whether it compares with ground truth."""
        return self.needs == "truth"

    def score(self, sources: Sequence[Image], fused: Image, truth: Image | None = None) -> float:
        """The value for a fused image; `truth` has to be given where it is needed."""
        if self.needs == "fused":
            return float(self.function(fused))
        return float(self.function(sources if self.needs == "sources" else truth, fused))

    def best(self, values: Sequence[float]) -> list[bool]:
        """Which of several images' values are the best one; none where all are alike or there is only one."""
        distances = [{"high": -value, "low": value, "zero": abs(value)}[self.better] for value in values]
        least = min(distances, default=0.0)
        alike = all(distance == least for distance in distances)
        return [not alike and distance == least for distance in distances]


class Pool:
    """Adds up values and weights; where all weights are 0, all sources count the same."""

    def __init__(self) -> None:
        self._weighted: Image | float = 0.0
        self._weight: Image | float = 0.0
        self._plain: Image | float = 0.0
        self._count = 0

    def add(self, value: Image | float, weight: Image | float) -> None:
        """Add a source: what it scores and how much that counts (>= 0), maps (Y, X) or numbers."""
        self._weighted = self._weighted + weight * value
        self._weight = self._weight + weight
        self._plain = self._plain + value
        self._count += 1

    def mean(self) -> Image:
        """Weighted mean over the sources of each pixel."""
        return ratio(self._weighted, self._weight, self._plain / self._count)


def ratio(above: Image | float, below: Image | float, otherwise: Image | float) -> NDArray[np.float64]:
    """``above / below``, and `otherwise` where `below` is 0."""
    safe = np.asarray(below) != 0
    return np.where(safe, above / np.where(safe, below, 1.0), otherwise)


def likely_white(dtype: np.dtype[Any], images: Iterable[NDArray[Any]]) -> float:
    """The value that is most likely white: the largest of a type of 8 or 16 bits, otherwise by what images hold.

    Parameters
    ----------
    dtype : numpy dtype
    images : iterable of array
        Looked at only where the type does not tell.

    Returns
    -------
    float
        The next of 1, 255, 4095 and 65535 above the images, or else their greatest finite value.
    """
    if not _tells_nothing(dtype):
        return full_range(dtype)[1]
    arrays = map(np.asarray, images)
    top = max((float(np.max(array, where=np.isfinite(array), initial=0)) for array in arrays), default=0.0)
    return next((white for white in _USUAL if top <= white), top)


def misfit(dtype: np.dtype[Any], top: float) -> bool:
    """Whether an image of this type that reaches `top` is not on the scale that its type has by default."""
    white = full_range(dtype)[1]
    return _tells_nothing(dtype) and (top > _EXCESS if dtype.kind == "f" else top < _SHARE * white)


def _tells_nothing(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or (dtype.kind in "iu" and dtype.itemsize >= _WIDE)


def _shaped(image: Any) -> Any:
    """An image that says its shape."""
    return image if hasattr(image, "shape") and hasattr(image, "dtype") else np.asarray(image)


class _Kind(NamedTuple):
    """What images that are compared must have in common."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    colour: bool

    @classmethod
    def of(cls, image: Any) -> "_Kind":
        """The kind of an image (Y, X) or (Y, X, 3|4); its pixels are not read."""
        image = _shaped(image)
        colour = len(image.shape) == 3 and image.shape[-1] in (3, 4)
        return cls(tuple(int(n) for n in image.shape[:2]), np.dtype(image.dtype), colour)


class Greys(Sequence[Image]):
    """Sources as grey images (Y, X) float64; made when asked for, so that a long stack need not fit into memory.

    Parameters
    ----------
    sources : array-like (N, Y, X) or (N, Y, X, 3|4), a sequence of images, or a mapping of names to images
        At least two, of one size and type. Errors call them by their names.
    data_range : float, optional
        Value that becomes 1; by default the largest one of an integer type, and 1 for floats.
    names : sequence of str, optional
        What errors call the sources, in place of "source 0" and so on.

    Raises
    ------
    FocusFuseError
        The sources differ, or are no images.
    """

    def __init__(self, sources: Any, data_range: float | None = None, names: Sequence[str] | None = None) -> None:
        if data_range is not None and not 0 < data_range < float("inf"):
            raise FocusFuseError(f"the data range must be greater than 0, not {data_range}: give the value of white")
        self._names = None if names is None else list(names)
        if isinstance(sources, Mapping):
            self._names, sources = list(sources), list(sources.values())
            for name, image in zip(self._names[1:], sources[1:], strict=True):
                check_alike(image, sources[0], name, f"{self._names[0]} is")
        self._stack = Stack(sources)
        self.shape, self.dtype, self.colour = self._stack.shape, self._stack.dtype, self._stack.channels > 0
        self.white = full_range(self.dtype)[1] if data_range is None else float(data_range)
        self._unsure = data_range is None

    def __len__(self) -> int:
        return len(self._stack)

    @overload
    def __getitem__(self, k: int) -> Image: ...
    @overload
    def __getitem__(self, k: slice) -> list[Image]: ...
    def __getitem__(self, k: int | slice) -> Image | list[Image]:
        if isinstance(k, slice):
            return [self[i] for i in range(*k.indices(len(self)))]
        if not -len(self) <= k < len(self):
            raise IndexError(k)
        k = k % len(self)
        return _grey(self._stack[k], self.white, f"source {k}" if self._names is None else self._names[k])

    def check_white(self, image: Image, what: str) -> None:
        """Warn, once, where the type tells white and the grey image `what` is on quite another scale."""
        top = self.white * float(image.max(initial=0))
        if self._unsure and misfit(self.dtype, top):
            self._unsure = False
            warnings.warn(
                f"{what} is {self.dtype} and reaches {top:.6g}, but metrics use {self.white:.6g} as white: "
                "give the value of white as data_range",
                FocusFuseWarning,
                stacklevel=7,  # whoever calls `measure`
            )


def check_alike(image: Any, other: Any, what: str, others: str) -> None:
    """Refuse image `what` where it cannot be compared with `other`; `others` is how the sentence goes on ("B is")."""
    _check_kind(image, _Kind.of(other), what, others)


def check_like(image: Any, greys: Greys, what: str) -> None:
    """Refuse image `what` where it cannot be compared with the sources; its pixels are not read.

    Raises
    ------
    FocusFuseError
        Its size, colour or type is not that of the sources.
    """
    _check_kind(image, _Kind(greys.shape, greys.dtype, greys.colour), what, "the sources are")


def grey_like(image: Any, greys: Greys, what: str) -> Image:
    """Image `what` as grey (Y, X) float64 on the scale of the sources.

    Raises
    ------
    FocusFuseError
        Its size, colour or type is not that of the sources, or pixels are no numbers.
    """
    image = np.asarray(image)
    check_like(image, greys, what)
    grey = _grey(image, greys.white, what)
    greys.check_white(grey, what)
    return grey


def _check_kind(image: Any, other: _Kind, what: str, others: str) -> None:
    """Refuse an image that is not of the other kind; `others` is how the sentence goes on."""
    image = _shaped(image)
    kind = _Kind.of(image)
    if len(image.shape) != 2 + kind.colour:
        raise FocusFuseError(f"{what} has the shape {tuple(image.shape)}: give one image, grey or RGB")
    if kind.colour != other.colour:
        kinds = {True: "RGB", False: "grey"}
        raise FocusFuseError(f"{what} is {kinds[kind.colour]} and {others} {kinds[other.colour]}: convert one of them")
    if kind.shape != other.shape:
        raise FocusFuseError(
            f"{what} is {kind.shape[0]} x {kind.shape[1]} px and {others} "
            f"{other.shape[0]} x {other.shape[1]} px (height x width): they must be of one size"
        )
    if kind.dtype != other.dtype:
        raise FocusFuseError(f"{what} is {kind.dtype} and {others} {other.dtype}: convert them to one type")


def _grey(image: NDArray[Any], white: float, what: str) -> Image:
    """Grey as `napari_focusfuse.core.stack.intensity.luminance`, but in double precision, divided by `white`."""
    values = image.astype(np.float64) if image.ndim == 2 else image[..., :3].astype(np.float64) @ np.array(GREY)
    if not np.isfinite(values).all():
        raise FocusFuseError(f"{what} contains pixels that are not numbers (NaN or infinite): fill them or crop them")
    with np.errstate(over="ignore"):
        grey = np.asarray(values / white)
    if (far := float(np.abs(grey).max(initial=0))) > _FAR:
        raise FocusFuseError(
            f"{what} reaches {far:.3g} times white, too far for numbers that can be squared: "
            "give the value of white as data_range, or cut such pixels off"
        )
    return grey
