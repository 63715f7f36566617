"""A recording as a page of text for a terminal: what it says, with nothing obeyed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neuro_ep.messages import printable
from neuro_ep.recording.bounds import damage_told
from neuro_ep.recording.quality import QUALITIES, quality_of
from neuro_ep.recording.reading import Recording, open_recording


def describe(path: str | Path, verify: bool = True) -> str:
    """A page of text about a recording; errors as `open_recording`."""
    with open_recording(path, verify) as recording, damage_told(recording.path):
        parts = [
            f"{path}: a run of neuro_ep, recording format {recording.format_version}",
            _table(_facts(recording)),
            "weights\n" + _table(_projections(recording)),
            "parameters\n" + _table(_parameters(recording)),
        ]
        for group, text in recording.equations.items():
            lines = "\n".join(f"  {line.strip()}" for line in text.strip().splitlines())
            parts.append(f"equations of {group}\n{lines}")
    return printable("\n\n".join(parts), kept="\n")


def _table(rows: dict[str, str]) -> str:
    width = max((len(printable(key)) for key in rows), default=0)
    return "\n".join(
        f"  {printable(key):{width}}  {printable(value)}" for key, value in rows.items()
    )


def _facts(recording: Recording) -> dict[str, str]:
    found, data = recording.provenance, recording.dataset
    changed = " with changes" if found.get("git_dirty") else ""
    versions = found.get("packages") or {}
    facts = {
        "rule": recording.rule,
        "task": recording.task,
        "data": ", ".join(
            f"{key}: {value}" for key, value in data.items() if "sha256" not in key
        ),
        "layers": "-".join(map(str, recording.layers)),
        "seed": str(recording.seed),
        **_quality(recording.training),
        "epochs": f"{recording.training['epoch'][-1]} of {recording.epochs},"
        f" stopped by {found['stopped_by']}, exit status {found.get('exit_status')}",
        "duration": f"{found['duration_s']:.1f} s, target {recording.target}",
        "made": f"{found['created']} on {found['hostname']} ({found['cpu']})",
        "command": " ".join(map(str, found["argv"])),
        "code": found["git_commit"] + changed,
        "versions": ", ".join(f"{name} {v}" for name, v in versions.items() if v),
    }
    if found.get("resumed"):
        facts["resumed"] = ", ".join(item["created"] for item in found["resumed"])
    return {key: value for key, value in facts.items() if value}


def _quality(training: dict[str, np.ndarray]) -> dict[str, str]:
    """The last known accuracies, or R2, in words; nothing where none was recorded."""
    quality, texts = quality_of(training), []
    if quality is None:
        return {}
    form = ".2%" if quality == "accuracy" else ".4f"
    for kind in ("test", "train"):
        column = training.get(f"{kind}_{quality}", np.array([]))
        known = column[np.isfinite(column)]
        if known.size:
            texts.append(f"{kind} {known[-1]:{form}} (best {known.max():{form}})")
    return {QUALITIES[quality]: ", ".join(texts)}


def _projections(recording: Recording) -> dict[str, str]:
    return {
        name: f"{item.source_pop} to {item.target_pop}, {item.shape[0]} x"
        f" {item.shape[-1]}, in {item.units or '1'}, {len(item.epochs)} snapshots to"
        f" epoch {item.epochs[-1]}"
        for name, item in recording.weights.items()
    }


def _parameters(recording: Recording) -> dict[str, str]:
    return {
        name: f"{item['value']} {item['unit']}".rstrip()
        for name, item in recording.parameters.items()
    }
