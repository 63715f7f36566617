"""A learning rule = model x protocol x read-out x claims, with settings that work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from neuro_ep.errors import InputError
from neuro_ep.records.model import NetworkModel
from neuro_ep.records.protocol import Protocol
from neuro_ep.records.settings import Settings, changed, suggestion


@dataclass(frozen=True)
class Preset:
    """Settings with a name: a published run, or one measured here.

    ``published`` says what the source reports for it, and how that is known.
    """

    task: str
    settings: Settings
    source: str = ""
    published: str = ""


@dataclass(frozen=True)
class Rule:
    """A learning rule as users name it.

    model
        Settings -> the network's equations.
    protocol
        Settings -> the phases of a presentation.
    defaults
        Task -> settings that were measured to work on it.
    presets
        Name -> other settings worth a name.
    gain
        Whether the gain law of C-EP applies: weights that move while the neurons settle
        feed back on them with gain g, see :mod:`neuro_ep.training.gain`.
    claims
        What is promised: name -> value that tests measure.
    family
        How it is checked, a key of :data:`neuro_ep.checking.FAMILIES`.
    bounds
        The same in numbers: what ``neuro-ep check`` measures -> (lowest, highest).
        Names and what holds for those not given: :data:`neuro_ep.checking.BOUNDS`.
        None where nothing is claimed.
    """

    name: str
    summary: str
    source: str
    model: Callable[[Settings], NetworkModel]
    protocol: Callable[[Settings], Protocol]
    defaults: Mapping[str, Settings]
    presets: Mapping[str, Preset] = field(default_factory=dict)
    gain: bool = False
    family: str = "equilibrium"
    claims: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)

    def settings(self, task: str, preset: str | None = None, **choices) -> Settings:
        """The settings for a task, measured or preset, with some values chosen anew.

        Raises InputError for a task without settings and for unknown or bad values.
        """
        if preset is not None:
            return changed(self._preset(task, preset).settings, **choices)
        if task not in self.defaults:
            raise InputError(
                f"{self.name} has no settings for the task {task!r}"
                f"{suggestion(task, self.defaults)}"
            )
        return changed(self.defaults[task], **choices)

    def _preset(self, task: str, name: str) -> Preset:
        if name not in self.presets:
            hint = suggestion(name, self.presets) if self.presets else "; it has none"
            raise InputError(f"{self.name} has no preset {name!r}{hint}")
        preset = self.presets[name]
        if preset.task != task:
            raise InputError(
                f"preset {name!r} is for the task {preset.task!r}, not for {task!r}"
            )
        return preset
