"""Continual EP as it runs: relaxation, the conserved quantity, phases, and targets.

The checks of a trajectory run on numpy, in float64, on 5-12-3 units with a batch of 4.
A second implementation below, plain loops and no Brian2, gives the weights that every
target must reach. Compiled targets run in a process of their own, which is this file
started as a program.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from brian2 import StateMonitor, prefs

from neuro_ep.build.network import build_network
from neuro_ep.engine.dense.codeobjects import python_headers_available
from neuro_ep.models.equilibrium.continual_ep import CONTINUAL_EP
from neuro_ep.records.schedule import Schedule
from neuro_ep.records.settings import Settings
from neuro_ep.run import build as device
from neuro_ep.run.target import select_target

BATCH, ROWS, MILLI = 4, 20, 1e-3
P = "presentations."
W = ("input_to_hidden", "hidden_to_output")
B = ("bias_hidden", "bias_output")

#: Spec check 1 settles for 800 steps of 0.08 time constants.
SETTLED = Settings(
    layers=(5, 12, 3),
    eta=(0.02, 0.01),
    beta=0.1,
    free=64,
    nudged=6.4,
    step=0.08,
    batch=BATCH,
    nudging="one-sided",
    activation="tanh",
)


@pytest.fixture(autouse=True)
def numpy_target():
    """Every test begins on numpy and leaves Brian2's preferences as they were."""
    before = prefs.codegen.target, prefs.core.default_float_dtype
    select_target("numpy")
    yield
    prefs.codegen.target, prefs.core.default_float_dtype = before


# --- a case: what is shown to which network ---

Case = namedtuple("Case", "settings weights samples order labels learn sign")


def case(settings, learn=(1,), sign=None, seed=1):
    """Random weights (times 1.5), samples and labels; weights in units of v_unit.

    With seed 1 the network settles briskly: its residual ends in rounding.
    """
    rng, sizes = np.random.default_rng(seed), settings.layers
    weights = {}
    for w, b, pre, post in zip(W, B, sizes, sizes[1:], strict=False):
        limit = 1.5 / np.sqrt(pre)
        weights[f"{w}.w"] = rng.uniform(-limit, limit, (pre, post))
        weights[f"{b}.b"] = rng.uniform(-0.2, 0.2, (1, post))
    slots = len(learn) * BATCH
    return Case(
        settings,
        weights,
        samples=rng.random((ROWS, sizes[0])),
        order=rng.permutation(ROWS)[:slots],
        labels=rng.integers(0, sizes[-1], slots),
        learn=np.array(learn),
        sign=np.ones(len(learn)) if sign is None else np.array(sign, dtype=float),
    )


def values_of(case):
    """The values of a run, in SI units."""
    return {name: value * MILLI for name, value in case.weights.items()}


def schedule_of(case):
    """What a case shows."""
    return Schedule(case.samples, case.order, case.labels, case.learn, case.sign)


def build(case, **options):
    network = build_network(
        CONTINUAL_EP, case.settings, capacity=len(case.learn), **options
    )
    return network, device.simulation(network)


def show(case, simulation, folder, name="samples.raw"):
    """Run a case; every learned variable (units of v_unit) and every read-out."""
    read_outs = [f"{P}{name}" for name in ("predicted", "cost", "diverged")]
    result = simulation.run(
        schedule_of(case), values_of(case), [*case.weights, *read_outs]
    )
    shapes = {name: value.shape for name, value in case.weights.items()}
    return {
        name: value.reshape(shapes[name]) / MILLI if name in shapes else value
        for name, value in result.items()
    }


# --- trajectories: the end of every step, dimensionless ---

Trajectory = namedtuple("Trajectory", "v rho weights result steps")


