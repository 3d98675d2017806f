"""What a measurement takes, frozen when a run starts, and what has changed since."""

import math
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from napari.layers import Image
from numpy.typing import NDArray

from napari_focusfuse.core.metrics import METRICS
from napari_focusfuse.core.progress import duration
from napari_focusfuse.errors import FocusFuseError, FocusFuseWarning
from napari_focusfuse.gui.layers.source import Source, data_of, inputs_of, place_of, problem, take
from napari_focusfuse.gui.measure.roles import Roles
from napari_focusfuse.gui.thread_warnings import quiet

__all__ = ["Measured", "Setup", "Which", "metrics_of", "offered_sets", "problem_of", "setup_of"]

#: A set of metrics.
Which = Literal["quick", "most", "all"]
_SETS: dict[Which, str] = {"quick": "quick ones", "most": "all but Qp", "all": "all"}
#: The set "quick" has of these, beside those that compare with a truth, as many as take less than some seconds.
_BEST_KNOWN, _QUICKLY, _SLOWEST = ("qg", "qm", "qcb", "qy"), 3.0, "qp"
#: Seconds for a million pixels of the sources on one core (measured on 6 slices of 512 x 512 px); others take none.
_SECONDS = {
    "qg": 0.04,
    "qm": 0.01,
    "qcb": 0.09,
    "qmi": 0.01,
    "qncie": 0.02,
    "qy": 0.12,
    "qp": 1.7,
    "qs": 0.09,
    "qc": 0.17,
    "reblur": 0.4,
}

_NO_SOURCES = "Tick what was fused under Source: one focus stack, or two or more single images."
_NO_FUSED = "Tick at least one image under Fused."


class _StoppedError(FocusFuseError):
    """Measuring was cancelled between two slices."""


class _Guarded:
    """An array that gives no more slices when `stopped` says so: a metric reads all slices between two steps."""

    def __init__(self, data: Any, stopped: Callable[[], bool]) -> None:
        self._data, self._stopped = data, stopped
        self.shape, self.dtype, self.ndim = data.shape, data.dtype, data.ndim

    def __getitem__(self, where: Any) -> Any:
        self._go_on()
        return self._data[where]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        self._go_on()
        return np.asarray(self._data, dtype=dtype, copy=copy)

    def _go_on(self) -> None:
        if self._stopped():
            raise _StoppedError("measuring was cancelled")


@dataclass(frozen=True, eq=False)
class Setup:
    """Layers with a role, as they were.

    Attributes
    ----------
    source : Source or None
        The focus stack, if that is what was fused.
    images : dict of str to array
        The single images that were fused, otherwise.
    fused : dict of str to array
    truth : array or None
    places : dict of str to dict
        Of each single image the arguments that put a layer on it.
    ids : dict of str to str
        Identifiers of the layers by name.
    layers : list of Image
        The sources.
    white : float or None
        The value that metrics see as 1; None: as their type has it.
    """

    source: Source | None
    images: dict[str, Any]
    fused: dict[str, Any]
    truth: Any
    places: dict[str, dict[str, Any]]
    ids: dict[str, str]
    layers: list[Image]
    white: float | None = None

    @cached_property
    def inputs(self) -> list[str]:
        """Files of the sources, as far as they are known; asked for at first, some pixels are read."""
        return [path for layer in self.layers for path in inputs_of(layer)]

    @property
    def title(self) -> str:
        """What was fused, for people."""
        return " and ".join(self.images) if self.source is None else self.source.title

    @property
    def slices(self) -> list[str]:
        """Names of the slices, from 0 on, or of the single images."""
        if self.source is None:
            return list(self.images)
        return [f"slice {k}" for k in range(self.source.slices)]

    @property
    def called(self) -> list[str] | None:
        """What errors call the slices; None where the images have names."""
        return None if self.source is None else [f"{name} of {self.title!r}" for name in self.slices]

    @property
    def sources(self) -> Any:
        """The stack (Z, Y, X[, C]), or the single images by name."""
        if self.source is None:
            return self.images
        data, axis = self.source.data, self.source.axis
        if axis == 0:
            return data
        if isinstance(data, np.ndarray):
            return np.moveaxis(data, axis, 0)
        return data.transpose([axis, *(i for i in range(data.ndim) if i != axis)])

    @property
    def stack(self) -> Any:
        """The sources as what a stack is made of: without names."""
        return self.sources if self.source else list(self.images.values())

    @property
    def rgb(self) -> bool:
        """Whether the images are coloured."""
        return self.source.rgb if self.source else next(iter(self.images.values())).ndim == 3

    @property
    def place(self) -> dict[str, Any]:
        """Arguments that put a layer on the sources."""
        return self.source.place if self.source else self.places[next(iter(self.images))]

    def guarded(self, stopped: Callable[[], bool]) -> "Setup":
        """The same, but the sources can no more be read once `stopped` says so."""
        if self.source is not None:
            return replace(self, source=replace(self.source, data=_Guarded(self.sources, stopped), axis=0))
        return replace(self, images={name: _Guarded(image, stopped) for name, image in self.images.items()})

    def slice(self, k: int) -> Any:
        """Source number `k`, not read yet."""
        return self.stack[k]

    def origin(self) -> dict[str, Any]:
        """Provenance of what is made of the sources."""
        if self.source is not None:
            source_id, position = self.source.layer_id, self.source.position
        else:
            source_id, position = self.ids[next(iter(self.images))], {}
        return {"source": self.title, "source_id": source_id, "position": position, "inputs": self.inputs}


