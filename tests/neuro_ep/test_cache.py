"""Folders of processes that were killed are deleted, those in use are not."""

import json
import os
import subprocess
import sys
import time

import pytest

from neuro_ep import cache
from neuro_ep.command.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder for temporary files that nothing has swept yet."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(cache.tempfile, "tempdir", None)
    cache._sweep_scratch.cache_clear()
    return tmp_path


def left(folder, name, age_s):
    """A folder with a file in it, so many seconds old."""
    (folder / name / "results").mkdir(parents=True)
    then = time.time() - age_s
    os.utime(folder / name, (then, then))
    return folder / name


@pytest.fixture
def nobody():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return process.pid


OLD = cache.ABANDONED_S + 60


def test_what_a_killed_process_left_goes_a_day_later(here, nobody):
    gone = left(here, f"{cache.SCRATCH}{nobody}_abc", OLD)
    nameless = left(here, f"{cache.SCRATCH}abc", OLD)
    young = left(here, f"{cache.SCRATCH}{nobody}_def", 60)
    alive = left(here, f"{cache.SCRATCH}{os.getpid()}_abc", OLD)
    other = left(here, "another_program_abc", OLD)
    with cache.scratch_folder():
        pass
    assert not gone.exists() and not nameless.exists()
    assert young.exists() and alive.exists() and other.exists()


def test_scratch_folder_is_named_after_this_process_and_deleted(here):
    with cache.scratch_folder() as name:
        assert name.startswith(str(here / f"{cache.SCRATCH}{os.getpid()}_"))
        assert os.path.isdir(name)
    assert not os.path.exists(name)


def test_another_users_process_counts_as_alive(here, monkeypatch):
    def denied(number, signal):
        raise PermissionError

    folder = left(here, f"{cache.SCRATCH}1_abc", OLD)
    monkeypatch.setattr(cache.os, "kill", denied)
    cache.sweep(here, cache.SCRATCH)
    assert folder.exists()


def test_killed_run_leaves_what_the_next_day_deletes(here):
    code = (
        "from neuro_ep.cache import scratch_folder; import os;"
        "folder = scratch_folder(); folder.__enter__(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], env=dict(os.environ))
    (folder,) = here.glob(f"{cache.SCRATCH}*")
    then = time.time() - OLD
    os.utime(folder, (then, then))
    cache.sweep(here, cache.SCRATCH)
    assert not folder.exists()


# What is kept


def kept(folder, name, size, age_s):
    """A build or a start of so many bytes, last used so many seconds ago."""
    place = folder / name
    if name.startswith("start"):
        place.write_bytes(b"x" * size)
    else:
        place.mkdir(parents=True)
        (place / "main").write_bytes(b"x" * size)
    then = time.time() - age_s
    os.utime(place, (then, then))
    return place


BUILDS = [f"build_{number:024x}" for number in range(4)]
DAY = 24 * 3600


def test_what_was_not_used_for_long_goes(tmp_path):
    old = kept(tmp_path, BUILDS[0], 10, cache.OLDEST_S + 60)
    start = kept(tmp_path, f"start_{0:024x}.npz", 10, cache.OLDEST_S + 60)
    young = kept(tmp_path, BUILDS[1], 10, cache.OLDEST_S - 60)
    cache.trim(tmp_path)
    assert not old.exists() and not start.exists() and young.exists()


def test_the_least_recently_used_goes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LARGEST", 250)
    ages = (5 * DAY, 3 * DAY, 2 * DAY, 4 * DAY)
    found = zip(BUILDS, ages, strict=True)
    builds = [kept(tmp_path, name, 100, age) for name, age in found]
    cache.trim(tmp_path)
    assert [build.exists() for build in builds] == [False, True, True, False]


def test_what_may_be_running_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "LARGEST", 50)
    builds = [kept(tmp_path, name, 100, 3600) for name in BUILDS]
    cache.trim(tmp_path)
    assert all(build.exists() for build in builds)


def test_use_is_noted(tmp_path):
    build = kept(tmp_path, BUILDS[0], 10, 50 * DAY)
    cache.mark_used(build)
    assert time.time() - build.stat().st_mtime < 60


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("NEURO_EP_CACHE", str(folder))
    return folder


def test_the_command_tells_place_and_size(own_cache, capsys):
    kept(own_cache, BUILDS[0], 3_000_000, 0)
    assert main(["cache"]) == 0
    text = capsys.readouterr().out
    assert str(own_cache) in text and "1, 3.0 MB" in text and "90 days" in text
    assert main(["cache", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["place"], found["entries"]) == (str(own_cache), 1)
    assert found["bytes"] >= 3_000_000


def test_the_command_empties_it_and_touches_nothing_else(own_cache, capsys):
    for name in (*BUILDS, f"start_{0:024x}.npz", "neuro_ep_build_1_a"):
        kept(own_cache, name, 10, 0)
    (own_cache / "mine.txt").write_text("mine")
    (own_cache / "build_mine").mkdir()
    assert main(["cache", "--clear", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["deleted"], found["entries"], found["bytes"]) == (6, 0, 0)
    assert {path.name for path in own_cache.iterdir()} == {"mine.txt", "build_mine"}


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX modes")
def test_the_command_deletes_nothing_where_others_may_write(own_cache, capsys):
    build = kept(own_cache, BUILDS[0], 10, 0)
    own_cache.chmod(0o777)
    assert main(["cache", "--clear"]) == 2
    assert build.exists() and "is not yours alone" in capsys.readouterr().err


def test_a_cache_that_is_not_there(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path / "nowhere"))
    assert main(["cache", "--clear"]) == 0
    assert "entries  0" in capsys.readouterr().out
    assert not (tmp_path / "nowhere").exists()
