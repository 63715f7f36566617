"""The standard headers are compiled once for all builds that have the same flags."""

import shutil

import pytest

from neuro_ep.errors import RunError
from neuro_ep.run import compiler

FLAGS = ["-I/somewhere", "-std=c++11", "-O0"]

pytestmark = pytest.mark.skipif(
    shutil.which(compiler.compiler()) is None, reason="needs a C++ compiler"
)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_headers_are_compiled_once(own_cache, monkeypatch):
    calls, run = [], compiler._run
    monkeypatch.setattr(
        compiler, "_run", lambda *job: (calls.append(job), run(*job))[1]
    )
    first = compiler.prelude(FLAGS)
    assert sorted(path.name for path in first.parent.iterdir()) == [
        "prelude.hpp",
        "prelude.hpp.gch",
    ]
    assert compiler.prelude(["-I/elsewhere", *FLAGS[1:]]) == first
    assert compiler.prelude([*FLAGS, "-g"]) != first
    assert len(calls) == 2 and len(list(own_cache.iterdir())) == 2


def test_headers_that_do_not_compile_leave_nothing(own_cache):
    with pytest.raises(RunError, match="did not compile"):
        compiler.prelude([*FLAGS, "-std=nonesuch"])
    assert list(own_cache.iterdir()) == []


def test_sources_that_include_them_compile(own_cache, tmp_path):
    """The compiler takes the compiled headers: it would warn where it cannot."""
    source = tmp_path / "sums.cpp"
    source.write_text("double sum() { return std::vector<double>(3).size(); }")
    prelude = compiler.prelude(FLAGS)
    checked = [*FLAGS, "-include", str(prelude), "-Werror=invalid-pch"]
    assert compiler._object(tmp_path, source, checked) == str(tmp_path / "sums.o")
    assert (tmp_path / "sums.o").stat().st_size
