"""The recipe as widgets: a view of `TrainConfig`."""

from dataclasses import fields, replace

import pytest

from napari_focusfuse.core.config import ADAPTING, TrainConfig
from napari_focusfuse.gui._recipe_form import RecipeForm

OTHERS = {
    "variant": "sse",
    "epochs": 7,
    "batch": 5,
    "crop": 33,
    "crops_per_image": 9,
    "learning_rate": 3.3e-4,
    "decay": 0.55,
    "decay_epochs": 3,
    "ssim_weight": 2.5,
    "clip": 1.5,
    "patience": 4,
    "minutes": 2.5,
    "seed": 11,
}


@pytest.fixture
def form(qtbot):
    return RecipeForm(TrainConfig())


def test_it_shows_the_defaults(form):
    assert form.value() == TrainConfig()
    assert RecipeForm(ADAPTING, hidden=("variant",)).value() == ADAPTING


def test_every_setting_has_a_box_that_says_what_it_trades(form):
    assert set(form.boxes) == {field.name for field in fields(TrainConfig)} == set(OTHERS)
    assert all(len(box.tooltip) > 20 for box in form.boxes.values())


@pytest.mark.parametrize("name", OTHERS)
def test_the_value_is_what_was_set_and_what_is_shown(form, name):
    config = replace(TrainConfig(), **{name: OTHERS[name]})
    form.set_value(config)
    assert form.value() == config
    form.set_value(TrainConfig())
    form.boxes[name].value = OTHERS[name] if name != "learning_rate" else 2e-3
    assert getattr(form.value(), name) == form.boxes[name].value != getattr(TrainConfig(), name)


def test_what_is_shown_rounded_is_kept_until_it_is_changed(form):
    config = replace(TrainConfig(), minutes=0.123)
    form.set_value(config)
    assert form.value() == config
    form.boxes["minutes"].value = 0.2
    assert form.value().minutes == 0.2
