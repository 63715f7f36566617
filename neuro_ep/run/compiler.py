"""Compile the C++ project that Brian2 writes: fast code, little waiting.

Brian2's makefile parses the same headers once per code object and optimises everything
alike. Here the headers are compiled once, only code that runs at every step is
optimised, and it may use the vector functions of libm (``exp`` of eight numbers at
once) and, in float32, single-precision constants. Denormals are flushed. Large products
are shared by threads, where the compiler knows OpenMP.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from neuro_ep.errors import RunError

HEADER = "objects.h"

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
    plain = [*hot, *PLAIN]
    steps = sorted(
        path.relative_to(folder) for path in folder.glob("code_objects/*.cpp")
    )
    rest = [path.relative_to(folder) for path in folder.glob("*.cpp")]
    rest.sort(key=lambda path: path.name != "objects.cpp")  # the longest first
    with ThreadPoolExecutor(os.cpu_count() or 1) as workers, _ended(workers):
        others = [workers.submit(_object, folder, path, plain) for path in rest]
        _run(folder, [*hot, "-x", "c++-header", HEADER, "-o", f"{HEADER}.gch"])
        shared = [*hot, "-include", HEADER]
        jobs = [workers.submit(_object, folder, path, shared) for path in steps]
        objects = [job.result() for job in [*others, *jobs]]
    _run(folder, [*objects, "-o", "main", *link, *THREADS, *FLUSH_DENORMALS])
    for left in [*objects, f"{HEADER}.gch"]:
        (folder / left).unlink()


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
    run = subprocess.Popen(
        [compiler(), *arguments],
        cwd=folder,
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
