"""What is checked and not trained with, as users name it.

A boundary condition under which a trajectory is nudged; a network that measures its
gradient by a second run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from neuro_ep.errors import InputError
from neuro_ep.records.model import NeuronModel, SynapseModel

#: What can be held at an end of a trajectory for every beta.
HELD = ("position", "momentum")


@dataclass(frozen=True)
class BoundaryCondition:
    """What is held for every beta, hence how the trajectory is found.

    energy
        Text by part, see :mod:`neuro_ep.trajectories.system`.
    start, end
        What is held there: any of "position" and "momentum". Both at the start is an
        initial value problem, run forward; both at the end a final value problem, whose
        end is that of the free run, and which is run backward. Anything else is solved
        for the whole path at once.
    joined
        The end is the start: a periodic orbit.
    residual
        What the ends add to the gradient, in words.
    time, memory
        What an update costs, in words: K steps, N neurons, P parameters.
    practical
        Whether a physical system could do it.
    claims
        What is promised: name -> value that tests measure.
    bounds
        The same in numbers: what ``check`` measures -> (lowest, highest).

    Raises InputError where the ends do not determine a trajectory.
    """

    name: str
    summary: str
    source: str
    energy: Mapping[str, str]
    residual: str
    time: str
    memory: str
    practical: bool
    start: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    joined: bool = False
    claims: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self):
        if unknown := {*self.start, *self.end} - set(HELD):
            raise InputError(
                f"{sorted(unknown)[0]!r} cannot be held at an end: choose from "
                f"{', '.join(HELD)}"
            )
        held = len(self.start) + len(self.end)
        if held != (0 if self.joined else 2):
            raise InputError(
                f"{self.name}: {held} things are held; hold two, or none where the "
                "ends are joined"
            )

    @property
    def solved(self) -> str:
        """ "forward", "backward" or "whole path"."""
        if len(self.start) == 2:
            return "forward"
        return "backward" if len(self.end) == 2 else "whole path"

    @property
    def family(self) -> str:
        """How it is checked, a key of :data:`neuro_ep.checking.FAMILIES`."""
        whole = self.solved == "whole path"
        return f"boundary conditions, {'whole path' if whole else 'run'}"


@dataclass(frozen=True)
class SecondRun:
    """A network without layers that finds its gradient by being run a second time.

    neuron, synapse
        The equations of both runs, of every neuron and from every one to every one.
    claims
        What is promised: name -> value that tests measure.
    bounds
        What ``check`` measures -> (lowest, highest).
    """

    name: str
    summary: str
    source: str
    neuron: NeuronModel
    synapse: SynapseModel
    family: str = "second run"
    claims: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