def setup_of(roles: Roles, axis: int, point: Sequence[float]) -> Setup:
    """Freeze the layers with a role.

    Parameters
    ----------
    roles : Roles
    axis : int
        The stack axis, where the source is a stack.
    point : sequence of float
        Where the viewer's sliders are, world; chooses time point and channel.
    """
    flat = [layer for layer in (*roles.sources, *roles.fused) if layer.ndim == 2]
    stack = roles.stack
    return Setup(
        source=None if stack is None else take(stack, axis, point),
        images={layer.name: data_of(layer) for layer in roles.sources if stack is None},
        fused={layer.name: data_of(layer) for layer in roles.fused},
        truth=None if roles.truth is None else data_of(roles.truth),
        places={layer.name: place_of(layer) for layer in flat},
        ids={layer.name: str(layer.unique_id) for layer in flat},
        layers=list(roles.sources),
    )


def problem_of(roles: Roles, axis: int, point: Sequence[float], *, with_fused: bool = True) -> str | None:
    """Why these layers cannot be measured, in one sentence; None if they can. No pixel is read.

    Parameters
    ----------
    roles, axis, point
        As for `setup_of`.
    with_fused : bool
        Whether fused images are needed.
    """
    from napari_focusfuse import api

    if not (roles.sources or roles.fused):
        return "Tick what was fused under Source, and the fused images under Fused."
    stack = roles.stack
    if stack is None and len(roles.sources) < 2:
        return _NO_SOURCES
    if stack is not None and (hint := problem(stack, axis)) is not None:
        return hint
    if with_fused and not roles.fused:
        return _NO_FUSED
    setup = setup_of(roles, axis, point)
    try:
        with quiet(FocusFuseWarning):
            api.check_images(setup.sources, setup.fused, truth=setup.truth)
    except FocusFuseError as error:
        return _sentence(error)
    return None


def _sentence(error: FocusFuseError) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:]}."


def metrics_of(setup: Setup, which: Which) -> list[str]:
    """Names of the metrics of a set that there is a use for."""
    names = [name for name, metric in METRICS.items() if setup.truth is not None or not metric.needs_truth]
    if which == "quick":
        quick = [name for name in names if METRICS[name].needs_truth]
        for name in _BEST_KNOWN:
            if _seconds(setup, [*quick, name]) < _QUICKLY or name == _BEST_KNOWN[0]:
                quick.append(name)
        return quick
    return [name for name in names if which == "all" or name != _SLOWEST]


def offered_sets(setup: Setup | None) -> list[tuple[str, Which]]:
    """Sets of metrics with about how long they take, to choose from."""
    if setup is None:
        return [(title, which) for which, title in _SETS.items()]
    times = {which: duration(max(_seconds(setup, metrics_of(setup, which)), 1)) for which in _SETS}
    return [(f"{title} (about {times[which]})", which) for which, title in _SETS.items()]


def _seconds(setup: Setup, metrics: Iterable[str]) -> float:
    pixels: int = len(setup.slices) * math.prod(setup.slice(0).shape[:2]) * len(setup.fused)
    return sum(_SECONDS.get(name, 0.0) for name in metrics) * pixels / 1e6


@dataclass(eq=False)
class Measured:
    """A measurement.

    Attributes
    ----------
    setup : Setup
        What it takes.
    state : dict
        What scores depend on besides, by what it is called, as it was at the start.
    pixels : list of str
        Layers that were given other pixels since.
    """

    setup: Setup
    state: Mapping[str, Any]
    pixels: list[str] = field(default_factory=list)

    def changed(self, state: Mapping[str, Any]) -> str:
        """What has changed since, for a sentence; "" if nothing has."""
        layers = [repr(name) for name in dict.fromkeys(self.pixels)]
        return " and ".join([*layers, *(what for what, was in self.state.items() if state[what] != was)])

    def summary(self, there: Container[str]) -> str:
        """What was measured, in a sentence or two; `there` are the identifiers of the layers that there still are."""
        setup = self.setup
        text = f"{len(setup.fused)} fused image{'s' if len(setup.fused) > 1 else ''} measured."
        if setup.truth is None:
            text += " Without ground truth no score shows which one is right."
        gone = [repr(name) for name in setup.fused if setup.ids.get(name) not in there]
        return f"{text} Removed meanwhile, scored as it was: {', '.join(gone)}." if gone else text
