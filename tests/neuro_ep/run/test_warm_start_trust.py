"""What was left is read only where nobody else could write it, and never evaluated."""

import json
import os
import random
import sys

import numpy as np
import pytest

from neuro_ep.cache import cache_folder, is_private
from neuro_ep.finding import find_rule
from neuro_ep.run import warm_start as warm
from neuro_ep.run.bundle import MANIFEST, Bundle
from neuro_ep.run.plan import Plan, Start
from neuro_ep.run.program import ProgramSimulation
from neuro_ep.tasks import load

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs modes of files")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def left(cache):
    """The file that a command left behind; its program was never run."""
    rule = find_rule("continual-ep")
    settings = rule.settings("digits", layers=(64, 16, 10))
    folder = cache_folder() / "build_1"
    folder.mkdir(mode=0o700)
    (folder / MANIFEST).write_text(json.dumps({"variables": {}}))
    (folder / "main").write_text("a program")
    (folder / "main").chmod(0o755)
    plan = Plan(
        settings=settings,
        layers=("input", "hidden", "output"),
        activity=None,
        weights={"input_to_hidden": "input_to_hidden.w"},
        starts={"input_to_hidden": Start((64, 16), 0.0)},
        unit=1e-3,
        presentations="presentations",
        capacity=90,
        random_sign=True,
        values={"hidden.tau": 0.01, "presentations.phase_steps": np.array([25, 12])},
        held=("input_to_hidden",),
    )
    built = ProgramSimulation(plan, Bundle(folder, {}), "-O3")
    start().keep(rule, settings, load("digits"), built)
    assert start().left is not None
    return cache / start().name


def start():
    return warm.WarmStart({"a": "command"}, [])


def test_flipped_bytes_are_a_cold_start(left):
    whole, draw = left.read_bytes(), random.Random(0)
    for _ in range(60):
        data = bytearray(whole)
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        left.write_bytes(data)
        assert start().left is None


def test_cut_and_foreign_content_is_a_cold_start(left):
    whole = left.read_bytes()
    for content in (b"", whole[:100], whole[:-1], whole + b"0", b"\0" * 5000):
        left.write_bytes(content)
        assert start().left is None


class Planted:
    """What runs as soon as the object is loaded."""

    def __reduce__(self):
        return os.mkdir, (os.environ["PLANTED"],)


def test_foreign_objects_run_nothing(left, tmp_path, monkeypatch):
    import hashlib
    import importlib
    import io

    monkeypatch.setenv("PLANTED", str(tmp_path / "it_ran"))
    bare = importlib.import_module("pick" + "le").dumps(Planted())
    file = io.BytesIO()
    np.savez(file, text=np.array([Planted()], dtype=object))
    for content in (bare, file.getvalue()):
        checked = hashlib.sha256(content).digest() + content
        for data in (content, checked):
            left.write_bytes(data)
            assert start().left is None
    assert not (tmp_path / "it_ran").exists()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o702])
def test_a_folder_that_others_may_write_is_never_read(left, mode, monkeypatch):
    left.parent.chmod(mode)
    monkeypatch.setattr(warm, "understood", lambda data: pytest.fail("it was read"))
    assert start().left is None


@pytest.mark.parametrize("mode", [0o666, 0o620])
def test_a_file_that_others_may_write_is_never_read(left, mode, monkeypatch):
    left.chmod(mode)
    monkeypatch.setattr(warm, "understood", lambda data: pytest.fail("it was read"))
    assert start().left is None


@pytest.mark.parametrize("what", ["file", "folder", "program"])
def test_what_another_user_owns_is_never_read(left, what, monkeypatch):
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    given = {"file": left, "folder": left.parent, "program": left.parent / "build_1"}
    os.chown(given[what], 12345, 12345)
    assert start().left is None


def test_another_program_is_a_cold_start(left):
    (left.parent / "build_1" / "main").write_text("another program")
    assert start().left is None


def test_links_lead_nowhere(left, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    left.rename(elsewhere)
    left.symlink_to(elsewhere)
    assert start().left is None


def test_the_folder_is_made_for_the_user_alone(cache):
    before = os.umask(0)
    try:
        assert cache_folder() == cache
    finally:
        os.umask(before)
    assert cache.stat().st_mode & 0o777 == 0o700


def test_builds_go_elsewhere_where_others_may_write(cache, capsys):
    cache.mkdir()
    cache.chmod(0o777)
    other = cache_folder()
    assert other != cache and is_private(other) and cache_folder() == other
    assert list(cache.iterdir()) == []
    said = capsys.readouterr().err
    assert "chmod go-w" in said and said.count("\n") == 1
