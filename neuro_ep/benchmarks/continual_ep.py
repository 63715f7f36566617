"""Discrete-time continual EP beside PyTorch, plain and with held sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuro_ep.benchmarks import compared, in_turn
from neuro_ep.benchmarks.work import Ours, Work, make_work, scratch
from neuro_ep.errors import InputError, RunError
from neuro_ep.rule import Rule, Settings

SETTINGS = {
    "continual-ep": Settings(
        layers=(784, 512, 10),
        eta=(0.0056, 0.0028),
        beta=0.2,
        free=40,
        nudged=15,
        step=1,
        dynamics="discrete",
    ),
    "continual-ep-deep": Settings(
        layers=(784, 512, 512, 10),
        eta=(0.01, 0.0018, 0.00018),
        beta=0.5,
        free=100,
        nudged=20,
        step=1,
        dynamics="discrete",
    ),
}

PRESENTATIONS = {"continual-ep": 100, "continual-ep-deep": 30}

#: Largest difference of weights after the work, relative to their change.
SAME = 1e-2


def run(name: str, rule: Rule, rounds: int) -> dict:
    """ratio is against plain PyTorch, ratio_cached against PyTorch with our trick."""
    try:
        from neuro_ep.benchmarks import peer_torch
    except ImportError:
        raise InputError(
            "the peer needs PyTorch: pip install 'neuro_ep[bench]'"
        ) from None
    work = make_work(SETTINGS[name], PRESENTATIONS[name])
    batches = _batches(work)
    with scratch() as folder:
        ours = Ours(rule, work, Path(folder))
        learned = ours.run()
        kinds = {
            "peer": peer_torch.DiscreteContinualEP,
            "cached": peer_torch.CachedContinualEP,
        }
        errors = {}
        for key, kind in kinds.items():
            peer = _peer(kind, work, ours)
            peer.train(batches)
            errors[key] = _difference(peer, ours.weights, learned)
            if not errors[key] < SAME:
                raise RunError(
                    f"ours and {kind.__name__} differ by {errors[key]:.1e} of the "
                    "change of the weights: they do not compute the same thing"
                )
        works = {
            key: lambda kind=kind: _peer(kind, work, ours).train(batches)
            for key, kind in kinds.items()
        }
        seconds = in_turn(rounds, ours=ours.run, **works)
    cached = compared(seconds, "cached")
    return {
        **compared(seconds),
        "ratio_cached": cached["ratio"],
        "ratio_cached_range": cached["ratio_range"],
        "cached_s": cached["peer_s"],
        "presentations": work.presentations,
        "difference": errors["peer"],
    }


def _batches(work: Work):
    import torch

    eye = torch.eye(work.settings.layers[-1])
    inputs = torch.tensor(work.inputs)
    return [
        (inputs[torch.tensor(order)], eye[torch.tensor(labels)], float(sign))
        for order, labels, sign in zip(work.order, work.labels, work.signs, strict=True)
    ]


def _peer(kind, work: Work, ours: Ours):
    settings = work.settings
    return kind(
        list(ours.weights.values()),
        [np.zeros(n) for n in settings.layers[1:]],
        settings.eta,
        settings.beta,
        free=int(settings.free),
        nudged=int(settings.nudged),
    )


def _difference(peer, before, after) -> float:
    """Norm of the difference of weights over the norm of their change."""
    theirs = [weight.numpy().ravel() for weight in peer.weights]
    start = [before[name].ravel() for name in before]
    ours = [after[name].ravel() for name in before]
    gap = np.concatenate([a - b for a, b in zip(ours, theirs, strict=True)])
    change = np.concatenate([b - c for b, c in zip(theirs, start, strict=True)])
    return float(np.linalg.norm(gap) / np.linalg.norm(change))
