"""What fusing gives, whichever the method."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from napari_focusfuse.core.result.decision import Decision

__all__ = ["FusionResult"]


@dataclass(frozen=True, eq=False)
class FusionResult:
    """What fusing a focus stack gives.

    Attributes
    ----------
    image : array (Y, X[, C])
        All-in-focus image, of the type and value range of the stack.
    decision : Decision or None
        Where each pixel comes from; None for methods that make no decision.
    summary : str
        A sentence for people.
    info : mapping
        What made it, as in `Decision.info`: version, method, configuration. Plain JSON types.
    """

    image: NDArray[Any]
    decision: Decision | None
    summary: str
    info: Mapping[str, Any] = field(default_factory=dict)
