"""One seed, the same weights: in every process and on every target."""

import subprocess
import sys

import numpy as np
import pytest

INITIAL = """
import sys
import numpy as np
from brian2 import *
from neuro_ep import DenseSynapses
target = sys.argv[1]
if target == "standalone":
    set_device("cpp_standalone", build_on_run=False)
else:
    prefs.codegen.target = target
BrianLogger.log_level_error()
def make():
    G, H = NeuronGroup(3, "x : 1"), NeuronGroup(2, "a : 1")
    S = DenseSynapses(G, H, "w : 1\\nu : volt\\nz : 1 (replicated)")
    S.w = "rand()"
    S.u = "(i + 1)*randn()*mV + j*rand()*mV"
    S.z = "randn()"
    return [np.array(S.variables[name].get_value()) for name in "wuz"]
seed(7)
first, second = make(), make()
seed(7)
again = make()
seed(8)
other = make()
parts = [np.concatenate(part) for part in (first, second, again, other)]
np.save(sys.argv[2], np.array(parts))
"""


@pytest.fixture(scope="session")
def initial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")

    def run(target, number):
        path = folder / f"{target}_{number}.npy"
        if not path.exists():
            command = [sys.executable, "-c", INITIAL, target, str(path)]
            subprocess.run(command, check=True)
        return np.load(path)

    return run


@pytest.mark.parametrize("target", ["numpy", "cython", "standalone"])
def test_initial_values_are_the_same_in_two_processes_and_on_all_targets(
    initial, target
):
    np.testing.assert_array_equal(initial(target, 1), initial("numpy", 0))


@pytest.mark.parametrize("target", ["numpy", "standalone"])
def test_a_seed_begins_anew_and_another_seed_is_another(initial, target):
    first, second, again, other = initial(target, 1)
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, second).any()
    assert not np.isclose(first, other).any()


NOISY = """
import sys
import numpy as np
from brian2 import *
from neuro_ep import DenseSynapses
target, path, folder = sys.argv[1:]
if target == "standalone":
    from neuro_ep.run.compiler import take_over
    set_device("cpp_standalone", directory=folder)
    prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O0", "-std=c++17"]
    take_over(get_device())
else:
    prefs.codegen.target = target
BrianLogger.log_level_error()
seed(7)
text = '''dv/dt = (a - v)/ms + 0.1*xi/ms**0.5 : 1
    noise = randn() + rand() : 1 (constant over dt)
    first : 1
    a : 1'''
G = NeuronGroup(4, text, method="euler", name="G")
H = NeuronGroup(2, text, method="euler", name="H")
G.v = "rand()"
G.first = "rand()"
S = DenseSynapses(G, H, '''
    dw/dt = (v_pre*noise_post + noise_pre - w)/ms : 1 (clock-driven)
    drawn : 1
    a_post = w*noise_pre : 1 (summed)''', replicas=2)
S.w = "randn()"
S.drawn = "rand()"
run(1*ms)
every = [np.ravel(S.w), G.v[:], H.v[:], H.a[:], G.first[:], np.ravel(S.drawn)]
np.save(path, np.concatenate(every))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "target",
    ["numpy"]
    + [pytest.param(t, marks=pytest.mark.exhaustive) for t in ("cython", "standalone")],
)
def test_noise_of_neurons_is_the_same_in_two_processes(target, tmp_path):
    found = []
    for number in range(2):
        path = tmp_path / f"{number}.npy"
        command = [sys.executable, "-c", NOISY, target, path, tmp_path / str(number)]
        subprocess.run(command, check=True)
        found.append(np.load(path))
    assert np.isfinite(found[0]).all() and np.ptp(found[0]) > 0
    np.testing.assert_array_equal(*found)
    of_neurons, of_synapses = np.split(found[0][-8:], 2)
    assert not np.isin(of_synapses, of_neurons).any()
