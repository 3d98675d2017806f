"""Where a decision can be applied, image layers of its geometry and their positions, and what the thread does then."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from napari.layers import Image

from napari_focusfuse.config.fusion import STACK_AXIS
from napari_focusfuse.core.progress import staged
from napari_focusfuse.gui.common.preferences import limited_for
from napari_focusfuse.gui.common.worker import Work
from napari_focusfuse.gui.fuse.position_form import channel_axis, long_axes
from napari_focusfuse.gui.layers.axes import propose_axis
from napari_focusfuse.gui.layers.hyperstack import Whole, take_whole
from napari_focusfuse.gui.layers.result_parts import iter_parts
from napari_focusfuse.gui.layers.results import is_result, plain
from napari_focusfuse.gui.layers.source import Source, axis_name, data_of, further_axes, plane_axes

if TYPE_CHECKING:
    from napari.layers import Layer

    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.core.result import Decision

__all__ = [
    "Origin",
    "Target",
    "Where",
    "carry",
    "fuse_whole",
    "origin_of_one",
    "origin_of_whole",
    "save_options",
    "taken",
    "targets",
    "wheres",
]

#: Positions of a layer: all, every channel where the sliders are, or only where the sliders are.
Where = Literal["all", "channels", "here"]


@dataclass(frozen=True, eq=False)
class Origin:
    """Decision maps that can be applied, and their source.

    Attributes
    ----------
    title : str
        What was decided on, for people.
    layer_id : str
        The layer.
    label : str
        Name of its stack axis.
    slices : int
    shape : (int, int)
        Height and width, px.
    axes : dict of str to int
        Axes along which there is a decision for each position, and how many; none for one decision.
    decision : callable or None
        From the index on these axes to the decision; None if there is the one that the widget holds.
    made_by : mapping
        How it was made, of plain JSON types.
    """

    title: str
    layer_id: str
    label: str
    slices: int
    shape: tuple[int, int]
    axes: dict[str, int]
    decision: "Callable[[Mapping[str, int]], Decision] | None"
    made_by: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Target:
    """An image layer, its stack axis, and why no decision map can be applied to it: empty if one can."""

    layer: Image
    axis: int
    problem: str


def targets(origin: Origin, layers: Iterable["Layer"]) -> list[Target]:
    """The stacks among layers, the topmost first as in napari's list, and last those that do not fit."""
    own = [getattr(layer, "__wrapped__", layer) for layer in layers]
    stacks = [layer for layer in own if isinstance(layer, Image) and layer.ndim > 2 and not is_result(layer)]
    found = [_target(origin, layer) for layer in reversed(stacks)]
    return sorted((target for target in found if target is not None), key=lambda target: bool(target.problem))


def _target(origin: Origin, layer: Image) -> Target | None:
    axis = _stack_axis(origin, layer)
    long = long_axes(layer, axis)
    if str(layer.unique_id) == origin.layer_id and (origin.axes or not long):
        return None
    shape = data_of(layer).shape
    y, x = (int(shape[i]) for i in plane_axes(layer, axis))
    there = {axis_name(layer, i): int(shape[i]) for i in range(layer.ndim)}
    problem = ""
    if shape[axis] != origin.slices:
        problem = f"{shape[axis]} slices, not {origin.slices}"
    elif (y, x) != origin.shape:
        problem = f"{y} x {x} px, not {origin.shape[0]} x {origin.shape[1]}"
    else:
        lacking = [name for name, n in origin.axes.items() if there.get(name) != n]
        if lacking:
            problem = f"no {lacking[0]} of length {origin.axes[lacking[0]]}"
    return Target(layer, axis, problem)


def _stack_axis(origin: Origin, layer: Image) -> int:
    """The axis that is called as that of the origin and as long, or the one that is proposed."""
    shape = data_of(layer).shape
    called = [i for i in range(layer.ndim) if axis_name(layer, i) == origin.label and shape[i] == origin.slices]
    return called[0] if called else propose_axis(layer)[0]


def wheres(origin: Origin, found: Sequence[Target]) -> list[tuple[str, Where]]:
    """Positions to choose from, the likeliest first; none if there is one only."""
    open_axes = [(target, long_axes(target.layer, target.axis)) for target in found if not target.problem]
    if origin.axes or not any(axes for _, axes in open_axes):
        return []
    offered: list[tuple[str, Where]] = [
        ("every position", "all"),
        ("only where the viewer's sliders are", "here"),
    ]
    if any(len(axes) > 1 and channel_axis(target.layer, axes) is not None for target, axes in open_axes):
        offered.insert(0, ("every channel where the viewer's sliders are", "channels"))
    return offered


