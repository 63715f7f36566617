"""Continual EP as it runs: relaxation, the conserved quantity, and phases.

The checks of a trajectory run on numpy, in float64, on 5-12-3 units with a batch of 4.
"""

import runpy
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from brian2 import StateMonitor, prefs

from neuro_ep.run.target import select_target

SCRIPT = Path(__file__).with_name("continual_ep_runs.py")
RUNS = SimpleNamespace(**runpy.run_path(str(SCRIPT)))
BATCH = RUNS.BATCH
MILLI = RUNS.MILLI
P = RUNS.P
W = RUNS.W
B = RUNS.B
SETTLED = RUNS.SETTLED
case = RUNS.case
build = RUNS.build
show = RUNS.show
replica = RUNS.replica


@pytest.fixture(autouse=True)
def numpy_target():
    """Every test begins on numpy and leaves Brian2's preferences as they were."""
    before = prefs.codegen.target, prefs.core.default_float_dtype
    select_target("numpy")
    yield
    prefs.codegen.target, prefs.core.default_float_dtype = before


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
