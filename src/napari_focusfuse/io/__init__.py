"""Files: focus stacks in, results out.

Reading is lazy (dask) and keeps values, axes and physical sizes as the file states them; nothing is guessed. Writing
goes beside the target and is renamed at the end, so a target is whole or as it was before. Fusing is not done here.
"""

from napari_focusfuse.io.checksums import iter_checksums
from napari_focusfuse.io.folder import Pair, find_pairs, in_order, pairs_in, read_slices, slice_files
from napari_focusfuse.io.image import is_image_file, read_image, read_reduced
from napari_focusfuse.io.limits import atomically, check_both, check_target, room
from napari_focusfuse.io.ome_zarr import is_zarr as is_zarr_folder
from napari_focusfuse.io.parts import (
    at_channel,
    at_position,
    axis_letter,
    slices_of,
    some_slices,
    told_slices,
    with_axes,
)
from napari_focusfuse.io.planes import PlaneFiles, check_hyperstack_target, hyperstack_files
from napari_focusfuse.io.plate import Described, FieldImage, Plate, Well, described, is_plate, plate_version, read_plate
from napari_focusfuse.io.plate import Version as PlateVersion
from napari_focusfuse.io.plate_files import (
    FieldFiles,
    check_plate_target,
    plate_files,
    put_plate,
    put_stack,
    whole_folder,
)
from napari_focusfuse.io.read import are_stacks, is_stack_file, read_files, read_stack
from napari_focusfuse.io.recipe import make_recipe, plain, read_recipe, recipe_file
from napari_focusfuse.io.result import check_result_folder, iter_write_result, read_map, write_result
from napari_focusfuse.io.stack_file import StackFile, stack_letter, title
from napari_focusfuse.io.surface import HEIGHTS, MESHES, check_surface_target, write_heights, write_surface
from napari_focusfuse.io.write import check_image_target, write_image, write_stack, write_table
from napari_focusfuse.io.write_zarr import check_zarr

__all__ = [
    "HEIGHTS",
    "MESHES",
    "Described",
    "FieldFiles",
    "FieldImage",
    "Pair",
    "PlaneFiles",
    "Plate",
    "PlateVersion",
    "StackFile",
    "Well",
    "are_stacks",
    "at_channel",
    "at_position",
    "atomically",
    "axis_letter",
    "check_both",
    "check_hyperstack_target",
    "check_image_target",
    "check_plate_target",
    "check_result_folder",
    "check_surface_target",
    "check_target",
    "check_zarr",
    "described",
    "find_pairs",
    "hyperstack_files",
    "in_order",
    "is_image_file",
    "is_plate",
    "is_stack_file",
    "is_zarr_folder",
    "iter_checksums",
    "iter_write_result",
    "make_recipe",
    "pairs_in",
    "plain",
    "plate_files",
    "plate_version",
    "put_plate",
    "put_stack",
    "read_files",
    "read_image",
    "read_map",
    "read_plate",
    "read_recipe",
    "read_reduced",
    "read_slices",
    "read_stack",
    "recipe_file",
    "room",
    "slice_files",
    "slices_of",
    "some_slices",
    "stack_letter",
    "title",
    "told_slices",
    "whole_folder",
    "with_axes",
    "write_heights",
    "write_image",
    "write_result",
    "write_stack",
    "write_surface",
    "write_table",
]
