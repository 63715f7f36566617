"""What a check does not read, or cannot do, is refused in one line, in every family."""

from dataclasses import replace

import pytest

from neuro_ep import Settings, models
from neuro_ep.checking import FAMILIES, check, table
from neuro_ep.command import main as cli
from neuro_ep.errors import InputError
from neuro_ep.finding import find_checked
from neuro_ep.oracle import reference
from neuro_ep.run import memory

EVERYTHING = [*models.RULES, *models.CONDITIONS, *models.SECOND_RUNS]

#: One of each family.
ONE_EACH = {
    family.name: next(
        word for word in EVERYTHING if find_checked(word).family == family.name
    )
    for family in FAMILIES.values()
}

LAYERED = [ONE_EACH[name] for name, known in FAMILIES.items() if known.layers]


def refused(line, capsys):
    """What is said of a command that is refused, one line."""
    try:
        status = cli.main(line.split())
    except SystemExit as left:
        status = left.code
    output = capsys.readouterr()
    assert status == 2 and not output.out, output
    assert output.err.startswith("neuro-ep: ") and output.err.count("\n") == 1
    return output.err


@pytest.fixture
def unmeasured(monkeypatch):
    """Families that give back what they are asked, without simulating."""
    for name, known in list(FAMILIES.items()):
        monkeypatch.setitem(
            FAMILIES,
            name,
            replace(known, measure=lambda rule, asked: ({}, {"asked": asked})),
        )


# --- the table of families ---


def test_every_family_has_a_rule():
    assert set(ONE_EACH) == set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_bounds_and_controls_are_of_what_is_measured(name):
    known = FAMILIES[name]
    named = {*known.bounds, *known.controls}
    named |= {
        bound
        for word in EVERYTHING
        if (rule := find_checked(word)).family == name
        for bound in rule.bounds
    }
    assert named <= set(known.quantities)


def test_a_family_that_there_is_none_of():
    stray = replace(models.CONTINUAL_EP, family="echos")
    with pytest.raises(InputError, match="did you mean 'echo'"):
        check(stray)


def test_bounds_of_one_family_are_no_bounds_of_another(unmeasured, monkeypatch):
    measured = {"reversal": 1.0, "cosine": 0.5}
    known = replace(FAMILIES["directed"], measure=lambda *_: (measured, {}))
    monkeypatch.setitem(FAMILIES, "directed", known)
    silent = replace(models.DIRECTED, bounds={})
    assert check(silent)["passed"]  # it claims an order only, which is not measured


def test_what_is_measured_must_be_explained(monkeypatch):
    known = replace(FAMILIES["heb"], measure=lambda *_: ({"luck": 1.0}, {}))
    monkeypatch.setitem(FAMILIES, "heb", known)
    with pytest.raises(KeyError, match="luck"):
        check(models.HEB)


def test_table_explains_what_it_shows(monkeypatch):
    measured = {"reversal": 1e-15, "relative_error": {"w": 2e-6, "k": 1.0}}
    how = {"layers": [2, 6], "batch": 1, "duration": 10.0}
    known = replace(FAMILIES["echo"], measure=lambda *_: (measured, how))
    monkeypatch.setitem(FAMILIES, "echo", known)
    lines = table(check(models.RHEL)).splitlines()
    assert lines[0].startswith("rhel on 2-6: batch 1, duration 10, seed 0, seconds ")
    names = [line.split()[0] for line in lines[2:5]]
    assert names == ["relative_error", "relative_error", "reversal"]
    assert any(known.quantities["reversal"] in line for line in lines)
    assert lines[-1] == "relative_error of k is 1, not 0 to 1e-05"


# --- seeds and sizes ---


@pytest.mark.parametrize("name", ONE_EACH.values())
@pytest.mark.parametrize("seed", ["-1", "99999999999999999999999", str(2**32)])
def test_seeds(name, seed, capsys):
    said = refused(f"check {name} --seed {seed}", capsys)
    assert f"seed = {seed}" in said and "from 0 to 4294967295" in said


@pytest.mark.parametrize("name", LAYERED)
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--batch -3", "batch = -3: give a whole number from 1"),
        ("--batch 0", "batch = 0: give a whole number from 1"),
        ("--layers 2,0", "layers = (2, 0): give whole numbers from 1"),
        ("--layers 2,-6", "layers = (2, -6): give whole numbers from 1"),
        ("--layers 5", "name at least two"),
        ("--layers 2,x", "'2,x' is not whole numbers"),
        ("--layers 2,90000000,90000000", "and this machine has"),
        ("--seed 1.5", "'1.5' is not a whole number"),
    ],
)
def test_sizes(name, words, says, capsys):
    assert says in refused(f"check {name} {words}", capsys)


