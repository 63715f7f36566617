"""Folders of processes that were killed are deleted, those in use are not."""

import os
import subprocess
import sys
import time

import pytest

from neuro_ep import cache


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
