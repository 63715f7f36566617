"""Peers in PyTorch: discrete-time continual EP as the papers' code writes it.

Each step of the nudged phase forms the products of activities before and after it and
takes their difference, as the authors' code does; layers are updated together. Nothing
is logged or copied beside that. ``cached`` gives PyTorch our held-source trick.
"""

from __future__ import annotations

import torch


class DiscreteContinualEP:
    """Weights ``(n_pre, n_post)`` and biases from input to output; float32 tensors."""

    def __init__(self, weights, biases, eta, beta: float, free: int, nudged: int):
        torch.set_flush_denormal(True)  # as our programs do
        self.weights = [torch.tensor(w, dtype=torch.float32) for w in weights]
        self.biases = [torch.tensor(b, dtype=torch.float32) for b in biases]
        self.eta, self.beta, self.free, self.nudged = eta, beta, free, nudged

    @torch.no_grad()
    def train(self, batches):
        """Present batches of (inputs (B, n), one-hot targets (B, classes), sign)."""
        for inputs, targets, sign in batches:
            self.present(inputs, targets, self.beta * sign)

    def present(self, inputs, targets, beta: float):
        """Free phase, then nudged phase with plasticity at every step."""
        states = [torch.zeros(len(inputs), weight.shape[1]) for weight in self.weights]
        for _ in range(self.free):
            states = self._step(inputs, states)
        for _ in range(self.nudged):
            before, states = states, self._step(inputs, states, beta, targets)
            self._learn([inputs, *before], [inputs, *states], beta)

    def _step(self, inputs, states, beta=0.0, targets=None):
        below = [inputs, *states[:-1]]
        drives = [
            torch.addmm(bias, source, weight)
            for bias, source, weight in zip(
                self.biases, below, self.weights, strict=True
            )
        ]
        return self._activate(drives, states, beta, targets)

    def _activate(self, drives, states, beta, targets):
        for k in range(len(drives) - 1):
            drives[k] = torch.addmm(drives[k], states[k + 1], self.weights[k + 1].T)
        states_next = [torch.sigmoid(4 * drive - 2) for drive in drives]
        if targets is not None:
            states_next[-1] = states_next[-1] + beta * (targets - states[-1])
        return states_next

    def _learn(self, before, after, beta):
        batch = len(before[0])
        for k, weight in enumerate(self.weights):
            scale = self.eta[k] / (beta * batch)
            change = after[k].T @ after[k + 1] - before[k].T @ before[k + 1]
            weight += scale * change
            self.biases[k] += scale * (after[k + 1] - before[k + 1]).sum(0)


class CachedContinualEP(DiscreteContinualEP):
    """The same, with the clamped input's products paid for once a presentation."""

    def present(self, inputs, targets, beta: float):
        self.base = inputs @ self.weights[0]
        self.gram = inputs @ inputs.T
        self.pending = torch.zeros_like(self.base)
        super().present(inputs, targets, beta)
        self.weights[0] += inputs.T @ self.pending

    def _step(self, inputs, states, beta=0.0, targets=None):
        first = self.base + self.biases[0]
        if targets is not None:
            first = torch.addmm(first, self.gram, self.pending)
        drives = [first] + [
            torch.addmm(bias, source, weight)
            for bias, source, weight in zip(
                self.biases[1:], states[:-1], self.weights[1:], strict=True
            )
        ]
        return self._activate(drives, states, beta, targets)

    def _learn(self, before, after, beta):
        batch = len(before[0])
        for k, weight in enumerate(self.weights):
            scale = self.eta[k] / (beta * batch)
            moved = after[k + 1] - before[k + 1]
            self.biases[k] += scale * moved.sum(0)
            if k == 0:
                self.pending += scale * moved
            else:
                weight += scale * (
                    after[k].T @ after[k + 1] - before[k].T @ before[k + 1]
                )