def test_sizes_are_said_in_gib(capsys, monkeypatch):
    monkeypatch.setattr(memory, "memory_here", lambda: 2**33)
    said = refused("check ep --layers 100000,100000,10", capsys)
    assert "layers 100000,100000,10 with batch = 1 would take 149 GiB or more" in said
    assert "this machine has 8 GiB; choose fewer units" in said


def test_a_complex_step_takes_the_square_of_the_parameters(capsys, monkeypatch):
    monkeypatch.setattr(memory, "memory_here", lambda: 2**33)
    assert "would take" in refused("check rhel --layers 2,300", capsys)


@pytest.mark.parametrize("name", [*models.CONDITIONS, *models.SECOND_RUNS])
@pytest.mark.parametrize("words", ["--layers 2,3", "--batch 3", "--beta 0.1"])
def test_networks_that_are_fixed(name, words, capsys):
    said = refused(f"check {name} {words}", capsys)
    assert "leave it out. It reads seed" in said


@pytest.mark.parametrize("layers", ["5,4", "5,4,3,2"])
def test_graphs_have_three_layers(layers, capsys):
    assert "name three" in refused(f"check dyadic --layers {layers}", capsys)


@pytest.mark.parametrize("seed", [True, 1.0, "1", -1])
def test_seeds_are_whole_numbers(seed):
    with pytest.raises(InputError, match="seed = "):
        check(models.HEB, seed=seed)


def test_seeds_of_every_size(unmeasured):
    assert check(models.HEB, seed=2**32 - 1)["seed"] == 2**32 - 1
    assert check(models.PFVP)["seed"] == 0 and check(models.CBVP)["seed"] == 1


# --- settings: used or refused ---


@pytest.mark.parametrize("name", ONE_EACH.values())
@pytest.mark.parametrize("words", ["--beta 0.1", "--friction 0.5", "--nudged 3"])
def test_options_that_a_check_fixes(name, words, capsys):
    option = words.split()[0].removeprefix("--")
    said = refused(f"check {name} {words}", capsys)
    assert f"{option} = " in said and "the check of" in said and "leave it out" in said


def test_options_that_a_check_reads(unmeasured):
    found = check(models.CONTINUAL_EP, activation="sigmoid", dynamics="discrete")
    assert found["asked"].choices == {"activation": "sigmoid", "dynamics": "discrete"}


def test_options_that_a_rule_does_not_read(capsys):
    assert "ep does not read plasticity" in refused(
        "check ep --plasticity product-rule", capsys
    )
    assert "activation = 'cubic'" in refused("check ep --activation cubic", capsys)


def settings(**choices):
    """Such as a caller has at hand: 5-7-3 units, tanh."""
    return Settings((5, 7, 3), (0.1,), 0.5, 10, 5, 0.5, activation="tanh", **choices)


def test_settings_are_used(unmeasured):
    chosen = settings()
    found = check(models.CONTINUAL_EP, chosen)
    assert found["asked"].choices["activation"] == "tanh"
    assert {"beta", "layers", "eta", "step"} <= set(found["fixed"])
    assert found["asked"].layers == FAMILIES["equilibrium"].layers


@pytest.mark.parametrize("word", sorted({*ONE_EACH.values()} & {*models.RULES}))
def test_settings_are_refused(word, unmeasured):
    with pytest.raises(InputError, match="(activation|tolerance) = .* sets it itself"):
        check(find_checked(word), settings(tolerance=0.01))


def test_choices_of_trajectories(unmeasured):
    problem = reference(0, duration=2.0)
    assert check(models.PFVP, problem=problem)["asked"].problem is problem
    assert check(models.CBVP, duration=1.0)["asked"].duration == 1.0
    with pytest.raises(InputError, match="a problem has a duration of its own"):
        check(models.PFVP, problem=problem, duration=1.0)
    with pytest.raises(InputError, match="the check of rhel sets it itself"):
        check(models.RHEL, duration=1.0)
    with pytest.raises(InputError, match="seeds = 1: the check of rhel sets it itself"):
        check(models.RHEL, seeds=1)
