"""Settings as widgets: what is set is read back, and what has no effect cannot be set."""

import math

import pytest

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.gui.common.form import Folded, LengthBox
from napari_focusfuse.gui.fuse.form import ConfigForm

CONFIGS = [
    FusionConfig(),
    FusionConfig(preset="paper"),
    FusionConfig(preset="paper", series=True),
    FusionConfig(scales="window", radius=0, levels=1, softness=4.0),
    FusionConfig(scales="window"),
    FusionConfig(softness=math.inf, min_region=0.025),
    FusionConfig(softness=3.5),
    FusionConfig(tile=256),
]


@pytest.fixture
def form(qtbot):
    return ConfigForm()


@pytest.mark.parametrize("config", CONFIGS)
def test_a_config_is_read_back(form, config):
    form.set_value(config)
    assert form.value() == config


def test_configs_follow_each_other(form):
    for config in [*CONFIGS, *reversed(CONFIGS)]:
        form.set_value(config)
        assert form.value() == config


def test_a_preset_sets_its_knobs(form):
    form.scales.value = "window"
    form.radius.value = 9
    form.preset.value = "paper"
    assert form.value() == FusionConfig(preset="paper")


def test_knobs_without_effect_are_off(form):
    assert not form.min_region.enabled
    assert not form.series.enabled
    form.softness.value = math.inf
    assert form.min_region.enabled
    form.min_region.value = 2.0
    assert form.value().min_region == 0.02
    form.softness.value = 0.0
    assert form.value().min_region == 0
    form.preset.value = "paper"
    assert form.series.enabled


def test_radius_and_levels_have_an_effect_in_windows_only(form):
    assert not form.radius.enabled
    assert not form.levels.enabled
    form.scales.value = "window"
    assert form.radius.enabled
    assert form.levels.enabled
    form.radius.value = 7
    assert form.value() == FusionConfig(scales="window", radius=7)
    form.scales.value = "learned"
    assert form.value() == FusionConfig()
    form.preset.value = "paper"
    assert not form.scales.enabled
    assert form.radius.enabled


def test_every_knob_says_what_it_trades(form):
    for knob in (form.preset, form.scales, form.radius, form.softness, form.levels, form.min_region, form.series):
        assert len(knob.tooltip) > 40


def test_a_length_may_be_unknown(qtbot):
    box = LengthBox("not known", "")
    qtbot.addWidget(box)
    assert box.length() is None
    assert box.text() == "not known"
    box.set_length(0.325)
    assert box.length() == 0.325
    assert box.text() == "0.325 µm"
    box.set_length(None)
    assert box.length() is None


def test_rows_unfold(qtbot, form):
    folded = Folded("Advanced", form.advanced())
    qtbot.addWidget(folded)
    folded.show()
    assert not form.radius.native.isVisible()
    folded.button.click()
    assert form.radius.native.isVisible()


def test_a_length_that_was_read_is_not_rounded(qtbot):
    box = LengthBox("not known", "")
    qtbot.addWidget(box)
    for length in (13 / 120, 2.0, None, 1e-7):
        box.set_length(length)
        assert box.length() == (length if length != 1e-7 else None)
    box.set_length(13 / 120)
    box.setValue(0.2)
    assert box.length() == 0.2
