"""A trained network, taken out of its recording and shown other data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro_ep.errors import InputError
from neuro_ep.recording import Recording, open_recording
from neuro_ep.recording.bounds import damage_told
from neuro_ep.records.own_data import scaled_rows
from neuro_ep.records.own_targets import targets_of
from neuro_ep.records.probe import Probe, Spikes
from neuro_ep.records.scaling import Scaling
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.text import read_record
from neuro_ep.run.simulation import Simulation
from neuro_ep.run.target import choose_target
from neuro_ep.training.epochs import r2
from neuro_ep.training.presenting import Traces, present
from neuro_ep.training.rebuild import Rebuilt, rebuild, with_quantities
from neuro_ep.training.starting import network_start


def load_network(file: str | Path, target: str | None = None) -> TrainedNetwork:
    """The network that a recording ends with.

    target
        "standalone", "cython", "numpy", or None for the one that it was trained on, so
        that its answers are the same to the bit; where this machine cannot, the best
        it has. A program that training has compiled is used again.

    What the file says is compiled and run, so load only what comes from people you
    trust. Raises InputError for a file that is damaged, or that does not hold the whole
    network.

    >>> network = load_network("run.h5")
    >>> network.predict([[5.1, 3.5, 1.4, 0.2]])
    array(['setosa'], dtype='<U10')
    """
    left = rebuild(file)
    with open_recording(file) as opened, damage_told(Path(file)):
        learned, facts = opened.records.get("data") or {}, opened.dataset
        return TrainedNetwork(
            left,
            target=_target_of(opened) if target is None else choose_target(target),
            class_names=tuple(learned.get("class_names") or ()),
            feature_names=tuple(learned.get("feature_names") or ()),
            scaling=_scaling(learned.get("scaling")),
            target_names=tuple(learned.get("target_names") or ()),
            target_scaling=_scaling(learned.get("target_scaling")),
            facts=facts,
        )


def _target_of(opened: Recording) -> str:
    """The target a run was made on, or the best of this machine."""
    try:
        return choose_target(opened.target)
    except InputError:
        return choose_target(None)


def _scaling(recorded: Any) -> Scaling | None:
    return None if recorded is None else read_record(Scaling, recorded, "scaling")


class TrainedNetwork:
    """A network that has learned; it only looks, and learns no more.

    Attributes
    ----------
    rule, settings : what it is
    weights : projection -> matrix in mV, (n_pre, n_post)
    left, frames : all that the recording says of it, and inputs of a sample
    class_names, feature_names, target_names : as in the data that it was trained on
    is_regression : whether it learned targets, and no classes
    """

    def __init__(
        self,
        left: Rebuilt,
        *,
        target: str,
        class_names: tuple,
        feature_names: tuple[str, ...],
        scaling: Scaling | None,
        target_names: tuple[str, ...],
        target_scaling: Scaling | None,
        facts: Mapping[str, Any],
    ):
        self.rule, self.settings = left.rule, left.settings
        self.class_names, self.feature_names = class_names, feature_names
        self.target_names, self._target_scaling = target_names, target_scaling
        self.is_regression = "targets" in facts
        self.left, self._target = left, target
        self._scaling, self.frames = scaling, int(facts.get("frames", 1))
        self._refuse_misfit(facts)
        batch = left.settings.batch  # as many presentations as one epoch of training
        self._capacity = int(facts["train"]) // batch + math.ceil(facts["test"] / batch)

    def _refuse_misfit(self, facts: Mapping[str, Any]):
        """Raises InputError where what is said of the data does not fit the network."""
        names, features = self.class_names, self.settings.layers[0]
        called = [*names, *self.feature_names, *self.target_names]
        known = all(isinstance(name, (str, int, float)) for name in called)
        sizes = [facts.get("train"), facts.get("test"), self.frames]
        counts = [isinstance(n, (int, np.integer)) and 0 < n < 2**31 for n in sizes]
        classes = 0 if self.is_regression else self.outputs
        targets = self.outputs if self.is_regression else 0
        fits = len(names) in (0, classes) and len(set(names)) == len(names)
        fits = fits and len(self.feature_names) in (0, features) and all(counts)
        fits = fits and len(self.target_names) in (0, targets)
        fits = fits and facts.get("targets", targets) == targets
        fits = fits and _scales(self._scaling, features)
        fits = fits and _scales(self._target_scaling, targets, invertible=True)
        if not (known and fits):
            raise InputError(
                f"{self.left.file} is damaged: what it says of its data does not fit "
                "its network"
            )

    @property
    def weights(self) -> dict[str, NDArray]:
        return {name: self.left.state[name] * 1e3 for name in self._plan.weights}

    @property
    def outputs(self) -> int:
        """How many outputs there are: one a class, or one a target."""
        return self.settings.read or self.settings.layers[-1]

    def read_out(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """What every output says of every sample, (samples, outputs), without a unit.

        inputs
            As they were before they were scaled for training: (samples, features), or
            (samples, time, features); pictures may be flat. Columns of a DataFrame are
            found by their names.

        Raises InputError for inputs of another size, and for values that are missing.
        """
        rows = self.rows(inputs)
        shown = self._capacity * self.settings.batch
        starts = range(0, len(rows), shown)
        parts = [self._shown(rows[k : k + shown], k) for k in starts]
        return np.concatenate(parts)

    def predict(self, inputs: ArrayLike) -> NDArray:
        """The class of every sample, by its name where classes have some.

        In a regression the targets in the unit of those of training: (samples,) where
        there is one, otherwise (samples, targets).
        """
        answers = self.read_out(inputs)
        if not self.is_regression:
            return self.named(answers.argmax(axis=1))
        values = self.in_unit(answers)
        return values[:, 0] if self.outputs == 1 else values

    def in_unit(self, answers: NDArray) -> NDArray[np.float64]:
        """Read-outs, (samples, targets), as targets in the unit of training."""
        scaling = self._target_scaling
        return np.asarray(answers, float) if scaling is None else scaling.undo(answers)

    def named(self, numbers: NDArray) -> NDArray:
        """The names of classes by their numbers, where they have some."""
        return np.asarray(self.class_names)[numbers] if self.class_names else numbers

    def score(self, inputs: ArrayLike, labels: ArrayLike) -> float:
        """The share of samples whose class is predicted right; R2 in a regression.

        R2 is its mean over the targets, as scikit-learn's ``r2_score`` has it.
        """
        if self.is_regression:
            return self._r2(inputs, labels)
        found = self.read_out(inputs).argmax(axis=1)
        return float((found == self.numbers(labels, len(found))).mean())

    def numbers(self, labels: ArrayLike, samples: int) -> NDArray[np.int64]:
        """The numbers of classes that are given by name, one a sample.

        Raises InputError for a class that the network does not know.
        """
        given = np.asarray(labels).ravel()
        if given.shape != (samples,):
            raise InputError(
                f"{given.size} labels for {samples} samples: give one a sample"
            )
        known = list(self.class_names) or list(range(self.outputs))
        numbers = {name: number for number, name in enumerate(known)}
        if wrong := [one for one in given.tolist() if one not in numbers]:
            raise InputError(
                f"label {wrong[0]!r}: the network knows the classes "
                f"{', '.join(map(str, known))}"
            )
        return np.array([numbers[one] for one in given.tolist()], np.int64)

    def present(
        self,
        inputs: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        record: Probe | Spikes | Iterable[Probe | Spikes] | str,
        learn: bool = False,
        target: str = "numpy",
    ) -> Traces:
        """Show samples one after the other and look inside the network.

        inputs
            As for :meth:`read_out`.
        labels
            Their classes, or targets: the network is nudged to them after its first
            phase. None shows the first phase alone.
        record
            What is looked at: :class:`neuro_ep.Probe`, :class:`neuro_ep.Spikes`, or
            words as on the command line.
        learn
            Whether weights move while it is nudged, from sample to sample. This
            network is the same afterwards.
        target
            numpy, which few samples are fastest on; or cython or standalone.

        Raises InputError for what the network does not have.

        >>> network = load_network("run.h5")
        >>> traces = network.present(X[:3], y[:3], record="hidden.v[0:5]")
        >>> traces["hidden.v"].shape
        (3, 45, 5)
        """
        return present(self, inputs, labels, record=record, learn=learn, target=target)

    def taught(self, labels: ArrayLike, samples: int) -> dict[str, Any]:
        """What a schedule is told of the answers: classes, or targets in its unit.

        Raises InputError for answers that this network cannot have.
        """
        if not self.is_regression:
            return {"labels": self.numbers(labels, samples)}
        given = targets_of(self.left.task, "targets", labels)
        if given.shape != (samples, self.outputs):
            raise InputError(
                f"targets of shape {given.shape} for {samples} samples: give "
                f"{self.outputs} a sample"
            )
        scaling = self._target_scaling
        rows = given if scaling is None else scaling.apply(given)
        return {"targets": rows.astype(np.float32), "target_frames": 1}

    def _r2(self, inputs: ArrayLike, targets: ArrayLike) -> float:
        given = targets_of(self.left.task, "targets", targets)
        found = self.in_unit(self.read_out(inputs))
        if given.shape != found.shape or len(given) < 2:
            raise InputError(
                f"targets of shape {given.shape} for {len(found)} samples: give "
                f"{self.outputs} for each of two or more samples"
            )
        return r2(given, found)

    def _in_order(self, inputs: Any) -> ArrayLike:
        """The columns of a DataFrame as they were in training, found by their names."""
        columns = [str(name) for name in getattr(inputs, "columns", ())]
        if not columns or not self.feature_names:
            return inputs
        if missing := [name for name in self.feature_names if name not in columns]:
            raise InputError(
                f"no column {', '.join(missing)} in the inputs, which the network was "
                "trained on; give its values alone to go by their order"
            )
        places = [columns.index(name) for name in self.feature_names]
        return np.asarray(inputs)[:, places]

    def rows(self, inputs: ArrayLike) -> NDArray[np.float32]:
        """Rows as the simulation takes them."""
        inputs = self._in_order(inputs)
        try:
            given = np.asarray(inputs, dtype=float)
        except (TypeError, ValueError) as error:
            raise InputError(f"inputs that are no numbers ({error})") from error
        features = self.settings.layers[0]
        size = math.prod(given.shape[1:])
        if given.ndim < 2 or not len(given) or size != features * self.frames:
            raise InputError(
                f"inputs of shape {given.shape}: give a row of "
                f"{features * self.frames} numbers for every sample, as in training"
            )
        with np.errstate(over="ignore"):
            rows = scaled_rows(given.reshape(len(given), -1, features), self._scaling)
        wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if wrong.size:
            raise InputError(
                f"inputs[{wrong[0]}] has values that are missing or infinite, or far "
                "beyond those of training; fill them in, or leave it out"
            )
        return rows

    def _shown(self, rows: NDArray[np.float32], before: int) -> NDArray[np.float64]:
        """The read-outs of as many samples as one run can show.

        A run ends where one of them makes the network run away; halves of the samples
        are shown again then, to tell which. ``before`` is the number of the first one.
        """
        answers, sound = self._run(rows)
        if sound:
            return answers
        while len(rows) > 1:
            half = len(rows) // 2
            first = self._run(rows[:half])[1]  # else one of these is the culprit
            before += half if first else 0
            rows = rows[half:] if first else rows[:half]
        raise InputError(
            f"inputs[{before}] makes the network run away: its values are far beyond "
            "those of training; correct it, or leave it out"
        )

    def _run(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float64], bool]:
        """The read-outs of some rows, and whether no potential ran away."""
        batch, plan = self.settings.batch, self._plan
        count = math.ceil(len(rows) / batch) * batch
        state = self.left.state
        values = {plan.weights[name]: state[name] for name in plan.weights}
        values |= {name: state[name] for name in plan.carried}
        answer = f"{plan.presentations}.answer"
        schedule = Schedule(
            inputs=rows,
            samples=np.resize(np.arange(len(rows)), count),
            learn=False,
            frames=self.frames,
        )
        ended = f"{plan.presentations}.diverged"
        found = self._simulation.run(schedule, values, [answer, ended])
        answers = found[answer].reshape(-1, self.outputs)[: len(rows)].astype(float)
        return answers, not found[ended][0] and bool(np.isfinite(answers).all())

    @property
    def _plan(self):
        return self._simulation.plan

    @cached_property
    def _simulation(self) -> Simulation:
        """Built, or found in the cache, when it is first needed."""
        start = None
        if self._target == "standalone":
            asked = self.rule, self.settings, self._capacity, self.left.dtype
            start = network_start(*asked)
        simulation: Simulation | None = start.simulation() if start else None
        if simulation is None:
            simulation = self._built()
            if start is not None:
                start.keep(self.rule, self.settings, None, simulation)
        self.left.refuse_misfit(simulation.plan)
        return simulation

    def _built(self) -> Simulation:
        from neuro_ep.build.network import build_network
        from neuro_ep.run import build as device
        from neuro_ep.run.target import on_target

        dtype = np.dtype(self.left.dtype)
        with on_target(self._target, self.left.dtype):
            network = build_network(
                with_quantities(self.rule, self.settings),
                self.settings,
                capacity=self._capacity,
                dtype=dtype,
                set_values=self._target != "standalone",
                seed=self.left.seed,
            )
            return device.simulation(network)


def _scales(scaling: Scaling | None, columns: int, invertible: bool = False) -> bool:
    """Whether a scaling, where there is one, is of so many columns and finite."""
    if scaling is None:
        return True
    numbers = np.array([scaling.factor, scaling.shift], dtype=float)
    sound = numbers.shape == (2, columns) and bool(np.isfinite(numbers).all())
    return sound and not (invertible and (numbers[0] == 0).any())
