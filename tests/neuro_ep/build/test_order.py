"""The order of a step: a stored table for every rule, and what holds for all of them.

A table that has changed on purpose is written anew, all of them, by

    python tests/neuro_ep/build/test_order.py
"""

from dataclasses import replace
from pathlib import Path

import pytest

from neuro_ep.build.order import PLACES, at, slot
from neuro_ep.command.printing import equations, order
from neuro_ep.errors import InputError
from neuro_ep.finding import find_rule
from neuro_ep.models import RULES
from neuro_ep.records import moment

ORDERS = Path(__file__).with_name("orders")


def form(name):
    """A rule, and its settings for its first task, with few samples at a time."""
    rule = find_rule(name)
    return rule, rule.settings(next(iter(rule.defaults)), batch=2)


def table(rows):
    """The rows as they are stored, a line each."""
    lines = [
        f"{row['moment']:17} {row['slot']:16} {row['order']:<6g} {row['object']}"
        f" | {row['what']}"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module", params=RULES)
def named(request):
    """The name of a rule, and the order of its step."""
    return request.param, order(*form(request.param))


def places(rows, *moments):
    """The numbers of the rows at these moments."""
    return [k for k, row in enumerate(rows) if row["moment"] in moments]


def test_the_order_is_the_stored_one(named):
    name, rows = named
    assert table(rows) == (ORDERS / f"{name}.txt").read_text()


def test_the_presentation_comes_first_and_once(named):
    _, rows = named
    assert places(rows, moment.PRESENT) == [0]


def test_every_row_has_a_moment_of_its_slot(named):
    _, rows = named
    assert all(PLACES[row["moment"]][0] == row["slot"] for row in rows)


def test_sums_are_delivered_before_their_neurons_move(named):
    """Those of one group that read: the variable is in no row after they moved."""
    _, rows = named
    moved = {
        row["what"].split(":")[0]: row["order"]
        for row in rows
        if row["moment"] == moment.MOVE and row["object"].endswith("_stateupdater")
    }
    for row in rows:
        if row["moment"] == moment.DELIVER:
            later = [order for order in moved.values() if order > row["order"]]
            assert later and min(later) - row["order"] <= 1


def test_weights_that_learn_do_so_after_all_neurons_have_moved(named):
    _, rows = named
    learning = places(rows, moment.LEARN, moment.LEARN_AFTER_RESET)
    moving = places(rows, moment.FIRST_HALF, moment.MOVE, moment.SECOND_HALF)
    assert not learning or min(learning) > max(moving)


def test_another_moment_is_noticed():
    """Weights that change while the neurons move, where the rule says later."""
    rule, settings = form("continual-ep")

    def early(settings):
        model = rule.model(settings)
        return replace(model, synapse=replace(model.synapse, when=moment.MOVE))

    rows = order(replace(rule, model=early), settings)
    assert table(rows) != (ORDERS / "continual-ep.txt").read_text()


def test_places_are_in_the_order_of_the_moments():
    from brian2 import Network

    slots = Network().schedule
    every = [f"{side}{name}" for name in slots for side in ("before_", "", "after_")]
    found = [(every.index(where), later) for where, later in PLACES.values()]
    assert found == sorted(found)
    assert list(PLACES) == list(moment.MEANINGS)


def test_a_slot_is_no_moment():
    with pytest.raises(InputError, match=r"no moment .* 'synapses'"):
        slot("synapses")


def test_a_little_later():
    assert at(moment.LEARN, 2) == {"when": "synapses", "order": 2}


@pytest.mark.parametrize("name", RULES)
def test_the_page_has_every_text_of_the_records(name):
    rule, settings = form(name)
    model = rule.model(settings)
    groups = equations(rule, settings)["groups"]
    text = str(groups)
    for kind in (model.input, model.output, model.synapse, model.bias):
        codes = [kind.equations, *kind.regularly.values(), getattr(kind, "update", "")]
        for line in "\n".join(codes).splitlines():
            assert line.strip() in text
    assert set(groups["output"]["parameters"]) == set(model.output.parameters)


if __name__ == "__main__":
    for rule in RULES:
        (ORDERS / f"{rule}.txt").write_text(table(order(*form(rule))))
