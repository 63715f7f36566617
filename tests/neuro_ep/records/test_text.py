"""Records as plain data: every rule there and back, exactly; strict where it reads."""

import json
import math

import numpy as np
import pytest
from brian2 import Hz, ms, mV, nA, siemens

from neuro_ep.build.parameters import with_quantities
from neuro_ep.errors import InputError
from neuro_ep.finding import find_rule
from neuro_ep.models import RULES
from neuro_ep.records.model import NeuronModel
from neuro_ep.records.recorded import as_recorded, read_recorded
from neuro_ep.records.text import LONGEST, as_plain, parse, read_record


@pytest.mark.parametrize("name", RULES)
def test_every_rule_comes_back_equal(name):
    rule = find_rule(name)
    for settings in rule.defaults.values():
        plain = json.loads(json.dumps(as_recorded(rule, settings)))
        again, chosen = read_recorded(plain, settings.epochs)
        assert chosen == settings
        assert with_quantities(again.model(chosen)) == rule.model(settings)
        assert again.protocol(chosen) == rule.protocol(settings)
        assert again.bounds == rule.bounds and again.claims == rule.claims
        assert as_recorded(again, chosen) == plain


#: The exponents of a volt.
VOLT = (2.0, 1.0, -3.0, -1.0, 0.0, 0.0, 0.0)


def neuron(**parameters):
    return NeuronModel("x : 1", parameters=parameters)


def there_and_back(record):
    return read_record(type(record), json.loads(json.dumps(as_plain(record))), "it")


def test_quantities_are_exact_to_the_last_bit():
    given = {
        "tau": 0.1 / 3 * ms,
        "g": 7.3 * nA / mV,
        "rate": np.float64(1 / 7) * Hz,
        "odd": 3 * siemens**0.5,
        "plain": 0.1 + 0.2,
        "whole": 3,
        "far": math.inf,
    }
    again = with_quantities(there_and_back(neuron(**given))).parameters
    assert again == given
    for name, value in again.items():
        assert float(value).hex() == float(given[name]).hex()


@pytest.mark.parametrize(
    "change",
    [
        {"surprise": 1},
        {"equations": 7},
        {"marks": "xy"},
        {"marks": [1]},
        {"onset": []},
        {"onset": {"x": [1]}},
        {"onset": {"x": {"si": 1}}},
        {"onset": {"x": {"si": "1", "value": 1, "unit": "mV", "dimensions": [0] * 7}}},
        {"onset": {"x": {"si": 1, "value": 1, "unit": "mV", "dimensions": [0] * 6}}},
        {"parameters": {"x": 10**40}},
        {"events": {"spike": ["v > 1"]}},
        {"apical": True},
    ],
)
def test_what_no_record_has_is_refused(change):
    plain = {**as_plain(neuron(x=1.0)), **change}
    with pytest.raises(InputError, match="it"):
        read_record(NeuronModel, plain, "it")


def test_records_within_records_end():
    plain = as_plain(neuron())
    for _ in range(100):
        plain = {**plain, "apical": plain}
    with pytest.raises(InputError, match="deep"):
        read_record(NeuronModel, plain, "it")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, " " * (LONGEST + 1)])
def test_text_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="its model"):
        parse(text, "its model")


@pytest.mark.parametrize("value", [len, {1: len}, np.array([object()])])
def test_what_is_no_data_is_not_written(value):
    with pytest.raises(TypeError, match="cannot be written down"):
        as_plain(value)


def test_small_arrays_are_written_among_the_data():
    for values, dimensions in ((np.eye(2), (0,) * 7), (np.eye(2) * mV, VOLT)):
        plain = json.loads(json.dumps(as_plain(neuron(x=values))))
        (again,) = read_record(NeuronModel, plain, "it").parameters.values()
        np.testing.assert_array_equal(again.numbers, np.asarray(values))
        assert again.dimensions == dimensions
        assert as_plain(neuron(x=again)) == plain
    with pytest.raises(InputError, match="cannot be recorded: give at most 100000"):
        as_plain(np.zeros(100_001))
    with pytest.raises(InputError, match="finite"):
        as_plain(np.array([np.inf]))


@pytest.mark.parametrize(
    "change",
    [
        {"numbers": [1.0]},
        {"numbers": ["1", 2.0]},
        {"shape": [3]},
        {"shape": [-1, -2]},
        {"shape": [1e300]},
        {"dimensions": [0.0]},
        {"more": 1},
    ],
)
def test_arrays_that_are_none_are_refused(change):
    plain = as_plain(neuron(x=np.ones(2)))
    plain["parameters"]["x"] |= change
    with pytest.raises(InputError, match="it.parameters.x"):
        read_record(NeuronModel, plain, "it")


def test_arrays_are_kept_beside_the_data():
    arrays = {}
    plain = as_plain({"a": np.arange(3.0)}, arrays)
    assert plain == {"a": {"array": "array_0"}}
    np.testing.assert_array_equal(arrays["array_0"], [0, 1, 2])
