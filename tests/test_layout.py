"""The house rules that no linter knows: packages, arrows, lazy imports, equations."""

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

import neuro_ep

ROOT = Path(__file__).parents[1]
EQUATION = re.compile(r"\bd\w+/dt\s*=")

INSTALLED = ("neuro_ep", "models", "analysis")


def setup_cfg():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def files(*folders):
    return sorted(f for folder in folders for f in (ROOT / folder).rglob("*.py"))


def module_of(path):
    """neuro_ep/dense/symbols.py -> neuro_ep.engine.dense.symbols; models/a.py -> ..."""
    parts = list(path.relative_to(ROOT).with_suffix("").parts)
    if parts[0] in ("models", "analysis"):
        parts.insert(0, "neuro_ep")
    return ".".join(parts)


def folder_of(package):
    """neuro_ep.engine.dense -> neuro_ep/dense, neuro_ep.models -> models."""
    if within(package, "neuro_ep.models", "neuro_ep.analysis"):
        package = package.removeprefix("neuro_ep.")
    return package.replace(".", "/")


def imports(source, module):
    """Absolute names of what a module's source imports, `from a import b` as a.b.

    Dynamic imports count as well: any string that reads like a module of ours.
    """
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            base += [node.module] if node.module else []
            found |= {".".join([*base, alias.name]) for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"neuro_ep(\.\w*)+", node.value):
                found.add(node.value)
    return found


def within(name, *packages):
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


def offenders(paths, forbidden):
    return {
        f"{path.relative_to(ROOT)}: {name}"
        for path in paths
        for name in imports(path.read_text(), module_of(path))
        if forbidden(name)
    }


