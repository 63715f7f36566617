"""Compile the C++ project that Brian2 writes: fast code, little waiting.

Brian2's makefile parses the same headers once per code object and optimises everything
alike. Here the standard headers are compiled once for all builds, only code that runs
at every step is optimised, and it may use the vector functions of libm (``exp`` of
eight numbers at once) and, in float32, single-precision constants. Denormals are
flushed. Large products are shared by threads, where the compiler knows OpenMP.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from neuro_ep.cache import cache_folder, mark_used, work_folder
from neuro_ep.errors import RunError

PRELUDE = Path(__file__).with_name("prelude.hpp")

#: Folders of the cache where a build is going on.
UNFINISHED = "neuro_ep_build_"

#: glibc declares its vector functions only if told that all of -ffast-math holds; NaNs
#: are still recognised, since -fno-finite-math-only stays.
VECTOR_MATH = ["-D__FAST_MATH__"]

#: Loops over many arrays are vectorised too: GCC tests more pairs of them for overlap.
OVERLAPS = ["--param=vect-max-version-for-alias-checks=200"]
SINGLE_PRECISION = ["-fsingle-precision-constant"]
PLAIN = ["-O1"]
THREADS = ["-fopenmp"] if sys.platform == "linux" else []
FLUSH_DENORMALS = ["-ffast-math"]  # on the link line: sets it where the program starts


def compiler() -> str:
    """The C++ compiler: $CXX or g++."""
    return os.environ.get("CXX", "g++")


def compiler_version() -> str:
    """The first line of what the compiler says of itself, "" where there is none."""
    try:
        run = subprocess.run([compiler(), "--version"], capture_output=True, text=True)
    except OSError:
        return ""
    return run.stdout.splitlines()[0] if run.stdout else compiler()


def hot_flags(folder: Path, dtype) -> list[str]:
    """Flags for code that runs at every step."""
    single = SINGLE_PRECISION if np.dtype(dtype) == np.float32 else []
    return [
        *_makefile(folder, "OPTIMISATIONS"),
        "-I.",
        *THREADS,
        *VECTOR_MATH,
        *OVERLAPS,
        *single,
    ]


def compile_project(folder: Path, dtype):
    """Build ``main`` in a folder that Brian2 has written a project to.

    Raises
    ------
    RunError
        With the compiler's first complaint.
    """
    hot, link = hot_flags(folder, dtype), _makefile(folder, "LFLAGS")
    hot = [*hot, "-include", str(prelude(hot))]
    steps = sorted(
        path.relative_to(folder) for path in folder.glob("code_objects/*.cpp")
    )
    rest = [path.relative_to(folder) for path in folder.glob("*.cpp")]
    rest.sort(key=lambda path: path.name != "objects.cpp")  # the longest first
    jobs = [(path, [*hot, *PLAIN]) for path in rest] + [(path, hot) for path in steps]
    with ThreadPoolExecutor(os.cpu_count() or 1) as workers, _ended(workers):
        objects = list(workers.map(lambda job: _object(folder, *job), jobs))
    _run(folder, [*objects, "-o", "main", *link, *THREADS, *FLUSH_DENORMALS])
    for left in objects:
        (folder / left).unlink()


def take_over(device, dtype=np.float64):
    """Let Brian2's standalone device compile its projects as it is done here.

    Its makefile parses every source twice, and starts all compilers at once.
    """

    def compile_source(directory, *flags):
        compile_project(Path(directory), dtype)

    device.compile_source = compile_source


def prelude(flags: list[str]) -> Path:
    """The standard headers, compiled for these flags and kept in the cache.

    A compiler that cannot use the compiled headers reads the ones beside them.
    """
    flags = [flag for flag in flags if not flag.startswith("-I")]
    key = f"{compiler_version()} {' '.join(flags)} {PRELUDE.read_text()}"
    name = f"headers_{hashlib.sha256(key.encode()).hexdigest()[:24]}"
    folder = cache_folder() / name
    if not folder.exists():
        work = work_folder(UNFINISHED, folder.parent)
        try:
            shutil.copy(PRELUDE, work)
            compiled = f"{PRELUDE.name}.gch"
            _run(work, [*flags, "-x", "c++-header", PRELUDE.name, "-o", compiled])
            with suppress(OSError):  # another process was faster
                work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    mark_used(folder)
    return folder / PRELUDE.name


#: Compilers that run now.
_RUNNING: set[subprocess.Popen] = set()


@contextmanager
def _ended(workers: ThreadPoolExecutor) -> Iterator[None]:
    """Where compiling is stopped or fails, what runs is ended and no more begun."""
    try:
        yield
    except BaseException:
        workers.shutdown(wait=False, cancel_futures=True)
        for process in list(_RUNNING):
            process.terminate()  # it deletes its own temporary files then
        raise


def _object(folder: Path, source: Path, flags: list[str]) -> str:
    built = str(source.with_suffix(".o"))
    _run(folder, ["-c", *flags, str(source), "-o", built])
    return built


def _run(folder: Path, arguments: list[str]):
    """Run the compiler in a folder, where its temporary files go too."""
    run = subprocess.Popen(
        [compiler(), *arguments],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder.absolute())},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    _RUNNING.add(run)
    try:
        said = run.communicate()[1]
    finally:
        run.terminate()
        run.wait()
        _RUNNING.discard(run)
    if run.returncode:
        lines = said.splitlines() or [f"{compiler()} ended with {run.returncode}"]
        worst = next((line for line in lines if "error" in line), lines[-1])
        raise RunError(
            f"the C++ project did not compile: {worst.strip()}; --debug shows more, "
            "--target numpy does without"
        ) from RuntimeError(said[-5000:])


def _makefile(folder: Path, name: str) -> list[str]:
    """The words of a variable in Brian2's makefile, each once."""
    lines = (folder / "makefile").read_text().splitlines()
    line = next(line for line in lines if line.split("=")[0].strip() == name)
    return list(dict.fromkeys(shlex.split(line.split("=", 1)[1])))