def taken(target: Target, where: Where, point: Sequence[float]) -> Whole:
    """Freeze what a run needs of a target.

    Parameters
    ----------
    target : Target
    where : {"all", "channels", "here"}
    point : sequence of float
        Where the viewer's sliders are, world.
    """
    layer, axis = target.layer, target.axis
    position = further_axes(layer, axis, point)
    varying = list(position) if where == "all" else []
    if where == "channels":
        channel = channel_axis(layer, list(position))
        varying = [] if channel is None else [channel]
    return take_whole(layer, axis, fixed={i: k for i, k in position.items() if i not in varying})


def fuse_whole(whole: Whole, options: dict[str, Any], top: float) -> Work:
    """Fuse every position and prepare the layers; returns what was fused, the result and the layers."""
    from napari_focusfuse import api

    height, width = (int(whole.data.shape[whole.axes.index(letter)]) for letter in "YX")
    options = limited_for((height, width), options)
    work = api.iter_fuse_hyperstack(whole.data, whole.axes, keep_decisions=True, **options)
    result = yield from staged(work, 0, 0.95)
    layers = yield from staged(iter_parts(whole, result, top), 0.95, 0.05)
    return whole, result, layers


def carry(wholes: list[Whole], origin: Origin, held: Callable[[], Work]) -> Work:
    """Blend every position of some layers by the decisions of another; returns each with its layers.

    Parameters
    ----------
    wholes : list of Whole
    origin : Origin
    held : callable
        Makes the generator that returns the result that is held, with its edits.
    """
    from napari_focusfuse import api

    one = (yield from held()).decision if origin.decision is None else None
    made = []
    for done, whole in enumerate(wholes):
        work = api.iter_carry(whole.data, whole.axes, partial(_decision, whole, origin, one))
        result = yield from staged(work, done / len(wholes), 1 / len(wholes))
        layers = yield from iter_parts(whole, result, 0)
        made.append((whole, layers))
    return made


def _decision(whole: Whole, origin: Origin, one: "Decision | None", where: Mapping[str, int]) -> "Decision":
    """The decision for a position of another layer: axes are matched by their names."""
    if origin.decision is None:
        return cast("Decision", one)
    named = {whole.names[letter]: k for letter, k in where.items()}
    return origin.decision({name: named[name] for name in origin.axes})


def origin_of_one(source: Source, decision: "Decision") -> Origin:
    """The decision map of one stack."""
    made_by = plain(decision.info)
    return Origin(source.title, source.layer_id, source.label, source.slices, decision.shape, {}, None, made_by)


def origin_of_whole(whole: Whole, result: "HyperstackResult") -> Origin | None:
    """The decision maps of all positions, if they were kept."""
    if not result.decisions:
        return None
    names = [whole.names[letter] for letter in result.map_axes[:-2]]
    sizes = dict(zip(names, result.index.shape, strict=False))
    shape, kept = result.index.shape[-2:], partial(_kept, result, names)
    return Origin(whole.title, whole.layer_id, whole.label, whole.slices, shape, sizes, kept, plain(result.info))


def _kept(result: "HyperstackResult", names: list[str], where: Mapping[str, int]) -> "Decision":
    """The decision for an index on axes of these names, in their order in the maps."""
    return result.decisions[tuple(where[name] for name in names)]


def save_options(note: Mapping[str, Any]) -> dict[str, Any]:
    """Options to save a result by its note."""
    whole = note.get("whole")
    axis, chosen = (STACK_AXIS, {"axes": note["names"]}) if whole else (note["axis"], {})
    place = {"axis": axis, "rgb": note["rgb"], "position": {**note["in_file"], **note["position"]}}
    options = {
        "pixel_size": note["pixel_size"] and tuple(note["pixel_size"]),
        "z_step": note["z_step"],
        "inputs": [Path(path) for path in note["inputs"]],
        "source": {**place, **note["taken"], **chosen},
    }
    return options if whole else {**options, "refractive_index": note["refractive_index"], **note["aligned"]}