def climbing(source, depth):
    """Relative imports with more dots than the depth of the module in its package."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.level > depth
    ]


def equations(source):
    """Lines of the strings, but for docstrings, that hold a differential equation."""
    tree = ast.parse(source)
    bare = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in bare and EQUATION.search(node.value)
    ]


# --- packaging ---


def test_setup_cfg_names_every_package():
    on_disk = {module_of(file.parent) for file in files(*INSTALLED)}
    assert set(setup_cfg()["options"]["packages"].split()) == on_disk


def test_every_package_has_an_init():
    folders = {file.parent for file in files(*INSTALLED)}
    assert [f for f in folders if not (f / "__init__.py").exists()] == []


def test_setup_cfg_names_every_data_file():
    patterns = [
        f"{folder_of(package)}/{pattern}"
        for package, lines in setup_cfg()["options.package_data"].items()
        for pattern in lines.split()
    ]
    data = [
        path.relative_to(ROOT)
        for folder in INSTALLED
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        if path.suffix != ".py" and "__pycache__" not in path.parts
    ]
    assert [f for f in data if not any(f.match(p) for p in patterns)] == []


def test_no_packages_below_tests():
    assert list((ROOT / "tests").rglob("__init__.py")) == []


# --- arrows ---


def test_nothing_imports_the_folders_as_top_level():
    """`import models` at the root works, and gives a second copy of each class."""
    everything = files("neuro_ep", "models", "analysis", "sims", "tests")
    assert not offenders(everything, lambda name: within(name, "models", "analysis"))


@pytest.mark.parametrize("folder", ["models", "analysis"])
def test_no_relative_import_climbs_out(folder):
    climbers = {
        str(file.relative_to(ROOT)): lines
        for file in files(folder)
        if (lines := climbing(file.read_text(), len(file.relative_to(ROOT).parts) - 1))
    }
    assert climbers == {}


#: Package -> those that it may import, all of which stand below it.
ARROWS = {
    "errors": set(),
    "messages": set(),
    "cache": {"messages"},
    "records": {"errors"},
    "engine": {"errors", "cache"},
    "presentation": {"errors", "records", "engine"},
    "build": {"errors", "records", "engine", "presentation", "traces"},
    "traces": {"errors", "records", "engine", "presentation"},
    "run": {
        *("errors", "messages", "cache"),
        *("records", "engine", "presentation", "traces", "build"),
    },
    "oracle": {"errors", "records"},
    "trajectories": {"errors", "records", "oracle"},
    "tasks": {"errors", "messages", "records"},
    "recording": {"errors", "messages", "records"},
    "finding": {"errors", "records", "tasks", "models"},
    "training": {
        "finding",
        *("errors", "messages", "cache", "records", "engine", "presentation"),
        *("build", "run", "oracle", "recording", "analysis"),
    },
    "checking": {
        "finding",
        *("errors", "records", "engine", "build", "run", "oracle", "trajectories"),
    },
    "testing": {"errors", "records", "build", "run", "checking"},
    "benchmarks": {
        *("errors", "records", "engine", "presentation", "build", "run", "training"),
        "oracle",
    },
    "analysis": {"errors", "messages", "recording"},
    "models": {"errors", "records"},
    "command": {
        "finding",
        *("errors", "messages", "cache", "records", "build", "run", "tasks"),
        *("training", "checking", "benchmarks", "recording", "analysis", "models"),
    },
    "__main__": {"command"},
}

#: Modules that stand directly in the package, beside its ``__init__``.
LARGEST_TOP = 6


def package_of(name):
    """neuro_ep.engine.dense.group -> engine; "" for the package itself."""
    parts = name.split(".")
    inside = len(parts) > 1 and parts[0] == "neuro_ep" and parts[1] != "__init__"
    return parts[1] if inside else ""


def wrong_arrows(sources):
    """Imports that :data:`ARROWS` does not allow, of a module -> source table."""
    return {
        f"{module} -> {name}"
        for module, source in sources.items()
        for name in imports(source, module)
        if within(name, "neuro_ep") and package_of(module)
        if (goal := package_of(name)) in ARROWS and goal != package_of(module)
        if goal not in ARROWS[package_of(module)]
    }


def circle(arrows):
    """Packages that reach themselves."""
    reached = {name: set(goals) for name, goals in arrows.items()}
    for middle in reached:
        for name in reached:
            if middle in reached[name]:
                reached[name] |= reached[middle]
    return {name for name, goals in reached.items() if name in goals}


def sources():
    return {module_of(file): file.read_text() for file in files(*INSTALLED)}


def test_arrows_point_one_way():
    assert wrong_arrows(sources()) == set()


def test_every_package_has_its_arrows():
    found = {package_of(module) for module in sources()}
    assert found - {""} <= set(ARROWS)


def test_the_table_has_no_circle():
    assert circle(ARROWS) == set()


def test_few_modules_stand_beside_the_packages():
    modules = {file.stem for file in (ROOT / "neuro_ep").glob("*.py")} - {"__init__"}
    assert len(modules) <= LARGEST_TOP, sorted(modules)


def test_a_folder_of_one_file_is_no_folder():
    counts = {
        folder.name: len(list(folder.rglob("*.py")))
        for folder in (ROOT / "neuro_ep").iterdir()
        if (folder / "__init__.py").exists()
    }
    assert [name for name, files in counts.items() if files < 3] == []


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("neuro_ep.engine.dense.group", "from neuro_ep.run.bundle import Bundle"),
        ("neuro_ep.records.rule", "from neuro_ep import training"),
        ("neuro_ep.run.build", "import neuro_ep.models.echo.rhel"),
        ("neuro_ep.training.train", "import_module('neuro_ep.command.main')"),
        ("neuro_ep.models.echo.rhel", "from neuro_ep.build.network import x"),
        ("neuro_ep.analysis.report", "def f():\n    import neuro_ep.run.plan"),
    ],
)
def test_a_planted_arrow_is_found(module, line):
    planted = {**sources(), module: line}
    (found,) = wrong_arrows(planted)
    assert found.startswith(f"{module} -> neuro_ep.")


def test_a_planted_circle_is_found():
    assert circle({**ARROWS, "records": {"training"}}) >= {"records", "training"}


def test_analysis_and_oracle_import_no_brian2():
    independent = files("analysis", "neuro_ep/oracle")
    assert not offenders(independent, lambda name: within(name, "brian2"))


def test_equations_are_in_models_only():
    found = {
        str(file.relative_to(ROOT)): lines
        for file in files("neuro_ep", "analysis", "sims")
        if file.name != "my_first_rule.py"  # shows what users write in a file of theirs
        if (lines := equations(file.read_text()))
    }
    assert found == {}


def test_simulations_use_what_packages_show():
    """Nothing of a module inside neuro_ep.PACKAGE: what scripts need is public."""
    inside = {
        f"{path.name}: {node.module}"
        for path in files("sims")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
        if within(node.module, "neuro_ep") and node.module.count(".") > 1
    }
    assert inside == set()


def test_a_class_has_a_name_of_its_own():
    names = [
        node.name
        for source in sources().values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
    ]
    assert {name for name in names if names.count(name) > 1} == set()


# --- a fresh process ---


@pytest.mark.parametrize(
    "modules",
    [
        "neuro_ep",
        "neuro_ep.tasks",
        "neuro_ep.recording, neuro_ep.tasks, neuro_ep.analysis",
        "neuro_ep.command.main, neuro_ep.training.train, neuro_ep.run.warm_start",
        "neuro_ep.training.progress",
    ],
)
def test_import_leaves_brian2_out(modules):
    code = f"import sys, {modules}; sys.exit('brian2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or "brian2 was imported"


# --- public names ---


def test_all_is_listed_and_complete():
    assert set(neuro_ep.__all__) == {"__version__", *neuro_ep._PUBLIC}
    assert set(neuro_ep.__all__) <= set(dir(neuro_ep))


@pytest.mark.parametrize("name", neuro_ep.__all__)
def test_public_name_loads(name):
    assert getattr(neuro_ep, name) is not None


def test_public_name_is_the_one_of_its_module():
    from neuro_ep import errors, tasks

    assert neuro_ep.load_dataset is tasks.load
    assert neuro_ep.InputError is errors.InputError


def test_unknown_public_name():
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = neuro_ep.nonesuch


# --- the scanners above see what they look for ---


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import models.dyad", "models.dyad"),
        ("def f():\n    from brian2 import mV", "brian2.mV"),
        ("from neuro_ep import models", "neuro_ep.models"),
        ("from ..models import dyad", "neuro_ep.models.dyad"),
        ("from .. import models", "neuro_ep.models"),
        ("import_module('neuro_ep.models.dyad')", "neuro_ep.models.dyad"),
        ("import_module(f'neuro_ep.models.{x}')", "neuro_ep.models."),
    ],
)
def test_imports_finds(line, name):
    found = imports(line, "neuro_ep.engine.group")
    assert name in found
    assert within(name, "models", "brian2", "neuro_ep.models")


def test_within_compares_whole_names():
    assert not within("neuro_ep.modelsize", "neuro_ep.models")
    assert not within("neuro_ep.records.model", "neuro_ep.models")


def test_climbing_counts_dots():
    source = "from . import a\nfrom .. import b\nfrom ..model import c"
    assert climbing(source, depth=1) == [2, 3]
    assert climbing(source, depth=2) == []


def test_equations_skips_docstrings_only():
    source = '"""dv/dt = 1"""\nX = "dv/dt = -v/tau : 1"\n# dv/dt = 0\nY = "dt = 1"'
    assert equations(source) == [2]


def test_no_task_is_named_by_commands_or_training():
    from neuro_ep.tasks import TASKS

    named = {
        f"{path.relative_to(ROOT)}: {node.value}"
        for path in files("neuro_ep/command", "neuro_ep/training")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and str(node.value) in TASKS
    }
    assert named == set()
