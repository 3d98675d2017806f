"""What was measured, and what has changed since."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_focusfuse.gui.measure.setup import Setup

__all__ = ["Measured"]


@dataclass(eq=False)
class Measured:
    """A measurement.

    Attributes
    ----------
    setup : Setup
        What it takes.
    state : dict
        What scores depend on besides, by what it is called, as it was at the start.
    pixels : list of str
        Layers that were given other pixels since.
    """

    setup: Setup
    state: Mapping[str, Any]
    pixels: list[str] = field(default_factory=list)

    def changed(self, state: Mapping[str, Any]) -> str:
        """What has changed since, for a sentence; "" if nothing has."""
        layers = [repr(name) for name in dict.fromkeys(self.pixels)]
        return " and ".join([*layers, *(what for what, was in self.state.items() if state[what] != was)])

    def summary(self, there: Container[str]) -> str:
        """What was measured, in a sentence or two; `there` are the identifiers of the layers that there still are."""
        setup = self.setup
        text = f"{len(setup.fused)} fused image{'s' if len(setup.fused) > 1 else ''} measured."
        if setup.truth is None:
            text += " Without a truth no score says which one is right."
        gone = [repr(name) for name in setup.fused if setup.ids.get(name) not in there]
        return f"{text} Removed meanwhile, scored as it was: {', '.join(gone)}." if gone else text
