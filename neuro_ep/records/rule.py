"""A learning rule = model x protocol x read-out x claims, with settings that work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from neuro_ep.errors import InputError
from neuro_ep.records.dataset import Dataset
from neuro_ep.records.general import completed, general_settings
from neuro_ep.records.model import NetworkModel
from neuro_ep.records.parameter import (
    COMMON,
    DECLARED,
    Parameter,
    checked,
    possible,
    suggestion,
)
from neuro_ep.records.protocol import Protocol
from neuro_ep.records.settings import Settings, changed


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
    parameters
        What the rule reads beside what all rules read
        (:data:`neuro_ep.records.parameter.COMMON`), each with the choices it knows.
        Whatever else settings hold is refused.
    defaults
        Task -> settings that were measured to work on it.
    presets
        Name -> other settings worth a name.
    regression_rates
        What the learning rates of the digits, from the input and above it, are
        multiplied by where targets are learned and no classes, as it was measured.
    gain
        Whether the gain law of C-EP applies: weights that move while the neurons settle
        feed back on them with gain g, see :mod:`neuro_ep.training.gain`.
    claims
        What is promised: name -> value that tests measure.
    family
        How it is checked, a key of :data:`neuro_ep.checking.FAMILIES`; what is measured
        is explained there.
    bounds
        The same in numbers: what ``neuro-ep check`` measures -> (lowest, highest).
        Those of the family hold where none are given; None where nothing is claimed.
    """

    name: str
    summary: str
    source: str
    model: Callable[[Settings], NetworkModel]
    protocol: Callable[[Settings], Protocol]
    defaults: Mapping[str, Settings]
    parameters: tuple[Parameter, ...] = ()
    presets: Mapping[str, Preset] = field(default_factory=dict)
    regression_rates: tuple[float, float] = (1.0, 1.0)
    gain: bool = False
    family: str = "equilibrium"
    claims: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)

    @property
    def reads(self) -> dict[str, Parameter]:
        """Every parameter that the rule reads, by name."""
        return {parameter.name: parameter for parameter in (*COMMON, *self.parameters)}

    def settings(
        self, task: str | Dataset, preset: str | None = None, **choices
    ) -> Settings:
        """The settings for a task, measured or preset, with some values chosen anew.

        For a data set of one's own they follow from those measured on digits, see
        :mod:`neuro_ep.records.general`. Layers may be given without their ends. Raises
        InputError for a task without settings, for values out of range and for
        parameters that the rule does not read.
        """
        self.check_choices(choices)
        base = self._base(task, preset)
        if choices.get("layers") is not None:
            own = isinstance(task, Dataset)
            choices = completed(base, choices, hidden=own)
        return changed(base, **choices)

    def _base(self, task: str | Dataset, preset: str | None) -> Settings:
        """The settings for a task before anything is chosen."""
        if isinstance(task, Dataset):
            own = task.class_names or task.name not in self.defaults
            own = own or task.targets is not None
            if own and preset is None:
                return general_settings(self, task)
            task = task.name
        if preset is not None:
            return self._preset(task, preset).settings
        if task not in self.defaults:
            raise InputError(
                f"{self.name} has no settings for the task {task!r}"
                f"{suggestion(task, self.defaults)}"
            )
        return self.defaults[task]

    def check_choices(self, choices: Mapping):
        """Raises InputError for values by name that the rule does not read or know.

        None stands for no choice.
        """
        for name, value in choices.items():
            if value is not None:
                self._check_read(name, value)

    def check_settings(self, settings: Settings):
        """Raises InputError for settings with what the rule does not read or know."""
        for name, parameter in DECLARED.items():
            value = getattr(settings, name)
            untold = name not in self.reads and parameter.default in (None, value)
            if not untold:
                self._check_read(name, value)

    def _check_read(self, name: str, value):
        """Raises InputError where a value would have no effect, or is not known."""
        if name not in DECLARED:
            raise InputError(
                f"no parameter is called {name!r}{suggestion(name, self.reads)}"
            )
        if name not in self.reads:
            raise InputError(
                f"{name} = {value}: {self.name} does not read {name}; leave it out. It "
                f"reads {', '.join(self.reads)}"
            )
        parameter = self.reads[name]
        if parameter.is_fixed and value not in parameter.choices:
            raise InputError(
                f"{name} = {value}: {self.name} knows {possible(parameter)} only"
            )
        checked(parameter, value)

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
