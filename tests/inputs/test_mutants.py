"""Whatever is given: status 0, 1 or 2, at most two lines, and nothing half-written."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

KINDS = (
    *("data", "settings", "lines", "sealed bytes", "members", "unsealed", "old bytes"),
    "parts",
)

#: Mutants of a kind: in every run, and in the exhaustive one.
FEW, MANY = 5, 130

#: Seconds for one mutant; the first waits for the imports of its process as well.
LIMIT, FIRST = 20, 60


class Pool:
    """A process for mutants, begun anew where one hangs or is killed."""

    def __init__(self, folder: Path, *options: str):
        self.folder, self.options, self.process = folder, options, None

    def tried(self, kind: str, number: int) -> dict:
        """What came of a mutant; ``{"died": why}`` where its process did not answer."""
        place = self.folder / f"{kind.replace(' ', '_')}_{number}"
        place.mkdir()
        limit = LIMIT if self.process else FIRST
        process = self._running()
        process.stdin.write(json.dumps([kind, number, str(place)]) + "\n")
        process.stdin.flush()
        ready = select.select([process.stdout], [], [], limit)[0]
        line = process.stdout.readline() if ready else ""
        if line:
            return json.loads(line)
        self.close()
        return {"died": f"status {process.returncode}" if ready else "no answer"}

    def _running(self) -> subprocess.Popen:
        if self.process is None:
            scratch = self.folder / "scratch"
            scratch.mkdir(exist_ok=True)
            own = {"TMPDIR": str(scratch), "NEURO_EP_CACHE": str(self.folder / "cache")}
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "worker.py"), *self.options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, **own, "OPENBLAS_NUM_THREADS": "1"},
            )
        return self.process

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


def wrong(found: dict) -> str:
    """What is wrong with what came of a mutant, "" where nothing is."""
    if "died" in found:
        return found["died"]
    lines = found["errors"].splitlines()
    reports = {
        "a traceback": found["trouble"] or "Traceback" in found["errors"],
        "another status": found["status"] not in (0, 1, 2),
        "more than two lines": len(lines) > 2,
        "no word": found["status"] and not lines,
        "control characters": not all(line.isprintable() for line in lines),
        "a long message": any(len(line) > 2100 for line in lines),
        "accepted": found["must_refuse"] and found["status"] != 2,
        "left behind": found["scratch"] or (found["status"] and found["left"]),
        "half-written": any(name.endswith((".part", ".tmp")) for name in found["left"]),
    }
    return "; ".join(name for name, holds in reports.items() if holds)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    made = Pool(tmp_path_factory.mktemp("mutants"))
    yield made
    made.close()


def faults(pool: Pool, kind: str, numbers) -> dict:
    """Number -> what is wrong, with all that is known of it."""
    tried = {number: pool.tried(kind, number) for number in numbers}
    return {
        number: (why, found) for number, found in tried.items() if (why := wrong(found))
    }


@pytest.mark.parametrize("kind", KINDS)
def test_mutants(pool, kind):
    assert faults(pool, kind, range(FEW)) == {}


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_many_mutants(pool, kind):
    assert faults(pool, kind, range(FEW, MANY)) == {}


def test_a_planted_fault_is_found(tmp_path):
    """Without the checks of labels, a mutant with a wrong one is accepted."""
    pool = Pool(tmp_path, "--planted")
    try:
        found = faults(pool, "data", range(2 * FEW))
    finally:
        pool.close()
    assert "accepted" in {why for why, _ in found.values()}
