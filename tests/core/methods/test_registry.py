"""The registry: what it says of each method holds."""

import dataclasses
import json
import re

import numpy as np
import pytest

from napari_focusfuse.config import FusionConfig, LoGConfig, PyramidConfig, WindowConfig
from napari_focusfuse.core.methods import METHODS, _work, iter_decide, iter_fuse, method_named, settings
from napari_focusfuse.core.progress import drain
from napari_focusfuse.core.stack import Stack
from napari_focusfuse.errors import FocusFuseError

RIVALS = [method for method in METHODS.values() if not method.needs]


def test_ours_comes_first_and_is_the_only_one_with_a_model():
    assert next(iter(METHODS)) == "sesf"
    assert [method.name for method in METHODS.values() if "model" in method.needs] == ["sesf"]


def test_the_methods_asked_for_are_there():
    deciding = {"sesf", "sf", "block-sf", "log", "focusstack", "mwg", "variance", "dsift", "imf", "cnn"}
    assert {method.name for method in METHODS.values() if method.decides} == deciding
    others = {"gf", "lp", "rp", "dwt", "dtcwt", "cvt", "nsct", "sr", "deepfuse", "densefuse", "max", "mean"}
    assert METHODS.keys() - deciding == others


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda m: m.name)
def test_each_says_what_it_is(method):
    assert method.title
    assert len(method.description) < 110
    assert method.description.endswith(".")
    assert re.search(r"\b(19|20)\d\d\b", method.citation)
    if method.config is not None:
        assert dataclasses.is_dataclass(method.config())


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda m: m.name)
def test_each_can_be_found(method):
    assert callable(_work(method))


def test_settings():
    assert settings(METHODS["sf"], None) == WindowConfig()
    assert settings(METHODS["max"], None) is None
    assert settings(METHODS["log"], LoGConfig(sigma=3)) == LoGConfig(sigma=3)
    assert settings(METHODS["sesf"], None) == FusionConfig()


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("lp", FusionConfig(), "FusionConfig has no settings of the method 'lp': .* PyramidConfig"),
        ("sesf", PyramidConfig(), "no settings of the method 'sesf'"),
        ("max", WindowConfig(), "it uses none"),
    ],
)
def test_settings_of_another_method_are_refused(name, config, message):
    with pytest.raises(FocusFuseError, match=message):
        settings(METHODS[name], config)


def test_unknown_names_are_refused():
    with pytest.raises(FocusFuseError, match="no method 'magic': choose one of sesf, sf"):
        method_named("magic")


def test_no_decision_without_one():
    stack = Stack(np.zeros((3, 8, 8)))
    with pytest.raises(FocusFuseError, match="'lp' makes an image but no decision map: choose one of sesf, sf"):
        drain(iter_decide(METHODS["lp"], stack, None, {}))


@pytest.mark.parametrize("method", RIVALS, ids=lambda m: m.name)
def test_info_is_plain(scene, method):
    result = drain(iter_fuse(method, Stack(scene.stack[:3]), None, {"method": method.name}))
    assert json.loads(json.dumps(result.info, allow_nan=False)) == result.info
    assert result.info["method"] == method.name
    assert ("config" in result.info) == (method.config is not None)
    if result.decision is not None:
        assert result.decision.info == result.info


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sf", {"radius": -1}),
        ("log", {"sigma": 0}),
        ("focusstack", {"sigma": 50}),
        ("block-sf", {"block": 1}),
        ("block-sf", {"threshold": -1}),
        ("mwg", {"small": 9}),
        ("mwg", {"alpha": 2}),
        ("dsift", {"cell": 1}),
        ("imf", {"eps": 0}),
        ("gf", {"base_radius": 0}),
        ("gf", {"detail_eps": 0}),
        ("lp", {"levels": 0}),
        ("dwt", {"levels": 99}),
    ],
)
def test_refusals_of_settings(name, options):
    with pytest.raises(FocusFuseError, match=f"{next(iter(options))} must be"):
        METHODS[name].config(**options)


#: Another value of each setting.
CHANGED = {
    "sf": {"radius": 1},
    "variance": {"radius": 1},
    "log": {"radius": 1, "sigma": 3.0},
    "focusstack": {"sigma": 4.0},
    "block-sf": {"block": 16, "threshold": 20.0},
    "mwg": {"large": 8.0, "small": 2.0, "alpha": 0.0, "margin": 4.0},
    "dsift": {"cell": 3, "block": 3, "radius": 0, "min_region": 0.0},
    "imf": {"radius": 2, "min_region": 0.1, "band": 2, "eps": 1e-2},
    "gf": {"base_radius": 9, "base_eps": 1e-3, "detail_radius": 3, "detail_eps": 0.1},
    "lp": {"levels": 1},
    "rp": {"levels": 1},
    "dtcwt": {"levels": 1},
    "cvt": {"levels": 1},
    "nsct": {"levels": 1},
    "dwt": {"levels": 1, "wavelet": "haar"},
}


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, options in CHANGED.items() for option in options.items()]
)
def test_every_setting_changes_the_result(noisy_scene, name, option):
    method, stack = METHODS[name], Stack(noisy_scene.stack)
    plain, changed = (
        drain(iter_fuse(method, stack, config, {})).image for config in (None, method.config(**dict([option])))
    )
    assert (plain != changed).any()


def test_every_setting_is_in_that_test():
    for method in RIVALS:
        fields = {field.name for field in dataclasses.fields(method.config)} if method.config else set()
        assert fields == CHANGED.get(method.name, {}).keys()
