"""The cache of builds, with a compiler that compiles nothing."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from neuro_ep.run import build as device


def listing(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*"))


def wait_for(condition, process, seconds=120):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "it does not come"
        time.sleep(0.002)


# The cache of builds, with a compiler that compiles nothing

BUILD = """
    import numpy
    from brian2 import NeuronGroup, Network, second
    from neuro_ep.run import build as device
    from neuro_ep.run.target import select_target
    select_target("standalone")
    net = Network(NeuronGroup(2, "v : 1", name="cells"))
    net.run(1 * second)
    print("written", flush=True)
    print(device.build_bundle(numpy.dtype("float64"))[0].folder.name)
"""


COMPILER_SCRIPT = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -o ] && out="$2"; shift; done
[ -z "$out" ] || touch "$out"
if [ "$out" = main ]; then {script}; fi
"""


@pytest.fixture
def build(tmp_path):
    """Start a build in a process, whose compiler links `main` by this script."""

    def start(script) -> subprocess.Popen:
        compiler = tmp_path / "compiler"
        compiler.write_text(COMPILER_SCRIPT.format(script=script))
        compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
        environment = {
            **os.environ,
            "CXX": str(compiler),
            "NEURO_EP_CACHE": str(tmp_path / "cache"),
        }
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(BUILD)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def builds(paths):
    """Without the standard headers, which are kept for all builds."""
    return [path for path in paths if not path.name.startswith("headers_")]


needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
LINK = "echo '#!/bin/sh' > main; chmod +x main"


@needs_shell
def test_two_builds_at_once(build, tmp_path):
    """Both compile, the first names its build, and nobody replaces that."""
    wait = "while [ $(ls .. | grep -c making) -lt 2 ]; do sleep 0.05; done"
    both = f"touch ../making.$$; {wait}; {LINK}"
    processes = [build(both), build(both)]
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    names = {output.splitlines()[-1] for output, _ in outputs}
    found = builds(path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    assert {path.name for path in found} == names and len(names) == 1


@needs_shell
def test_publishing_leaves_what_another_process_runs(tmp_path):
    for name in ("slow", "build"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "manifest.json").write_text('{"variables": {}}')
        (folder / "main").touch(mode=0o755)
    inode = (tmp_path / "build").stat().st_ino
    device._publish(tmp_path / "slow", tmp_path / "build")
    assert (tmp_path / "build").stat().st_ino == inode
    (tmp_path / "build" / "main").unlink()  # now it is no build
    device._publish(tmp_path / "slow", tmp_path / "build")
    assert (tmp_path / "build" / "main").exists()
    assert listing(tmp_path) == ["build", "build/main", "build/manifest.json"]


@needs_shell
def test_killed_build_is_no_build(build, tmp_path):
    cache = tmp_path / "cache"
    process = build("echo half > main; chmod +x main; sleep 600")
    wait_for(lambda: list(cache.glob("*/main")), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (left,) = builds(cache.iterdir())
    assert left.name.startswith("neuro_ep_build_")
    day_before = time.time() - 2 * 24 * 3600
    os.utime(left, (day_before, day_before))
    process = build(LINK)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert [folder.name for folder in builds(cache.iterdir())] == [output.split()[-1]]
    assert (cache / output.split()[-1] / "main").read_text() == "#!/bin/sh\n"


@needs_shell
def test_compiler_error_is_told_in_a_line(build, tmp_path):
    process = build("echo 'main.cpp:3: fatal error: no space' >&2; exit 2")
    _, errors = process.communicate(timeout=120)
    last = errors.strip().splitlines()[-1]
    assert last.startswith("neuro_ep.errors.RunError: the C++ project did not compile:")
    assert "fatal error: no space" in last and "--target numpy" in last
    assert list(builds((tmp_path / "cache").iterdir())) == []
