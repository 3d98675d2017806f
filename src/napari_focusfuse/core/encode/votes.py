"""What is said of each slice around a pixel, by the candidates of its neighbours."""

from collections.abc import Iterable

import torch
from torch import Tensor

__all__ = ["DIRECTIONS", "FEW", "Votes"]

#: To the eight neighbours of a pixel: down, across.
DIRECTIONS = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))
#: Slices next to each other go together, but for stacks of so few that each stands for itself.
FEW = 3
#: The loudest voice, so that eight of them fit into a byte; slices that share a place in the table are so many apart.
_LOUD, _PERIOD = 31, 32


class Votes:
    """How loudly each pixel says each slice or one next to it, as far as that is among its candidates.

    Parameters
    ----------
    loudness : Tensor (K, Y, X)
        Of each candidate, in [0, 1].
    ranks : Tensor (K, Y, X)
        Places of the candidates in the order of z.
    slices : int
        Number of slices of the stack.
    margin : int
        How far away is asked at most, px. Beyond the border it is as at the border.
    """

    def __init__(self, loudness: Tensor, ranks: Tensor, slices: int, margin: int) -> None:
        self._places, self._margin = ranks.long() % _PERIOD, margin
        table = _said(loudness, self._places, slices)
        rows, columns = (
            torch.arange(-margin, side + margin, device=table.device).clamp(0, side - 1) for side in table.shape[1:]
        )
        self._table = table.index_select(1, rows).index_select(2, columns)

    def total(self, points: Iterable[tuple[int, int]]) -> Tensor:
        """Of each slice (S, Y, X) uint8, from at most eight points (down, across) beside each pixel together."""
        _, height, width = self._places.shape
        first, *others = (
            self._table[:, self._margin + down :, self._margin + across :][:, :height, :width]
            for down, across in points
        )
        total = first.clone()
        for other in others:
            total += other
        return total

    def heard(self, total: Tensor, voices: int) -> Tensor:
        """What so many voices said in total of each candidate (K, Y, X), in [0, 1]."""
        return total.gather(0, self._places).float().mul_(1 / (voices * _LOUD))


def _said(loudness: Tensor, places: Tensor, slices: int) -> Tensor:
    """The voices of each pixel (S, Y, X) uint8."""
    said = torch.zeros((min(slices, _PERIOD), *places.shape[1:]), dtype=torch.uint8, device=places.device)
    said.scatter_reduce_(0, places, (loudness * _LOUD).round().to(torch.uint8), "amax")
    if slices <= FEW:
        return said
    if slices > _PERIOD:
        return torch.maximum(said, torch.maximum(said.roll(1, 0), said.roll(-1, 0)))
    near = said.clone()
    near[1:] = torch.maximum(near[1:], said[:-1])
    near[:-1] = torch.maximum(near[:-1], said[1:])
    return near