def trajectory(case, folder):
    """v and rho of every layer (time, replica, unit), and all learned variables."""
    network, simulation = build(case)
    clock = network["hidden"].clock
    rho, v, learned = {}, {}, {}
    for name, names in (
        ("input", ["rho_next"]),
        ("hidden", ["v", "rho_next"]),
        ("output", ["v", "rho_next"]),
    ):
        rho[name] = StateMonitor(network[name], names, True, when="end", clock=clock)
    for name in case.weights:
        group, variable = name.split(".")
        learned[name] = StateMonitor(
            network[group], variable, network[group][:, :], when="end", clock=clock
        )
    network.brian2.add(*rho.values(), *learned.values())
    result = show(case, simulation, folder)

    def by_replica(array):
        return np.asarray(array).T.reshape(array.shape[1], BATCH, -1)

    v = {name: by_replica(rho[name].v) / MILLI for name in ("hidden", "output")}
    rho = {name: by_replica(monitor.rho_next) for name, monitor in rho.items()}
    weights = {}
    for name, monitor in learned.items():
        values = np.asarray(getattr(monitor, name.split(".")[1]))
        weights[name] = values.T.reshape(-1, *case.weights[name].shape) / MILLI
    return Trajectory(v, rho, weights, result, network.phase_steps())


def energies(run, times):
    """Energy of every replica in units of v_unit**2, from the formula of the paper."""
    inner = sum((run.v[layer][times] ** 2).sum(axis=2) / 2 for layer in run.v)
    for w, b, pre, post in zip(W, B, run.rho, [*run.rho][1:], strict=False):
        rho_pre, rho_post = run.rho[pre][times], run.rho[post][times]
        w, b = run.weights[f"{w}.w"][times], run.weights[f"{b}.b"][times]
        inner = inner - np.einsum("tbi,tij,tbj->tb", rho_pre, w, rho_post)
        inner = inner - np.einsum("tij,tbj->tb", b, rho_post)
    return inner


# --- relaxation ---


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_energy_falls_in_the_free_phase_and_only_there(tmp_path, activation):
    settings = replace(SETTLED, activation=activation, eta=(0, 0))
    run = trajectory(case(settings), tmp_path)
    free, nudged, *_ = run.steps
    change = np.diff(energies(run, slice(0, free)), axis=0)
    assert change.max() < 1e-14
    assert change[:100].sum(axis=0).max() < -0.01
    away = energies(run, slice(free - 1, free + nudged))
    assert (away[-1] - away[0]).min() > 1e-6  # the nudge pushes uphill


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_residual_decays(tmp_path, activation):
    """max |tau ds/dt| in units of v_unit, after 100, 200, 400 and 800 steps."""
    settings = replace(SETTLED, activation=activation)
    run = trajectory(case(settings), tmp_path)
    speed = {
        steps: max(
            np.abs(v[steps - 1] - v[steps - 2]).max() / settings.step
            for v in run.v.values()
        )
        for steps in (100, 200, 400, 800)
    }
    print(activation, "residuals", speed)
    assert speed[200] < 0.1 * speed[100] and speed[400] < 0.01 * speed[200]
    assert speed[800] < 1e-12


# --- the conserved quantity ---


def drift(run, settings, factor=1.0):
    """How far w - share*(eta/beta) <rho_pre rho_post> strays in a nudged phase.

    Largest over phases and learned variables, relative to the largest change of the
    variable. Every nudged phase starts from the activities of the settled state.
    """
    free, *nudged = run.steps
    worst, start, sign = 0.0, free, 1
    for steps in nudged:
        times = np.arange(start, start + steps)
        for number, (w, b) in enumerate(zip(W, B, strict=True)):
            share = sign * factor * settings.eta[number] / settings.beta / len(nudged)
            for name, products in (
                (f"{w}.w", outer(run, number)),
                (f"{b}.b", [*run.rho.values()][number + 1].mean(axis=1)[:, None, :]),
            ):
                moved = run.weights[name][times] - run.weights[name][start - 1]
                due = share * (products[times] - products[free - 1])
                worst = max(worst, np.abs(moved - due).max() / np.abs(moved).max())
        start, sign = start + steps, -sign
    return worst


def outer(run, number):
    """<rho_pre rho_post> of a projection at the end of every step."""
    pre, post = [*run.rho.values()][number : number + 2]
    return np.einsum("tbi,tbj->tij", pre, post) / BATCH


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("nudging", ["one-sided", "random-sign", "symmetric"])
def test_difference_form_conserves(tmp_path, nudging, activation):
    settings = replace(SETTLED, nudging=nudging, activation=activation)
    run = trajectory(case(settings), tmp_path)
    found = drift(run, settings)
    print(nudging, activation, "drift", found)
    assert found < 1e-8
    assert 0.05 < drift(run, settings, factor=1.1) < 0.2  # another eta is seen


