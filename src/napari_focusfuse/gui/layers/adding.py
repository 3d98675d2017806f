"""New layers in short steps: all that napari makes for a layer would keep the viewer for .1 s to .3 s at once.

Half of what it makes for labels are the overlays of its polygon and its brush, which nobody sees yet: they follow one
by one. What cannot be divided is the rest: the row in the layer list, the controls and the picture on the canvas.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import ViewerModel

__all__ = ["iter_add"]


def iter_add(
    viewer: "ViewerModel", layer: "Layer", *, select: bool = False, editable: bool = True, colorbar: bool = False
) -> Generator[None, None, None]:
    """Add a layer, one part at each step; if that is ended early, what is left comes at once.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Layer
        No viewer has it yet.
    select : bool
        Select it; otherwise the selection stays as it is.
    editable : bool
        Whether it can be painted on.
    colorbar : bool
        Show its colour bar.
    """
    chosen = set(viewer.layers.selection)
    # napari has no public name for them; without them the layer comes whole at the first step.
    later = [overlay for overlay in getattr(layer, "_overlays", {}).values() if overlay.visible]
    for overlay in later:
        overlay.visible = False
    if colorbar:
        later.append(layer.colorbar)
    layer.editable = editable
    try:
        viewer.add_layer(layer)
        if not select:
            viewer.layers.selection = chosen
        while later:
            yield
            later.pop(0).visible = True
    finally:
        for overlay in later:
            overlay.visible = True
