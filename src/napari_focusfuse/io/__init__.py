"""Files: focus stacks in, results out.

Reading is lazy (dask) and keeps values, axes and physical sizes as the file states them; nothing is guessed. Writing
goes beside the target and is renamed at the end, so a target is whole or as it was before. Fusing is not done here.
"""

from napari_focusfuse.io._checksums import iter_checksums
from napari_focusfuse.io._image import is_image_file, read_image
from napari_focusfuse.io._pairs import Pair, find_pairs, pairs_in
from napari_focusfuse.io._planes import PlaneFiles, check_hyperstack_target, hyperstack_files
from napari_focusfuse.io._position import at_channel, at_position, axis_letter, some_slices, stack_letter, with_axes
from napari_focusfuse.io._read import is_stack_file, read_files, read_stack
from napari_focusfuse.io._recipe import make_recipe, read_recipe, recipe_file
from napari_focusfuse.io._result import check_result_folder, iter_write_result, read_map, write_result
from napari_focusfuse.io._room import room
from napari_focusfuse.io._slices import in_order, read_slices, slice_files
from napari_focusfuse.io._stack import StackFile, title
from napari_focusfuse.io._surface import HEIGHTS, MESHES, check_surface_target, write_heights, write_surface
from napari_focusfuse.io._table import write_table
from napari_focusfuse.io._write import (
    atomically,
    check_both,
    check_image_target,
    check_target,
    write_image,
    write_stack,
)
from napari_focusfuse.io._write_zarr import check_zarr

__all__ = [
    "HEIGHTS",
    "MESHES",
    "Pair",
    "PlaneFiles",
    "StackFile",
    "at_channel",
    "at_position",
    "atomically",
    "axis_letter",
    "check_both",
    "check_hyperstack_target",
    "check_image_target",
    "check_result_folder",
    "check_surface_target",
    "check_target",
    "check_zarr",
    "find_pairs",
    "hyperstack_files",
    "in_order",
    "is_image_file",
    "is_stack_file",
    "iter_checksums",
    "iter_write_result",
    "make_recipe",
    "pairs_in",
    "read_files",
    "read_image",
    "read_map",
    "read_recipe",
    "read_slices",
    "read_stack",
    "recipe_file",
    "room",
    "slice_files",
    "some_slices",
    "stack_letter",
    "title",
    "with_axes",
    "write_heights",
    "write_image",
    "write_result",
    "write_stack",
    "write_surface",
    "write_table",
]