def test_negative_beta_conserves_with_its_sign(tmp_path):
    settings = replace(SETTLED, nudging="random-sign")
    run = trajectory(case(settings, sign=[-1]), tmp_path)
    assert drift(run, settings, factor=-1) < 1e-8
    assert drift(run, settings) > 1


def test_product_rule_drifts_in_first_order_of_the_step(tmp_path):
    drifts = []
    for step in (0.2, 0.1, 0.05):
        settings = replace(SETTLED, step=step, plasticity="product-rule", nudged=6)
        drifts.append(drift(trajectory(case(settings), tmp_path), settings))
    print("product rule drifts", drifts, np.divide(drifts[:-1], drifts[1:]))
    assert np.divide(drifts[:-1], drifts[1:]) == pytest.approx([2, 2], abs=0.2)
    assert 1e-4 < drifts[0] < 0.02


# --- phases ---


def test_second_nudge_starts_from_the_settled_state(tmp_path):
    """The nudge is linear in beta, so both first steps are opposite."""
    settings = replace(SETTLED, nudging="symmetric", eta=(0, 0))
    run = trajectory(case(settings), tmp_path)
    free, first, _ = run.steps
    v = run.v["output"]
    settled, last = v[free - 1], v[free + first - 1]
    up, down = v[free] - settled, v[free + first] - settled
    assert np.abs(up).max() > 1e-3
    np.testing.assert_allclose(down, -up, atol=1e-12)
    assert np.abs(last - settled).max() > 2 * np.abs(down).max()


def changes(run):
    """What every learned variable has gained at the end, as one vector."""
    return np.concatenate(
        [(series[-1] - series[0]).ravel() for series in run.weights.values()]
    )


def one_update(tmp_path, nudging, sign=1, eta=1e-6):
    settings = replace(SETTLED, nudging=nudging, eta=(eta, eta))
    return changes(trajectory(case(settings, sign=[sign]), tmp_path))


def test_symmetric_is_the_mean_of_both_signs(tmp_path):
    """To first order in eta, which is tiny here; either sign alone is off the mean."""
    up = one_update(tmp_path, "random-sign", sign=1)
    down = one_update(tmp_path, "random-sign", sign=-1)
    both = one_update(tmp_path, "symmetric")
    size = np.linalg.norm(both)
    print("off the mean", np.linalg.norm(both - (up + down) / 2) / size)
    print("sign off sign", np.linalg.norm(up - down) / size)
    assert np.linalg.norm(both - (up + down) / 2) < 1e-4 * size
    assert np.linalg.norm(up - down) > 1e-2 * size
    assert up @ down > 0.9 * size**2  # eta/beta carries the sign of beta


def test_sign_turns_the_nudge(tmp_path):
    up = trajectory(case(replace(SETTLED, eta=(0, 0)), sign=[1]), tmp_path)
    down = trajectory(case(replace(SETTLED, eta=(0, 0)), sign=[-1]), tmp_path)
    free = up.steps[0]
    up, down = up.v["output"], down.v["output"]
    one, other = up[free] - up[free - 1], down[free] - down[free - 1]
    assert np.abs(one).max() > 1e-3
    np.testing.assert_allclose(other, -one, atol=1e-12)


def test_evaluation_changes_nothing_and_is_shorter(tmp_path):
    settings = replace(SETTLED, free=4, nudged=2, step=0.5)
    shown = case(settings, learn=[0, 1, 0], sign=[1, 1, 1])
    run = trajectory(shown, tmp_path)
    free, nudged = run.steps
    last = 3 * free + nudged
    for name, series in run.weights.items():
        moving = np.abs(np.diff(series, axis=0)).max(axis=(1, 2)) > 0
        expected = np.zeros(last, dtype=bool)
        expected[2 * free - 1 : 2 * free - 1 + nudged] = True
        np.testing.assert_array_equal(moving, expected)
        np.testing.assert_array_equal(run.result[name], series[-1])
    assert (free, nudged) == (8, 4)


def test_prediction_and_cost_are_read_at_the_end_of_the_free_phase(tmp_path):
    shown = case(replace(SETTLED, free=6), learn=[1, 0])
    run = trajectory(shown, tmp_path)
    free = run.steps[0]
    ends = np.array([free - 1, sum(run.steps) + free - 1])
    read = run.v["output"][ends]
    aims = np.eye(3)[shown.labels].reshape(2, BATCH, 3)
    costs = ((read - aims) ** 2).sum(axis=2).mean(axis=1) / 2
    np.testing.assert_allclose(run.result[f"{P}cost"], costs, rtol=1e-12)
    np.testing.assert_array_equal(
        run.result[f"{P}predicted"].reshape(2, BATCH), read.argmax(axis=2)
    )


