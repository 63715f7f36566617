"""No garbage is collected while Brian2 makes objects, and all is as before after."""

import gc
from dataclasses import replace

import pytest

from neuro_ep import build_network, find_rule, on_target
from neuro_ep.build.collecting import uncollected


@pytest.fixture(params=[True, False])
def collects(request):
    """Whether garbage is collected around the test."""
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_as_before_after_an_error(collects):
    with pytest.raises(KeyError), uncollected():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled() == collects


def test_what_is_frozen_stays_frozen(monkeypatch):
    calls = []
    monkeypatch.setattr(gc, "isenabled", lambda: True)
    monkeypatch.setattr(gc, "enable", lambda: None)
    for frozen in (0, 5):
        monkeypatch.setattr(gc, "get_freeze_count", lambda count=frozen: count)
        monkeypatch.setattr(gc, "freeze", lambda: calls.append("freeze"))
        monkeypatch.setattr(gc, "unfreeze", lambda: calls.append("unfreeze"))
        with uncollected():
            calls.append(frozen)
    assert calls == ["freeze", 0, "unfreeze", 5]


def test_a_network_is_built_undisturbed(collects):
    rule, seen = find_rule("ep"), []

    def model(settings):
        seen.append(gc.isenabled())
        return rule.model(settings)

    with on_target("numpy"):
        build_network(replace(rule, model=model), rule.settings("digits"))
    assert not any(seen) and seen and gc.isenabled() == collects
