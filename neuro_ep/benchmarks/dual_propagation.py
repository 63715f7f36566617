"""An epoch of dual propagation beside backpropagation with SGD in PyTorch.

Both start from the same weights and see the same batches in the same order, in float32;
no reference gradient is computed. ReLU, squared error, one sweep up and one down.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuro_ep.benchmarks import compared, in_turn
from neuro_ep.benchmarks.work import Program, make_work, ours, same, scratch
from neuro_ep.errors import InputError
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings, changed

SAMPLES, BATCHES = 6000, (20, 100)

SETTINGS = Settings(
    layers=(784, 512, 512, 10),
    eta=(0.01,),
    beta=0.01,
    free=0,
    nudged=1,
    step=1,
    nudging="one-sided",
    activation="relu",
    dynamics="discrete",
)


def run(name: str, rule: Rule, rounds: int) -> dict:
    """ratio is that of batch 20; ratio_100 that of batch 100."""
    small, large = (_epoch(rule, batch, rounds) for batch in BATCHES)
    of_large = {f"{key}_{BATCHES[1]}": value for key, value in large.items()}
    return {**small, **of_large, "samples": SAMPLES}


def _epoch(rule: Rule, batch: int, rounds: int) -> dict:
    train = _peer()
    settings = changed(SETTINGS, batch=batch)
    work = make_work(settings, SAMPLES // batch, samples=SAMPLES)
    with scratch() as folder:
        program = ours(rule, work, Path(folder), hold=False)
        learned, theirs = program.run(), train(program)
        difference = same(learned, theirs, program.weights, "backpropagation")
        seconds = in_turn(rounds, ours=program.run, peer=lambda: train(program))
    return {**compared(seconds), "difference": difference}


def _peer():
    try:
        import torch
    except ImportError:
        raise InputError(
            "the peer needs PyTorch: pip install 'neuro_ep[bench]'"
        ) from None

    def train(program: Program) -> dict[str, np.ndarray]:
        """One epoch of SGD; the weights after it, by the name of their projection."""
        torch.set_flush_denormal(True)
        settings, work = program.work.settings, program.work
        inputs = torch.tensor(work.inputs)
        targets = torch.eye(settings.layers[-1])[torch.tensor(work.labels)]
        order = torch.tensor(work.order)
        parameters = [
            (torch.tensor(w, dtype=torch.float32), torch.zeros(w.shape[1]))
            for w in program.weights.values()
        ]
        flat = [value.requires_grad_() for pair in parameters for value in pair]
        rates = [eta for eta in settings.eta for _ in range(2)]
        groups = [{"params": [p], "lr": r} for p, r in zip(flat, rates, strict=True)]
        optimizer = torch.optim.SGD(groups, foreach=False, fused=True)
        for rows, target in zip(order, targets, strict=True):
            signal = inputs[rows]
            for weight, bias in parameters[:-1]:
                signal = torch.relu(torch.addmm(bias, signal, weight))
            weight, bias = parameters[-1]
            output = torch.addmm(bias, signal, weight)
            loss = 0.5 * torch.sum((output - target) ** 2) / settings.batch
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        return {
            name: weight.detach().numpy()
            for name, (weight, _) in zip(program.weights, parameters, strict=True)
        }

    return train
