"""The scripts that the README shows run as they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
SCRIPTS = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)


def test_there_are_scripts():
    assert len(SCRIPTS) == 2


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=["train", "dense"])
def test_script_runs(script, tmp_path):
    # a file, since Brian2 looks at the source of what calls it
    file = tmp_path / "script.py"
    file.write_text(script)
    command = [sys.executable, str(file)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    if "print" in script:
        accuracy = float(re.search(r"test accuracy ([\d.]+)", run.stdout)[1])
        assert accuracy > 0.9
        assert (tmp_path / "runs" / "mine.h5").exists()