@pytest.mark.parametrize("activation", ["tanh", "hard-sigmoid"])
def test_divergence_is_reported_and_ends_the_run(tmp_path, activation):
    settings = replace(SETTLED, free=4, eta=(1e7, 1e7), activation=activation)
    run = trajectory(case(settings, learn=[1, 1, 1]), tmp_path)
    shown = run.result[f"{P}cost"] > 0
    assert run.result[f"{P}diverged"] == 1
    assert shown[0] and not shown[-1]
    calm = replace(settings, eta=(0.01, 0.01))
    result = trajectory(case(calm, learn=[1, 1, 1]), tmp_path).result
    assert result[f"{P}diverged"] == 0 and (result[f"{P}cost"] > 0).all()


def test_runs_start_as_the_network_was_built(tmp_path):
    """What is not given is not left over from the run before."""
    shown = case(replace(SETTLED, free=4), learn=[1, 1])
    _, simulation = build(shown)
    shown.weights.pop("bias_output.b")
    first = show(shown, simulation, tmp_path)
    second = show(shown, simulation, tmp_path)
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value)


# --- a second implementation ---


def rho(v, activation):
    return np.tanh(v) if activation == "tanh" else 1 / (1 + np.exp(-4 * (v - 0.5)))


def slope(v, activation):
    r = rho(v, activation)
    return 1 - r * r if activation == "tanh" else 4 * r * (1 - r)


def replica(case):
    """The learned variables after a case, by the formulas, one sample at a time."""
    s = case.settings
    w1, b1, w2, b2 = (case.weights[f"{name}"].copy() for name in names_in_order())
    for number, learns in enumerate(case.learn):
        slots = range(number * BATCH, (number + 1) * BATCH)
        x = [case.samples[case.order[slot]] for slot in slots]
        y = [np.eye(s.layers[-1])[case.labels[slot]] for slot in slots]
        hidden = [np.zeros(s.layers[1]) for _ in slots]
        output = [np.zeros(s.layers[2]) for _ in slots]
        for phase, (length, nudge, share) in enumerate(phases_of(s)):
            if phase == 1:
                settled = list(hidden), list(output)
            if phase == 2:
                hidden, output = list(settled[0]), list(settled[1])
            if nudge and not learns:
                continue
            beta = nudge * case.sign[number] * s.beta
            for _ in range(round(length / s.step)):
                gain = share / beta / BATCH if nudge else 0
                now = w1.copy(), b1.copy(), w2.copy(), b2.copy()
                for k in range(BATCH):
                    h, o = hidden[k], output[k]
                    rh, ro = rho(h, s.activation), rho(o, s.activation)
                    field_h = x[k] @ now[0] + now[2] @ ro + now[1][0]
                    field_o = rh @ now[2] + now[3][0]
                    dh = -h + slope(h, s.activation) * field_h
                    do = -o + slope(o, s.activation) * field_o + beta * (y[k] - o)
                    hidden[k], output[k] = h + s.step * dh, o + s.step * do
                    rh2 = rho(hidden[k], s.activation)
                    ro2 = rho(output[k], s.activation)
                    w1 += s.eta[0] * gain * np.outer(x[k], rh2 - rh)
                    b1 += s.eta[0] * gain * (rh2 - rh)
                    w2 += s.eta[1] * gain * (np.outer(rh2, ro2) - np.outer(rh, ro))
                    b2 += s.eta[1] * gain * (ro2 - ro)
    return dict(zip(names_in_order(), (w1, b1, w2, b2), strict=True))


def names_in_order():
    return [f"{W[0]}.w", f"{B[0]}.b", f"{W[1]}.w", f"{B[1]}.b"]


def phases_of(settings):
    """Length, sign of the nudge and share of plasticity."""
    if settings.nudging == "symmetric":
        nudges = [(settings.nudged, 1, 0.5), (settings.nudged, -1, 0.5)]
    else:
        nudges = [(settings.nudged, 1, 1.0)]
    return [(settings.free, 0, 0.0), *nudges]


