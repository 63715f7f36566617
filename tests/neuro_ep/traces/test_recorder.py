"""What is recorded is what Brian2's own monitors see, on every target."""

import shutil

import numpy as np
import pytest
from brian2 import EventMonitor, StateMonitor

from neuro_ep import (
    InputError,
    Probe,
    Schedule,
    Spikes,
    build_network,
    find_rule,
    initial_weights,
    make_simulation,
    on_target,
)
from neuro_ep.engine.dense.codeobjects import python_headers_available
from neuro_ep.recording.streams import events, states, timeline, value_steps
from neuro_ep.run.recorded import NOW, told

RULE = find_rule("spiking-dual-propagation")
SETTINGS = RULE.settings("digits", layers=(64, 6, 10), batch=2, free=6, nudged=3)
#: States and a subexpression, every second step, single synapses, events.
RECORD = (
    Probe("hidden", ["m", "d", "s_mean"], units=[0, 3]),
    Probe("output", ["m"], every=4),
    Probe("hidden_to_output", ["w"], pairs=[(0, 3), (5, 9)], every="presentation"),
    Probe("input_to_hidden", ["w"], pairs=[(20, 1)], every="2 presentations"),
    Spikes("hidden"),
    Spikes("hidden", units=[1]),
)
TAUGHT = np.array([True, True, False, True])
CHOSEN = np.array([1, 0, 1, 1])


def built(target, record=RECORD, monitors=()):
    with on_target(target, "float64"):
        network = build_network(
            RULE,
            SETTINGS,
            capacity=4,
            set_values=target != "standalone",
            record=record,
        )
        found = [make(network) for make in monitors]
        network.brian2.add(*found)
        return make_simulation(network), found


def run(simulation, folder, chosen=CHOSEN):
    """Four presentations, of which some are recorded."""
    folder.mkdir(exist_ok=True)
    plan, draw = simulation.plan, np.random.default_rng(0)
    weights = initial_weights(RULE, SETTINGS, 0)
    values = {plan.weights[k]: v * plan.unit for k, v in weights.items()}
    values |= {f"{name}.eta": 0.1 for name in weights}
    values |= told(plan.tracks, folder, chosen)
    order = np.arange(8) % 5
    schedule = Schedule(draw.random((5, 64)), order, order, TAUGHT)
    steps = int(simulation.run(schedule, values, [NOW])[NOW][0]) + 1
    return steps


def everything(simulation, folder, steps):
    """Name of a track and variable -> what was written of it."""
    found = {}
    for track in simulation.plan.tracks:
        name = f"{track.number} {track.group}"
        if track.kind == "events":
            found[f"{name}.{track.names[0]}"] = np.stack(events(folder, track))
        else:
            parts = states(folder, track, "float64").items()
            found |= {f"{name}.{k}": np.array(v) for k, v in parts}
    times = timeline(folder, 2, steps)
    return found | {"phases": np.stack([times.presentation, times.phase, times.start])}


@pytest.fixture(scope="module")
def on_numpy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("numpy")
    simulation, _ = built("numpy", RECORD[:5])
    return everything(simulation, folder, run(simulation, folder))


def steps_of_all():
    """For every step of the run, whether it is recorded; lengths of presentations."""
    lengths = [
        int(sum(step_counts())) if taught else step_counts()[0] for taught in TAUGHT
    ]
    return np.repeat(CHOSEN, lengths).astype(bool), lengths


def step_counts():
    with on_target("numpy"):
        return build_network(RULE, SETTINGS).phase_steps()


def test_traces_are_those_of_monitors(tmp_path):
    """To the bit, and where they are in time."""

    def watch(network):
        names = ["m", "d", "s_mean"]
        return StateMonitor(
            network["hidden"], names, record=True, when="start", order=1
        )

    def listen(network):
        where = {"when": "after_thresholds", "order": 1}
        return EventMonitor(network["hidden"], "spike_plus", **where)

    simulation, (watched, heard) = built("numpy", RECORD[:5], [watch, listen])
    steps = run(simulation, tmp_path)
    found = everything(simulation, tmp_path, steps)
    recorded, lengths = steps_of_all()
    assert steps == recorded.sum()
    columns = [0, 3, 6, 9]  # of both samples of the batch
    for name in ("m", "d", "s_mean"):
        whole = np.asarray(getattr(watched, name)).T[: len(recorded)]
        seen = found[f"1 hidden.{name}"]
        np.testing.assert_array_equal(seen, whole[recorded][:, columns])
        assert np.ptp(seen, axis=0).min() > 0
    when = np.round(heard.t / simulation.network.layers[0].clock.dt).astype(int)
    inside = (when < len(recorded)) & recorded[np.minimum(when, len(recorded) - 1)]
    since = np.cumsum(recorded)[when[inside]] - 1
    truth = np.stack([since, np.asarray(heard.i)[inside]])
    np.testing.assert_array_equal(found["5 hidden.spike_plus"], truth)
    assert truth.shape[1] > 20
    start = np.cumsum([0, lengths[0], lengths[2]])
    phases = found["phases"]
    assert phases[2][phases[1] == 0].tolist() == start.tolist()
    assert phases[0][phases[1] == 0].tolist() == [0, 2, 3]


