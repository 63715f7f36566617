"""README's scripts and stock Brian2 in one process, in any order, as each alone.

What one of them leaves behind, a device, a preference, a seed or a name, would change
the numbers of the next.
"""

import json
import re
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
TRAIN, DENSE = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)

#: A network of Brian2's own, with noise.
STOCK = """
from brian2 import NeuronGroup, Synapses, ms, run, seed, start_scope

start_scope()
seed(4)
neurons = NeuronGroup(
    20, "dv/dt = (0.1*x - v)/(10*ms) + 0.1*xi*ms**-0.5 : 1\\nx : 1", method="euler"
)
synapses = Synapses(neurons, neurons, "w : 1\\nx_post = w*v_pre : 1 (summed)")
synapses.connect(p=0.5)
synapses.w = "rand()"
run(2*ms)
"""

#: Name -> (source, the number that it is judged by).
SCRIPTS = {
    "stock": (STOCK, "float(neurons.v[:].sum())"),
    "train": (
        TRAIN.replace("epochs=30", "epochs=1, layers=(64, 8, 10)"),
        "result.test_accuracy",
    ),
    "dense": (
        "from brian2 import seed, start_scope\nstart_scope()\nseed(2)\n"
        + DENSE.replace("20 * 784", "20 * 30").replace("20 * 512", "20 * 15")
        + "\npre.v = 'rand()*mV'\nS.w = 'randn()*mV'\nrun(1*ms)\n",
        "float(S.w[:].sum() + post.v[:].sum())",
    ),
}

LEAVING = "from brian2 import defaultclock, ms\ndefaultclock.dt = 0.05*ms\n"

MANY = """
import json
import sys

numbers = []
for file, judged in json.loads(sys.argv[1]):
    names = {"__name__": "script"}
    exec(compile(open(file).read(), file, "exec"), names)
    numbers.append(eval(judged, names))
print("NUMBERS", json.dumps(numbers))
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run scripts one after the other in a new process; the number of each.

    What they run in the process itself is run by numpy: it is left behind as well.
    """
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "brian_preferences").write_text('codegen.target = "numpy"\n')
    (folder / "many.py").write_text(MANY)
    scripts = SCRIPTS | {"leaving": (LEAVING, "1")}
    for name, (source, _) in scripts.items():
        (folder / f"{name}.py").write_text(source)

    def run(*names) -> list[float]:
        jobs = [(str(folder / f"{name}.py"), scripts[name][1]) for name in names]
        done = subprocess.run(
            [sys.executable, str(folder / "many.py"), json.dumps(jobs)],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.rpartition("NUMBERS ")[2])

    return run


@pytest.fixture(scope="module")
def alone(ran):
    """The number of each script in a process of its own."""
    return {name: ran(name)[0] for name in SCRIPTS}


ORDERS = [
    ("stock", "train", "stock", "dense", "stock", "train"),
    *(
        pytest.param(order, marks=pytest.mark.exhaustive)
        for order in permutations(SCRIPTS)
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_each_computes_what_it_does_alone(ran, alone, order):
    assert ran(*order) == [alone[name] for name in order]


def test_something_left_behind_is_noticed(ran, alone):
    """The control: another step of the clock changes what comes after it."""
    assert len({round(number, 12) for number in alone.values()}) == len(SCRIPTS)
    assert ran("leaving", "stock")[1] != alone["stock"]
