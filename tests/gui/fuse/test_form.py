"""Settings as widgets: what is set is read back, and what has no effect cannot be set."""

import math

import numpy as np
import pytest

from napari_focusfuse.config import FusionConfig
from napari_focusfuse.gui.common.form import Folded, LengthBox, form_layout
from napari_focusfuse.gui.fuse.config_form import ConfigForm

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
    form.boxes["scales"].value = "window"
    form.boxes["radius"].value = 9
    form.boxes["preset"].value = "paper"
    assert form.value() == FusionConfig(preset="paper")


def test_knobs_without_effect_are_off(form):
    assert not form.boxes["min_region"].enabled
    assert not form.boxes["series"].enabled
    form.boxes["softness"].value = math.inf
    assert form.boxes["min_region"].enabled
    form.boxes["min_region"].value = 2.0
    assert form.value().min_region == 0.02
    form.boxes["softness"].value = 0.0
    assert form.value().min_region == 0
    form.boxes["preset"].value = "paper"
    assert form.boxes["series"].enabled


def test_radius_and_levels_have_an_effect_in_windows_only(form):
    assert not form.boxes["radius"].enabled
    assert not form.boxes["levels"].enabled
    form.boxes["scales"].value = "window"
    assert form.boxes["radius"].enabled
    assert form.boxes["levels"].enabled
    form.boxes["radius"].value = 7
    assert form.value() == FusionConfig(scales="window", radius=7)
    form.boxes["scales"].value = "learned"
    assert form.value() == FusionConfig()
    form.boxes["preset"].value = "paper"
    assert not form.boxes["scales"].enabled
    assert form.boxes["radius"].enabled


def test_every_knob_says_what_it_trades(form):
    for knob in form.boxes.values():
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
    rows = form_layout()
    form.add_more(rows)
    folded = Folded("Advanced", rows)
    qtbot.addWidget(folded)
    folded.show()
    assert not form.boxes["radius"].native.isVisible()
    folded.button.click()
    assert form.boxes["radius"].native.isVisible()


def test_a_length_that_was_read_is_not_rounded(qtbot):
    box = LengthBox("not known", "")
    qtbot.addWidget(box)
    for length in (13 / 120, 2.0, None, 1e-7):
        box.set_length(length)
        assert box.length() == (length if length != 1e-7 else None)
    box.set_length(13 / 120)
    box.setValue(0.2)
    assert box.length() == 0.2


def test_the_form_fits_into_its_dock(widget, viewer):
    """Nothing is cut off at the right: docks are about 320 px wide."""
    viewer.add_image(np.zeros((5, 32, 32), np.uint8))
    widget.form.advanced.setVisible(True)
    assert widget.form.minimumSizeHint().width() <= 300
