"""Which neurons share a weight: the map from source neurons to columns of a matrix.

A convolution is a matrix product once the source is unfolded: column ``p`` of the
unfolded source holds what the position ``p`` of the target sees, row ``k`` what the
weight ``k`` sees ("im2col"). With weights of shape ``(rows, channels)`` and the target
as ``(channels, positions)``,

    target = weights.T @ unfold(source)       the convolution
    source = fold(weights @ target)           its transpose
    change = unfold(source) @ target.T        what a product of both does to the weights

Convolution here is cross-correlation, as in all of deep learning.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np


@dataclass(frozen=True)
class Convolution:
    """Maps of ``channels_in x height x width`` seen through a window that moves.

    ``rows x columns`` are the positions of the target; neurons and the rows of the
    weights are numbered channel by channel, row by row.
    """

    channels_in: int
    height: int
    width: int
    kernel_height: int
    kernel_width: int
    stride: int
    padding: int
    channels: int

    @property
    def rows(self) -> int:
        return self._places(self.height, self.kernel_height)

    @property
    def columns(self) -> int:
        return self._places(self.width, self.kernel_width)

    @property
    def n_pre(self) -> int:
        return self.channels_in * self.height * self.width

    @property
    def n_post(self) -> int:
        return self.channels * self.rows * self.columns

    @property
    def weight_shape(self) -> tuple[int, int]:
        seen = self.channels_in * self.kernel_height * self.kernel_width
        return seen, self.channels

    @property
    def numbers(self) -> tuple[int, ...]:
        """The fields of the C++ struct of this name."""
        return *astuple(self)[:-1], self.rows, self.columns

    def unfold(self, source: np.ndarray) -> np.ndarray:
        """``(n_pre,)`` to ``(rows of the weights, positions)``; zero outside."""
        maps = source.reshape(self.channels_in, self.height, self.width)
        edge = (self.padding, self.padding)
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(maps, ((0, 0), edge, edge)),
            (1, self.kernel_height, self.kernel_width),
        )[:, :: self.stride, :: self.stride, 0]
        return windows.transpose(0, 3, 4, 1, 2).reshape(self.weight_shape[0], -1)

    def fold(self, unfolded: np.ndarray) -> np.ndarray:
        """The transpose of :meth:`unfold`: every source neuron sums its copies."""
        kernel = (self.kernel_height, self.kernel_width)
        copies = unfolded.reshape(self.channels_in, *kernel, self.rows, self.columns)
        size = (self.height + 2 * self.padding, self.width + 2 * self.padding)
        maps = np.zeros((self.channels_in, *size), unfolded.dtype)
        for row, column in np.ndindex(kernel):
            maps[
                :,
                row : row + self.stride * self.rows : self.stride,
                column : column + self.stride * self.columns : self.stride,
            ] += copies[:, row, column]
        inside = slice(self.padding, -self.padding or None)
        return maps[:, inside, inside].ravel()

    def _places(self, size: int, kernel: int) -> int:
        return (size + 2 * self.padding - kernel) // self.stride + 1


@dataclass(frozen=True)
class Broadcast:
    """One source neuron that all ``positions`` of all ``channels`` see."""

    positions: int
    channels: int

    n_pre = 1

    @property
    def n_post(self) -> int:
        return self.channels * self.positions

    @property
    def weight_shape(self) -> tuple[int, int]:
        return 1, self.channels

    @property
    def numbers(self) -> tuple[int, ...]:
        return (self.positions,)

    def unfold(self, source: np.ndarray) -> np.ndarray:
        return np.repeat(source.reshape(1, 1), self.positions, axis=1)

    def fold(self, unfolded: np.ndarray) -> np.ndarray:
        return unfolded.sum(axis=1)


Geometry = Convolution | Broadcast


def forward(geometry: Geometry, source, weights) -> np.ndarray:
    """``(replicas, n_pre)`` to ``(replicas, n_post)``."""
    return np.array([(weights.T @ geometry.unfold(maps)).ravel() for maps in source])


def backward(geometry: Geometry, target, weights) -> np.ndarray:
    """``(replicas, n_post)`` to ``(replicas, n_pre)``: the transpose of forward."""
    channels = (geometry.channels, -1)
    return np.array(
        [geometry.fold(weights @ maps.reshape(channels)) for maps in target]
    )


def correlate(geometry: Geometry, source, target) -> np.ndarray:
    """Products of both ends of every connection: summed for each weight, mean over
    replicas.
    """
    channels = (geometry.channels, -1)
    sums = sum(
        geometry.unfold(before) @ after.reshape(channels).T
        for before, after in zip(source, target, strict=True)
    )
    return sums / len(source)
