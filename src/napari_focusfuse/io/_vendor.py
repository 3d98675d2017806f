"""Formats of microscope makers, by way of bioio and its plugins, where they are installed."""

from pathlib import Path
from typing import Any

from napari_focusfuse.errors import StackError
from napari_focusfuse.io._facts import Channel
from napari_focusfuse.io._stack import StackFile, title, unreadable
from napari_focusfuse.io._units import positive

__all__ = ["VENDOR", "read_vendor"]

#: Suffix and the package that reads it; the extra bioio brings those whose licences fit.
VENDOR = {
    ".czi": "bioio-czi",
    ".dv": "bioio-dv",
    ".lif": "bioio-lif",
    ".nd2": "bioio-nd2",
    ".oib": "bioio-bioformats",
    ".oif": "bioio-bioformats",
    ".oir": "bioio-bioformats",
    ".sldy": "bioio-sldy",
    ".vsi": "bioio-bioformats",
}


def read_vendor(path: Path) -> StackFile:
    """Open one image lazily; axes and sizes are those of bioio.

    Raises
    ------
    StackError
        bioio or its plugin for the format is not installed, the file is damaged, or it holds several images.
    """
    try:
        from bioio import BioImage
    except ImportError as error:
        raise StackError(f"{path} needs bioio: {_advice(path)}, or save it as OME-TIFF") from error
    try:
        image = BioImage(path)
        scenes = list(image.scenes)
        data, axes, sizes = image.dask_data, str(image.dims.order), image.physical_pixel_sizes
        names = [str(name) for name in image.channel_names or ()]
    except Exception as error:
        if type(error).__name__ == "UnsupportedFileFormatError":
            raise StackError(f"{path} needs a plugin of bioio: {_advice(path)}, or save it as OME-TIFF") from error
        raise unreadable(path, error) from error
    if len(scenes) > 1:
        named = ", ".join(scenes[:4])
        raise StackError(f"{path} holds {len(scenes)} images ({named}...): save the one to be fused as OME-TIFF")
    y, x = positive(sizes.Y), positive(sizes.X)
    return StackFile(
        data.rechunk({i: -1 for i, a in enumerate(axes) if a in "YXS"} | _one_by_one(axes)),
        axes,
        positive(sizes.Z),
        None if y is None or x is None else (y, x),
        title(path),
        path,
        (path,),
        channels=tuple(Channel(name) for name in names),
    )


def _one_by_one(axes: str) -> dict[int, Any]:
    return {i: 1 for i, a in enumerate(axes) if a not in "YXS"}


def _advice(path: Path) -> str:
    plugin = VENDOR[path.suffix.lower()]
    extra = 'pip install "napari-focusfuse[bioio]"'
    return extra if plugin in ("bioio-lif", "bioio-nd2") else f"{extra} {plugin}"
