"""Names of files that nobody thought of: no file is lost without a word, none is there twice."""

from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from napari_focusfuse.io.series import arranged, by_name, in_given_order

_MARK = st.sampled_from(["z", "c", "ch", "t", "p", "xy", "w", "slice", "img", "", "DAPI", "Z", "s"])
_NUMBER = st.one_of(
    st.integers(0, 12).map(str), st.integers(0, 9999).map("{:04d}".format), st.sampled_from(["-1", "+2", "0.5", "1.25"])
)
_GAP = st.sampled_from(["_", "-", "", " ", ".", "("])
_BUILT = st.lists(st.tuples(_MARK, _NUMBER, _GAP), min_size=1, max_size=4).map(
    lambda parts: "".join("".join(part) for part in parts)
)
_ANY = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@st.composite
def _folders(draw: st.DrawFn) -> list[Path]:
    stems = draw(st.lists(st.one_of(_BUILT, _ANY), min_size=1, max_size=14, unique=True))
    suffixes = draw(st.sampled_from([[".tif"], [".tif", ".jpg"], [".png", ".ome.tif"]]))
    return [Path("folder") / f"{stem}{suffixes[k % len(suffixes)]}" for k, stem in enumerate(stems)]


@settings(max_examples=300, deadline=None)
@given(_folders())
@example([Path("folder") / f"z{z}c{c}.tif" for z in range(3) for c in range(2)])
def test_no_file_is_lost(files: list[Path]) -> None:
    assert sorted(by_name(files)) == sorted(files)
    assert in_given_order(files).files == tuple(files)
    series = arranged(files)
    assert len(set(series.files)) == len(series.files)
    assert set(series.files) <= set(files)
    count = 1
    for n in series.lengths:
        count *= n
    assert len(series.files) == count
    assert series.lengths[-1] == len(series.slots or range(series.lengths[-1]))
    assert len(series.files) == len(files) or series.notes


@settings(max_examples=100, deadline=None)
@given(_folders(), st.randoms(use_true_random=False))
def test_the_order_in_which_they_are_listed_does_not_matter(files: list[Path], random: object) -> None:
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert arranged(shuffled) == arranged(files)
    assert by_name(shuffled) == by_name(files)
