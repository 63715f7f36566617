"""Lines of equations that stand in more than one place of a folder of model files.

An equation is written once, and models are sums of such blocks: what stands more than
twice has to be mended more than twice. Counted are equations and statements, apart from
them declarations such as ``x : 1``, of which no sign can be wrong:

    python tests/models/repeated_lines.py [FOLDER]
"""

import ast
import re
import sys
from collections import Counter
from pathlib import Path

MODELS = Path(__file__).parents[2] / "models"

#: A line that says what something is, or becomes: ``dv/dt = ...``, ``g -= theta``.
DYNAMIC = re.compile(r"(\w+|d\w+/dt)\s*[-+*/]?=\s*[^=\s].*")

#: A line that only says that something is there: ``tau : second (shared, constant)``.
DECLARATION = re.compile(r"\w+\s*:\s*\w[\w*/]*\s*(\([\w\s,]+\))?")

#: What follows an equation: its unit and flags.
UNIT = re.compile(r"\s:\s.*")


def texts(source: str) -> list[str]:
    """The constant strings of a module but for docstrings and messages."""
    tree = ast.parse(source)
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            left_out.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            left_out |= {id(part) for part in node.values}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in left_out
    ]


def counted(folder: Path, kind: re.Pattern) -> Counter:
    """Line of that kind -> in how many places it stands, without unit or alignment."""
    found = Counter()
    for file in sorted(folder.rglob("*.py")):
        for text in texts(file.read_text()):
            for line in map(str.strip, text.splitlines()):
                if kind.fullmatch(line):
                    plain = UNIT.sub("", line) if kind is DYNAMIC else line
                    found["".join(plain.split())] += 1
    return found


def repeated(folder: Path, kind: re.Pattern = DYNAMIC) -> dict[str, int]:
    """Those that stand more than twice, the most frequent first."""
    return {line: n for line, n in counted(folder, kind).most_common() if n > 2}


def main(folder: Path):
    """Prints what stands more than twice."""
    for name, kind in {"dynamic lines": DYNAMIC, "declarations": DECLARATION}.items():
        lines = repeated(folder, kind)
        places = sum(lines.values())
        print(f"{len(lines)} {name} stand more than twice, in {places} places")
        for line, count in lines.items():
            print(f"{count:4} {line}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else MODELS)
