"""For napari's console: a stack from a layer, a result to layers, and the last result of a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_focusfuse.errors import FocusFuseError

if TYPE_CHECKING:
    from napari.layers import Image, Layer
    from napari.viewer import Viewer

    from napari_focusfuse.core.positions.result import HyperstackResult
    from napari_focusfuse.core.result import FusionResult

__all__ = ["current", "show", "stack_of"]


def current(viewer: Viewer | None = None) -> FusionResult | HyperstackResult:
    """Return the result that the viewer shows: of the selected layer, or else the newest one.

    Parameters
    ----------
    viewer : Viewer, optional
        The one in front if left out.

    Returns
    -------
    FusionResult or HyperstackResult
        With the edits by hand that were made so far; the latter where all positions were fused.

    Raises
    ------
    FocusFuseError
        There is no viewer, or no result in it.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> from napari.components import ViewerModel
    >>> viewer, scene = ViewerModel(), ff.simulate((64, 64), 5, seed=0)
    >>> layer = viewer.add_image(scene.stack, axis_labels=("z", "y", "x"))
    >>> layers = ff.napari.show(ff.fuse(scene.stack, method="log"), layer, viewer)
    >>> ff.napari.current(viewer).decision.shape
    (64, 64)
    """
    from napari_focusfuse.core.progress import drain
    from napari_focusfuse.gui.fuse.history import held_by, history

    viewer = _viewer(viewer)
    known = history(viewer.layers)
    if not known:
        raise FocusFuseError("the viewer has no result yet: fuse a focus stack first")
    held = held_by(viewer.layers.selection.active) or known[-1]
    result: FusionResult | HyperstackResult = drain(held.work()())
    return result


def show(result: FusionResult, layer: Image, viewer: Viewer | None = None) -> dict[str, Layer]:
    """Show a result on the stack that it was made from, as the widget does.

    Parameters
    ----------
    result : FusionResult
        Of `fuse`, from the position of the layer that the sliders are at.
    layer : Image
        The stack.
    viewer : Viewer, optional
        The one in front if left out.

    Returns
    -------
    dict of str to Layer
        By what they show: "fused", and with a decision map "decision", "depth", "confidence" and "flags". Paint on
        "decision" to retouch.

    Raises
    ------
    FocusFuseError
        The result is not that of the layer.

    Examples
    --------
    See `current`.
    """
    from napari_focusfuse.gui.fuse.history import show_from_console

    viewer = _viewer(viewer)
    return show_from_console(viewer, getattr(layer, "__wrapped__", layer), result)


def stack_of(layer: Image, viewer: Viewer | None = None) -> dict[str, Any]:
    """Return the focus stack of a layer as arguments of `fuse`: pixels, axis, RGB and positions of the slices.

    Parameters
    ----------
    layer : Image
    viewer : Viewer, optional
        Its sliders choose time point and channel; the one in front if left out.

    Returns
    -------
    dict
        ``stack`` (Z, Y, X) or (Z, Y, X, 3|4), not copied; ``axis``; ``rgb``; ``z`` (N,) in um, None where the layer
        has no z-step.

    Raises
    ------
    FocusFuseError
        The layer is not a focus stack.

    Examples
    --------
    >>> import napari_focusfuse as ff
    >>> from napari.components import ViewerModel
    >>> viewer, scene = ViewerModel(), ff.simulate((64, 64), 5, seed=0)
    >>> layer = viewer.add_image(scene.stack, scale=(2, 1, 1), units="um", axis_labels=("z", "y", "x"))
    >>> ff.napari.stack_of(layer, viewer)["z"]
    [0.0, 2.0, 4.0, 6.0, 8.0]
    """
    from napari_focusfuse.gui.layers.axes import positions_of, propose_axis, slots_of, spacing_of
    from napari_focusfuse.gui.layers.source import problem, take

    viewer, layer = _viewer(viewer), getattr(layer, "__wrapped__", layer)
    axis = propose_axis(layer)[0] if layer.ndim > 2 else 0
    if why := problem(layer, axis):
        raise FocusFuseError(why)
    source, step = take(layer, axis, viewer.dims.point), spacing_of(layer, axis).z_step
    z = None if step is None else positions_of(layer, axis) or [step * slot for slot in slots_of(layer, axis)]
    return {"stack": source.data, "axis": source.axis, "rgb": source.rgb, "z": z}


def _viewer(viewer: Viewer | None) -> Any:
    from napari import current_viewer

    viewer = viewer or current_viewer()
    if viewer is None:
        raise FocusFuseError("no viewer is open: give one")
    return viewer
