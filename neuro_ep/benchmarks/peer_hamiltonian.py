"""Peers in PyTorch: the Hamiltonian network by leapfrog, backpropagated through time.

``BackpropagationThroughTime`` writes the step plainly; ``tuned`` takes the products
with the inputs out of the loop, all in one.
"""

from __future__ import annotations

import torch

#: Parameter classes, as the network of the benchmark names them.
CLASSES = ("w", "B", "b", "k", "l", "m")


class BackpropagationThroughTime:
    """theta by class in units of v_unit: w (N, N) symmetric, B (D, N), others (N,)."""

    def __init__(self, theta, dt: float, tuned: bool = False):
        torch.set_flush_denormal(True)  # as our programs do
        self.theta = {
            name: torch.tensor(theta[name], dtype=torch.float32, requires_grad=True)
            for name in CLASSES
        }
        self.dt, self.tuned = dt, tuned

    def gradient(self, x, y) -> dict[str, torch.Tensor]:
        """Of the mean cost: inputs x (T, batch, D), targets y (T, batch, outputs)."""
        slopes = torch.autograd.grad(self._cost(x, y), list(self.theta.values()))
        found = dict(zip(self.theta, slopes, strict=True))
        slope = found["w"]  # one weight a pair, and none from a neuron to itself
        found["w"] = (slope + slope.T).fill_diagonal_(0)
        return found

    def _cost(self, x, y):
        theta, dt = self.theta, self.dt
        w, k, l, m = (theta[name] for name in "wklm")  # noqa: E741
        q = torch.zeros(x.shape[1], len(m))
        p, cost = torch.zeros_like(q), torch.zeros(())
        for drive, aim in zip(self._drives(x), y, strict=True):
            q = q + dt / 2 * p / m
            r = torch.tanh(q)
            force = drive - k * q - l * q**3 - (1 - r * r) * (r @ w)
            cost = cost + ((q[:, -aim.shape[1] :] - aim) ** 2).sum()
            p = p + dt * force
            q = q + dt / 2 * p / m
        return cost * (dt / (2 * x.shape[1]))

    def _drives(self, x):
        weight, bias = self.theta["B"], self.theta["b"]
        if self.tuned:
            yield from (torch.matmul(x, weight) + bias).unbind(0)
        else:
            for now in x:
                yield now @ weight + bias
