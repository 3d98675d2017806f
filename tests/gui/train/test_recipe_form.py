"""The recipe as widgets: a view of one recipe, and of all."""

from dataclasses import fields, replace

import pytest

from napari_focusfuse.config import ADAPTATIONS, ADAPTING, RECIPES, RankConfig, TrainConfig
from napari_focusfuse.gui.common.form import SettingsForm, form_layout
from napari_focusfuse.gui.train.recipe_form import RecipesForm

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
RANK_OTHERS = {
    "steps": 7,
    "stacks": 3,
    "crop": 33,
    "procedural": 0.25,
    "learning_rate": 3.3e-4,
    "validate_every": 9,
    "patience": 4,
    "minutes": 2.5,
    "seed": 11,
}
BOTH = [(TrainConfig, name) for name in OTHERS] + [(RankConfig, name) for name in RANK_OTHERS]


@pytest.fixture
def form(qtbot):
    return SettingsForm(TrainConfig())


def test_it_shows_the_defaults(form):
    assert form.value() == TrainConfig()
    assert SettingsForm(ADAPTING, hidden=("variant",)).value() == ADAPTING
    for config in ADAPTATIONS.values():
        assert SettingsForm(config).value() == config


@pytest.mark.parametrize(("kind", "others"), [(TrainConfig, OTHERS), (RankConfig, RANK_OTHERS)])
def test_every_setting_has_a_box_that_says_what_it_trades(qtbot, kind, others):
    form = SettingsForm(kind())
    assert set(form.boxes) == {field.name for field in fields(kind)} == set(others)
    assert all(len(box.tooltip) > 20 for box in form.boxes.values())


@pytest.mark.parametrize(("kind", "name"), BOTH)
def test_the_value_is_what_was_set_and_what_is_shown(qtbot, kind, name):
    form, others = SettingsForm(kind()), OTHERS if kind is TrainConfig else RANK_OTHERS
    config = replace(kind(), **{name: others[name]})
    form.set_value(config)
    assert form.value() == config
    form.set_value(kind())
    form.boxes[name].value = others[name] if name != "learning_rate" else 5e-4
    assert getattr(form.value(), name) == form.boxes[name].value != getattr(kind(), name)


def test_what_is_shown_rounded_is_kept_until_it_is_changed(form):
    config = replace(TrainConfig(), minutes=0.123)
    form.set_value(config)
    assert form.value() == config
    form.boxes["minutes"].value = 0.2
    assert form.value().minutes == 0.2


def test_the_rows_follow_the_recipe(qtbot):
    from qtpy.QtWidgets import QVBoxLayout, QWidget

    shown = QWidget()
    qtbot.addWidget(shown)
    layout, main = QVBoxLayout(shown), form_layout()
    form = RecipesForm({recipe: config() for recipe, config in RECIPES.items()})
    layout.addLayout(main)
    form.add_main(main)
    layout.addLayout(form.more())
    for recipe, config in RECIPES.items():
        form.set_value(config(minutes=3))
        assert (form.recipe, form.value()) == (recipe, config(minutes=3))
        for other, part in form.forms.items():
            assert all(box.native.isHidden() == (other != recipe) for box in part.boxes.values())
            label = main.labelForField(part.boxes["minutes"].native)
            assert label.isHidden() == (other != recipe)
    form.kind.value = "paper"
    assert form.value() == TrainConfig(minutes=3)