SHORT = replace(SETTLED, free=8, nudged=3, step=0.25, beta=0.4, eta=(0.3, 0.2))


def distance(found, expected, start):
    """Largest error of a learned variable, relative to its largest change."""
    return max(
        np.abs(found[name] - value).max() / np.abs(value - start[name]).max()
        for name, value in expected.items()
    )


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize("nudging", ["random-sign", "symmetric"])
def test_numpy_agrees_with_the_second_implementation(tmp_path, nudging, activation):
    settings = replace(SHORT, nudging=nudging, activation=activation)
    shown = case(settings, learn=[1, 1, 0, 1], sign=[1, -1, 1, -1])
    _, simulation = build(shown)
    error = distance(show(shown, simulation, tmp_path), replica(shown), shown.weights)
    print(nudging, activation, "error of numpy", error)
    assert error < 1e-10


def test_second_implementation_sees_every_setting(tmp_path):
    """Each of these alone moves the weights, so agreement says something."""
    shown = case(replace(SHORT, nudging="symmetric"), learn=[1, 1], sign=[1, -1])
    expected = replica(shown)
    others = {"beta": 0.41, "eta": (0.3, 0.21), "free": 8.25, "nudged": 3.25}
    for name, value in others.items():
        other = shown._replace(settings=replace(shown.settings, **{name: value}))
        assert distance(replica(other), expected, shown.weights) > 1e-4, name
    turned = shown._replace(sign=-shown.sign)
    assert distance(replica(turned), expected, shown.weights) > 1e-4


# --- compiled targets, each in one process ---


def two_cases():
    """Two settings that one program serves, with other samples and other weights."""
    one = replace(SHORT, nudging="symmetric", activation="sigmoid")
    two = replace(one, beta=0.2, eta=(0.1, 0.05), free=6, nudged=2)
    learn, sign = [1, 1, 0, 1], [1, -1, 1, -1]
    return [case(one, learn, sign, seed=1), case(two, learn, sign, seed=2)]


def compiled(target, folder):
    """Run both cases on a target; this is the program that the tests start."""
    builds = []
    for number, shown in enumerate(two_cases()):
        select_target(target)
        _, simulation = build(shown, set_values=target != "standalone")
        result = show(shown, simulation, folder, f"samples_{number}.raw")
        np.savez(Path(folder) / f"result_{number}.npz", **result)
        builds.append(simulation.describe().get("build_hash"))
    if target == "standalone":
        device._compile = lambda folder: None  # its name is all that is asked for
        select_target(target)
        larger = replace(two_cases()[0].settings, layers=(5, 13, 3))
        _, simulation = build(case(larger, [1] * 4), set_values=False)
        builds.append(simulation.bundle.folder.name)
    (Path(folder) / "builds.json").write_text(json.dumps(builds))


def start(target, folder):
    """Run both cases in a fresh process; the builds that were used."""
    done = subprocess.run(
        [sys.executable, __file__, target, str(folder)],
        env={**os.environ, "NEURO_EP_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "builds.json").read_text())


def assert_agrees(folder):
    for number, shown in enumerate(two_cases()):
        result = np.load(folder / f"result_{number}.npz")
        error = distance(result, replica(shown), shown.weights)
        print("case", number, "error of the compiled target", error)
        assert error < 1e-10
        assert result[f"{P}diverged"] == 0


no_compiler = pytest.mark.skipif(
    not (shutil.which(os.environ.get("CXX", "g++")) and shutil.which("make")),
    reason="needs a C++ compiler and make",
)


@no_compiler
@pytest.mark.slow
@pytest.mark.exhaustive
def test_one_standalone_program_serves_both_cases(tmp_path):
    one, two, larger = start("standalone", tmp_path)
    assert_agrees(tmp_path)
    assert one == two != larger
    cached = {folder.name for folder in (tmp_path / "cache").glob("build_*")}
    assert cached == {one, larger}


@no_compiler
@pytest.mark.slow
@pytest.mark.skipif(not python_headers_available(), reason="needs Python's headers")
@pytest.mark.exhaustive
def test_cython_agrees(tmp_path):
    start("cython", tmp_path)
    assert_agrees(tmp_path)


if __name__ == "__main__":
    compiled(*sys.argv[1:])