def test_fewer_values_are_some_of_all(on_numpy, tmp_path):
    simulation, _ = built("numpy", [Probe("output", "m")])
    steps = run(simulation, tmp_path)
    every = everything(simulation, tmp_path, steps)["1 output.m"]
    np.testing.assert_array_equal(on_numpy["2 output.m"], every[::4])
    assert on_numpy["3 hidden_to_output.w"].shape == (3, 2)
    assert on_numpy["4 input_to_hidden.w"].shape == (2, 1)  # the first and the third
    assert np.ptp(on_numpy["3 hidden_to_output.w"], axis=0).min() > 0


def test_values_have_their_times(tmp_path):
    simulation, _ = built("numpy", RECORD[1:4])
    steps = run(simulation, tmp_path)
    times = timeline(tmp_path, 2, steps)
    even, each, second = (
        value_steps(track, steps, times) for track in simulation.plan.tracks
    )
    assert even.tolist() == list(range(0, steps, 4))
    begins = times.start[times.phase == 0].tolist()
    assert each.tolist() == begins
    assert second.tolist() == begins[:2]  # presentations 0 and 2


def test_a_second_run_writes_the_same(on_numpy, tmp_path):
    """Nothing is left in the network of the first, and its files are others."""
    simulation, _ = built("numpy", RECORD[:5])
    for name in ("one", "two"):
        steps = run(simulation, tmp_path / name)
        found = everything(simulation, tmp_path / name, steps)
        for key, values in on_numpy.items():
            np.testing.assert_array_equal(found[key], values, err_msg=key)


def test_nothing_is_written_where_nothing_is_chosen(tmp_path):
    simulation, _ = built("numpy", RECORD[:5])
    assert run(simulation, tmp_path, np.zeros(4)) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")
@pytest.mark.parametrize(
    "target", ["standalone", pytest.param("cython", marks=pytest.mark.exhaustive)]
)
def test_compiled_targets_write_the_same(on_numpy, target, tmp_path):
    if target == "cython" and not python_headers_available():
        pytest.skip("needs Python's headers")
    simulation, _ = built(target, RECORD[:5])
    found = everything(simulation, tmp_path, run(simulation, tmp_path))
    assert set(found) == set(on_numpy)
    for key, values in on_numpy.items():
        assert values.shape == found[key].shape
        scale = 1 if values.dtype.kind == "i" else 1e-3  # mV
        assert np.abs(found[key] - values).max() <= 1e-12 * scale, key


def test_recording_changes_nothing_that_is_learned(tmp_path):
    with_record, _ = built("numpy", RECORD[:5])
    without, _ = built("numpy", ())
    plan, order = without.plan, np.arange(8) % 5
    weights = initial_weights(RULE, SETTINGS, 0)
    values = {plan.weights[k]: v * plan.unit for k, v in weights.items()}
    values |= {f"{name}.eta": 0.1 for name in weights}
    shown = Schedule(np.random.default_rng(0).random((5, 64)), order, order, TAUGHT)
    names = list(plan.weights.values())
    plain = without.run(shown, values, names)
    watched = told(with_record.plan.tracks, tmp_path, CHOSEN)
    found = with_record.run(shown, values | watched, names)
    for name in names:
        np.testing.assert_array_equal(found[name], plain[name])


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (Probe("hiden", "m"), "no such group.*'hidden'"),
        (Probe("hidden", "x"), "'hidden.x': it is not stored there"),
        (Probe("hidden", "m", units=[6]), "neuron 6 .* has 6"),
        (Probe("hidden", "m", units=[1, 1]), "each once"),
        (Probe("hidden", "m", units=slice(3, 3)), "name some"),
        (Probe("hidden", "m", pairs=[(0, 1)]), "which are neurons"),
        (Probe("hidden_to_output", "w", units=[0]), "which are synapses"),
        (Probe("hidden_to_output", "w", pairs=[(6, 0)]), r"synapse \(6, 0\)"),
        (Probe("hidden_to_output", "moved"), "not stored there"),
        (Spikes("output"), "output', which has none; in this network hidden fires"),
        (Spikes("input_to_hidden"), "no such group"),
        ("hidden.m", "give Probe"),
    ],
)
def test_refused(probe, said):
    with pytest.raises(InputError, match=said):
        built("numpy", [probe])


def test_one_variable_has_one_probe():
    with pytest.raises(InputError, match="asked for twice"):
        built("numpy", [Probe("hidden", "m"), Probe("hidden", "m", every=2)])
    with pytest.raises(InputError, match="asked for twice"):
        built("numpy", RECORD[4:])
