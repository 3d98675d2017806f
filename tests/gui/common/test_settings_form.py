"""What the field of a setting says becomes its box, without a line in the form."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from qtpy.QtWidgets import QWidget

from napari_focusfuse.config.setting import Setting
from napari_focusfuse.gui.common.form import SettingsForm, form_layout


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """Settings.

    Attributes
    ----------
    whole : int
        Its help.
    """

    whole: Annotated[int, Setting(label="Whole", unit="px", least=2, most=9)] = 4
    share: Annotated[float, Setting(label="Share", unit="%", tip="A part.", least=0, most=0.5, digits=1)] = 0.1
    above: Annotated[float, Setting(label="Above", above=0, digits=2)] = 1.0
    budget: Annotated[float, Setting(label="Budget", unit="min", least=0, digits=1, zero="no limit", main=True)] = 0.0
    on: Annotated[bool, Setting(label="Switch it on")] = False
    one: Annotated[Literal["a", "b"], Setting(label="One", offered=(("the first", "a"), ("the other", "b")))] = "a"
    power: Annotated[float, Setting(label="Power", offered=(("soft", 1.0), ("hard", math.inf)))] = math.inf
    text: Annotated[str, Setting(label="Text")] = "abc"
    unseen: int = 3


OTHER = Knobs(whole=9, share=0.025, above=2.5, budget=1.5, on=True, one="b", power=3.5, text="x", unseen=8)


@pytest.fixture
def form(qtbot):
    return SettingsForm(Knobs())


def test_what_is_set_is_read_back(form):
    assert form.value() == Knobs()
    form.set_value(OTHER)
    assert form.value() == OTHER
    form.set_value(Knobs())
    for name, value in {"whole": 5, "share": 20, "on": True, "one": "b", "power": 1.0, "text": "y"}.items():
        form.boxes[name].value = value
    assert form.value() == Knobs(whole=5, share=0.2, on=True, one="b", power=1.0, text="y")


def test_bounds_and_words_are_those_of_the_field(form):
    boxes = form.boxes
    assert "unseen" not in boxes
    assert (boxes["whole"].min, boxes["whole"].max) == (2, 9)
    assert (boxes["share"].min, boxes["share"].max) == (0, 50)
    assert boxes["above"].min == 0.01
    assert boxes["budget"].native.text() == "no limit"
    boxes["budget"].value = 2.0
    assert boxes["budget"].native.text() == "2.0 min"
    assert [boxes["one"].native.itemText(k) for k in range(2)] == ["the first", "the other"]
    assert (boxes["whole"].tooltip, boxes["share"].tooltip) == ("Its help.", "A part.")


def test_rows_carry_label_and_unit(form, qtbot):
    shown, main, more = QWidget(), form_layout(), form_layout()
    qtbot.addWidget(shown)
    form.add_main(main)
    form.add_more(more)
    assert main.labelForField(form.boxes["budget"].native).text() == "Budget"
    labels = [more.labelForField(form.boxes[name].native) for name in ("whole", "share", "on")]
    assert [label and label.text() for label in labels] == ["Whole (px)", "Share (%)", None]
    assert form.boxes["on"].text == "Switch it on"


def test_what_is_shown_rounded_is_kept_until_it_is_changed(form):
    form.set_value(Knobs(share=0.12345))
    assert form.value().share == 0.12345
    form.boxes["share"].value = 12.4
    assert form.value().share == 0.124
