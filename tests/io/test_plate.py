"""What plates and their fields say of themselves, none of which is trusted."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from napari_focusfuse import io
from napari_focusfuse.errors import StackError

ROWS, COLUMNS = [{"name": "A"}], [{"name": "1"}, {"name": "2"}]


def group(folder: Path, ome: dict[str, Any], ngff: str = "0.4") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if ngff == "0.4":
        (folder / ".zattrs").write_text(json.dumps(ome), "utf-8")
    else:
        told = {"zarr_format": 3, "node_type": "group", "attributes": {"ome": {"version": ngff, **ome}}}
        (folder / "zarr.json").write_text(json.dumps(told), "utf-8")
    return folder


def plate(*wells: Any, **more: Any) -> dict[str, Any]:
    return {"plate": {"rows": ROWS, "columns": COLUMNS, "wells": [{"path": path} for path in wells], **more}}


@pytest.mark.parametrize("ngff", ["0.4", "0.5"])
def test_wells_and_fields(tmp_path: Path, ngff: str) -> None:
    runs = [{"id": 1, "name": "b", "starttime": 5, "endtime": "late", "other": [1]}, {"id": -1}, {"name": "no number"}]
    group(tmp_path, plate("A/2", "A/1", "A/2", acquisitions=runs, name="p"), ngff)
    group(tmp_path / "A/2", {"well": {"images": [{"path": "0", "acquisition": 1}, {"path": "f1"}]}}, ngff)
    found = io.read_plate(tmp_path)
    assert (found.version, found.name, found.rows, found.columns) == (ngff, "p", ("A",), ("1", "2"))
    assert [(well.path, well.fields) for well in found.wells] == [("A/2", (("0", 1), ("f1", None))), ("A/1", ())]
    assert found.acquisitions == ({"id": 1, "name": "b", "starttime": 5},)
    assert io.is_plate(tmp_path)
    assert not io.is_plate(tmp_path / "A/2")


@pytest.mark.parametrize(
    ("ome", "says"),
    [
        (plate(), "is a plate without wells"),
        (plate("A/3"), "'A/3' is no well of its rows and columns"),
        (plate("../1"), "'../1' is no well"),
        (plate("/etc"), "'/etc' is no well"),
        (plate("A/1/2"), "'A/1/2' is no well"),
        (plate(7), "7 is no well"),
        (plate("../1", rows=[{"name": ".."}]), "'..' is none of its rows"),
        (plate("A/1", columns=[{"name": "C:"}]), "'C:' is none of its columns"),
        (plate(*["A/1"] * 10_001), "states 10001 images, and no more than 10000"),
        ({"plate": {"rows": 3}}, "cannot be read"),
        ({"plate": []}, "cannot be read"),
    ],
)
def test_what_is_no_plate_is_refused_in_a_sentence(tmp_path: Path, ome: dict[str, Any], says: str) -> None:
    with pytest.raises(StackError, match=says):
        io.read_plate(group(tmp_path, ome))


@pytest.mark.parametrize(
    "well",
    [
        {},
        {"well": {}},
        {"well": {"images": [{"path": "../../secret"}]}},
        {"well": {"images": [{"path": ""}]}},
        {"well": {"images": ["0"]}},
        {"well": {"images": 10**9}},
        {"well": {"images": [{"path": str(k)} for k in range(10_001)]}},
    ],
)
def test_a_well_that_cannot_be_believed_has_no_fields(tmp_path: Path, well: dict[str, Any]) -> None:
    group(tmp_path, plate("A/1"))
    group(tmp_path / "A/1", well)
    assert io.read_plate(tmp_path).wells[0].fields == ()


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")
def test_links_that_go_round_and_pipes_end(tmp_path: Path) -> None:
    group(tmp_path, plate("A/1", "A/2"))
    (tmp_path / "A").mkdir()
    (tmp_path / "A/1").symlink_to("1")
    (tmp_path / "A/2").mkdir()
    os.mkfifo(tmp_path / "A/2/.zattrs")
    assert [well.fields for well in io.read_plate(tmp_path).wells] == [(), ()]
    os.mkfifo(tmp_path / "zarr.json")
    assert io.is_plate(tmp_path)
    (tmp_path / ".zattrs").unlink()
    os.mkfifo(tmp_path / ".zattrs")
    assert not io.is_plate(tmp_path)


def test_of_channels_only_what_is_understood_is_kept(tmp_path: Path) -> None:
    window = {"min": 0, "max": 255, "start": 3, "end": 9, "more": "x"}
    channels = [
        {"label": "GFP", "color": "00ff00", "window": window, "active": False, "secret": {"a": 1}},
        {"label": 7, "color": "red", "window": {**window, "end": float("nan")}, "active": 1},
    ]
    image = {
        "axes": [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"],
        "datasets": [{"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [2.0, 0.5, -1.0]}]}],
    }
    found = io.described(group(tmp_path, {"multiscales": [image], "omero": {"channels": channels}}))
    known = {key: float(window[key]) for key in ("min", "max", "start", "end")}
    assert found.channels == ({"label": "GFP", "color": "00ff00", "window": known, "active": False}, {})
    assert (found.scale, found.name) == ({"Z": 2.0, "Y": 0.5}, None)
