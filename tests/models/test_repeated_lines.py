"""Every equation is written once: what stands more than twice is named."""

import importlib.util
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("repeated_lines.py")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("repeated_lines", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hardly_an_equation_of_the_models_stands_more_than_twice(script):
    assert len(script.counted(script.MODELS, script.DYNAMIC)) > 100
    assert list(script.repeated(script.MODELS)) == []


PAGE = '''"""A page whose docstring says:

dv/dt = -v/tau : volt
"""

{name} = """
{line}
tau : second (shared, constant)
"""

MESSAGE = f"step = {{tau}}: choose"
'''


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (
            (
                "dv/dt = -v/tau : volt",
                "dv/dt  =  -v/tau   : volt",
                "dv/dt=-v/tau : volt",
            ),
            3,
        ),
        (("g -= theta", "g -= theta", "g -= theta"), 3),
        (("dv/dt = -v/tau : volt", "dv/dt = -v/tau : volt", "dv/dt = v/tau : volt"), 0),
        (("v : volt", "v : volt", "v : volt"), 0),
    ],
)
def test_a_planted_line_is_found_where_it_stands_three_times(
    script, tmp_path, lines, found
):
    for number, line in enumerate(lines):
        page = PAGE.format(name="NEURON", line=line)
        (tmp_path / f"page_{number}.py").write_text(page)
    assert sum(script.repeated(tmp_path).values()) == found
    assert "tau : second (shared, constant)".replace(" ", "") in script.repeated(
        tmp_path, script.DECLARATION
    )
