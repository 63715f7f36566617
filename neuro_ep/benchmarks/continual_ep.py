"""Discrete-time continual EP beside PyTorch, plain and with held sources."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuro_ep.benchmarks import compared, in_turn
from neuro_ep.benchmarks.work import (
    Program,
    Work,
    make_work,
    ours,
    same,
    scratch,
)
from neuro_ep.errors import InputError
from neuro_ep.records.rule import Rule
from neuro_ep.records.settings import Settings

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

PRESENTATIONS = {"continual-ep": 300, "continual-ep-deep": 40}


def run(name: str, rule: Rule, rounds: int) -> dict:
    """ratio is against plain PyTorch, ratio_cached against PyTorch with our trick."""
    work = make_work(SETTINGS[name], PRESENTATIONS[name])
    batches, kinds = _batches(work), _kinds()
    with scratch() as folder:
        program = ours(rule, work, Path(folder))
        learned = program.run()
        errors = {
            key: checked_difference(kind, program, batches, learned)
            for key, kind in kinds.items()
        }
        works = {
            key: lambda kind=kind: _peer(kind, program).train(batches)
            for key, kind in kinds.items()
        }
        seconds = in_turn(rounds, ours=program.run, **works)
    cached = compared(seconds, "cached")
    return {
        **compared(seconds),
        "ratio_cached": cached["ratio"],
        "ratio_cached_range": cached["ratio_range"],
        "cached_s": cached["peer_s"],
        "presentations": work.presentations,
        "difference": errors["peer"],
    }


def _kinds() -> dict:
    """The peers: as published, and with our trick of held sources."""
    try:
        from neuro_ep.benchmarks import peer_torch
    except ImportError:
        raise InputError(
            "the peer needs PyTorch: pip install 'neuro_ep[bench]'"
        ) from None
    return {
        "peer": peer_torch.DiscreteContinualEP,
        "cached": peer_torch.CachedContinualEP,
    }


def _batches(work: Work):
    import torch

    eye = torch.eye(work.settings.layers[-1])
    inputs = torch.tensor(work.inputs)
    return [
        (inputs[torch.tensor(order)], eye[torch.tensor(labels)], float(sign))
        for order, labels, sign in zip(work.order, work.labels, work.signs, strict=True)
    ]


def _peer(kind, program: Program):
    settings = program.work.settings
    return kind(
        list(program.weights.values()),
        [np.zeros(n) for n in settings.layers[1:]],
        settings.eta,
        settings.beta,
        free=int(settings.free),
        nudged=int(settings.nudged),
    )


def checked_difference(kind, program: Program, batches, learned) -> float:
    """How far a peer's weights are from ours after the same work.

    Relative to their change. RunError if it is more than rounding.
    """
    peer = _peer(kind, program)
    peer.train(batches)
    names = zip(program.weights, peer.weights, strict=True)
    theirs = {name: weight.numpy() for name, weight in names}
    return same(learned, theirs, program.weights, kind.__name__)
