"""Files: focus stacks in, results out.

Reading is lazy (dask) and keeps values, axes and physical sizes as the file states them; nothing is guessed. Writing
goes beside the target and is renamed at the end, so a target is whole or as it was before. Fusing is not done here.
"""

from napari_focusfuse.io._channels import channel_names
from napari_focusfuse.io._image import is_image_file, read_image
from napari_focusfuse.io._planes import PlaneFiles, check_hyperstack_target, hyperstack_files
from napari_focusfuse.io._read import read_slices, read_stack, slice_files
from napari_focusfuse.io._recipe import make_recipe
from napari_focusfuse.io._result import check_result_folder, write_result
from napari_focusfuse.io._room import room
from napari_focusfuse.io._stack import StackFile, title
from napari_focusfuse.io._table import write_table
from napari_focusfuse.io._write import check_image_target, check_target, write_image, write_stack

__all__ = [
    "PlaneFiles",
    "StackFile",
    "channel_names",
    "check_hyperstack_target",
    "check_image_target",
    "check_result_folder",
    "check_target",
    "hyperstack_files",
    "is_image_file",
    "make_recipe",
    "read_image",
    "read_slices",
    "read_stack",
    "room",
    "slice_files",
    "title",
    "write_image",
    "write_result",
    "write_stack",
    "write_table",
]
