"""Projections whose weights are shared between positions, written as short words.

16c3     a convolution to 16 channels with a kernel of 3 x 3
16c3s2p1 the same with stride 2 and padding 1
a2       the average over windows of 2 x 2, without weights
all      from all to all
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from neuro_ep.errors import InputError

#: The word for no filter.
ALL = "all"

CONVOLUTION = re.compile(r"(\d+)c(\d+)(?:s(\d+))?(?:p(\d+))?")
AVERAGE = re.compile(r"a(\d+)")

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Filter:
    """A window that moves over maps of ``channels x height x width``; 0 channels: the
    average over windows that do not overlap."""

    channels: int
    kernel: int
    stride: int
    padding: int

    @property
    def is_average(self) -> bool:
        return self.channels == 0

    def after(self, shape: Shape) -> Shape:
        """The maps that it makes of maps of that shape."""
        channels, *sizes = shape
        rows, columns = (
            (size + 2 * self.padding - self.kernel) // self.stride + 1 for size in sizes
        )
        return self.channels or channels, rows, columns


def read_filter(word: str) -> Filter | None:
    """The filter of a word, None for all to all.

    Raises
    ------
    InputError
        For a word that is none.
    """
    if word == ALL:
        return None
    if found := CONVOLUTION.fullmatch(word):
        channels, kernel, stride, padding = (int(n or 0) for n in found.groups())
        if channels and kernel:
            return Filter(channels, kernel, stride or 1, padding)
    if (found := AVERAGE.fullmatch(word)) and int(found[1]):
        return Filter(0, int(found[1]), int(found[1]), 0)
    raise InputError(
        f"filters: {word!r} is none; write 16c3s2p1 (16 channels, kernel 3, stride 2, "
        f"padding 1), a2 (average over 2 x 2) or {ALL}"
    )


def map_shapes(
    image: Sequence[int], edges: Sequence[tuple[int, int]], words: Sequence[str]
) -> dict[int, Shape]:
    """Layer -> (channels, height, width), for those that filters join.

    Raises
    ------
    InputError
        Where maps are missing, or smaller than a kernel.
    """
    channels, height, width = image
    shapes: dict[int, Shape] = {0: (channels, height, width)}
    for (pre, post), word in zip(edges, words, strict=True):
        found = read_filter(word)
        if found is None:
            continue
        if pre not in shapes:
            raise InputError(
                f"filters: {word!r} needs maps, and layer {pre} has none: filters come "
                "first, from the input on"
            )
        shapes[post] = found.after(shapes[pre])
        if min(shapes[post]) < 1:
            raise InputError(
                f"filters: {word!r} is larger than the maps of layer {pre}, which are "
                f"{shapes[pre][1]} x {shapes[pre][2]}; choose a smaller kernel or pad"
            )
    return shapes
