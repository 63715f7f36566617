"""Mutations of what a user or a stranger may give to the commands.

A mutant is made by its kind and its number alone: it fills an empty folder with files
and names the words of a command. ``must_refuse`` says that status 2 is the only right
one, since what was changed leaves no doubt.
"""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from neuro_ep import recording
from neuro_ep.recording.checksum import BLOCK, reseal
from neuro_ep.records.parameter import DECLARED

#: The network that learns where nothing is wrong.
SMALL = [
    *("--rule", "continual-ep", "--layers", "4,3,10", "--batch", "2", "--epochs", "1"),
    *("--free", "2", "--nudged", "1", "--step", "1", "--eta", "0.01"),
    *("--target", "numpy", "--out", "run.h5"),
]

#: Words that are put where others are wanted.
WORDS = [
    *("", "0", "-1", "1", "2", "3.5", "nan", "inf", "-inf", "1e308", "-1e308", "1e39"),
    *("1e-320", "9" * 20, "9" * 400, "10000000000", "٣", "½", "²", "0x10", "1_000"),
    *("a", "--", "-", "x" * 5000, "\x1b[31mred", "a\nb\nc", "a\rb", "‮abc", "\udcff"),
    *("a\0b", "🦉", "e\u0301", "../x", "/proc/nonesuch/x", "x/", ".", "''", "%s", "{}"),
    *("1,2", "4,3,10", "4,10", "4," * 300 + "10", "4,10000000000,10", "0-1,1-2"),
    *("0-1,0-2", "0-1,1-1,1-2", "0-0", "1-0", "9-9", "1-", "digits", "ep", "rhel"),
    *("16c3p1,all", "a2,all", "16c3s0,all", "0c0", "1,2,2", "symmetric", "adam"),
]


@dataclass(frozen=True)
class Mutant:
    """The words of a command, and whether it must be refused."""

    words: list[str]
    must_refuse: bool = False


def make(kind: str, number: int, folder: Path) -> Mutant:
    """The mutant of this kind and number, its files in the folder."""
    return KINDS[kind](random.Random(f"{kind} {number}"), folder)


# --- data sets ---


def arrays() -> dict[str, np.ndarray]:
    """Pictures of 2 x 2 pixels in the ten classes: ten to train, four to test."""
    draw = np.random.default_rng(0)
    pixels = draw.integers(0, 256, (14, 2, 2), dtype=np.uint8)
    labels = (np.arange(14) % 10).astype(np.uint8)
    parts = pixels[:10], labels[:10], pixels[10:], labels[10:]
    return dict(zip(("x_train", "y_train", "x_test", "y_test"), parts, strict=True))


def data(draw: random.Random, folder: Path) -> Mutant:
    """An .npz file or four IDX files with something changed."""
    found, must_refuse = arrays(), False
    change = draw.choice(["label", "array", "bytes", "bytes", "size"])
    if change == "label":
        name, must_refuse = draw.choice(["y_train", "y_test"]), True
        found[name] = found[name].copy()
        found[name][draw.randrange(len(found[name]))] = draw.randrange(10, 256)
    elif change == "array":
        name = draw.choice(list(found))
        found[name] = draw.choice(ARRAYS)(found[name])
    write = draw.choice([as_npz, as_idx])
    try:
        files = write(found, folder)
    except (ValueError, OverflowError, AttributeError):  # no IDX file holds it
        files = as_npz(found, folder)
    if change in ("bytes", "size"):
        damaged(draw, draw.choice(files), cut=change == "size")
    given = "set.npz" if files[0].suffix == ".npz" else "."
    return Mutant(["train", "mnist", "--data", given, *SMALL], must_refuse)


#: What is put in the place of an array.
ARRAYS: list[Callable] = [
    lambda array: array.astype(float),
    lambda array: array.astype("O"),
    lambda array: array.astype("U3"),
    lambda array: array.astype(complex),
    lambda array: array[:0],
    lambda array: array[:-1],
    lambda array: array.reshape(-1, 1, 1, 1),
    lambda array: np.asarray(array.flat[0]),
    lambda array: array.astype("i8") - 1,
    lambda array: array.astype("i8") * 2**40,
    lambda array: np.full(array.shape, np.nan),
    lambda array: np.zeros(array.shape, [("a", "i4")]),
]


def as_npz(found, folder: Path) -> list[Path]:
    np.savez(folder / "set.npz", **found)
    return [folder / "set.npz"]


def as_idx(found, folder: Path) -> list[Path]:
    names = {"x_train": "train-images-idx3", "y_train": "train-labels-idx1"}
    names |= {"x_test": "t10k-images-idx3", "y_test": "t10k-labels-idx1"}
    files = []
    for key, array in found.items():
        if array.dtype != np.uint8:
            raise ValueError("IDX files hold bytes")
        head = bytes([0, 0, 8, array.ndim]) + struct.pack(
            f">{array.ndim}I", *array.shape
        )
        files.append(folder / f"{names[key]}-ubyte")
        files[-1].write_bytes(head + array.tobytes())
    return files


def damaged(draw: random.Random, file: Path, cut: bool = False):
    """Change some bytes of a file, or its length."""
    content = bytearray(file.read_bytes())
    if cut:
        more = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 40)))
        short = content[: draw.randrange(len(content))]
        content = draw.choice([short, content + more])
    else:
        for _ in range(draw.choice([1, 1, 4, 40])):
            content[draw.randrange(len(content))] = draw.randrange(256)
    file.write_bytes(content)


# --- settings and command lines ---

OPTIONS = [
    *("layers", "connections", "filters", "image", "activation", "dynamics", "cost"),
    *("alpha", "friction", "read", "weight-angle", "beta", "nudging", "free", "nudged"),
    *("step", "tolerance", "judged", "eta", "plasticity", "plastic-every", "decay"),
    *("optimiser", "batch", "epochs", "seed", "dtype", "target", "preset", "data"),
    *("out", "figure", "rule"),
]


#: Kind of a parameter -> words that are of its kind, and yet may not do.
OF_KIND = {
    "number": ["0", "1", "0.5", "-1", "nan", "inf", "1e308", "1e-320", "1e39", "90"],
    "count": ["0", "1", "2", "7", "-3", "9" * 20, "10000000000", "1000000000"],
    "numbers": ["0.1", "1e308,1e308", "0,0", "nan,1", "1e-320", "1e39,1", "0.1,0.1,1"],
    "counts": [*("4,3,10", "64,3,10", "4,10", "4,0,10", "4", "4,3,3,10", "1,2,2")],
    "words": ["16c3p1,all", "all,all", "2c2,all", "a2,all", "16c9,all", "0c0,all"],
    "pairs": ["0-1,1-2", "0-1,0-2", "0-1,1-1,1-2", "0-1,1-2,0-2", "1-2", "2-0,0-1,1-2"],
}
OF_KIND["counts"] += ["4,100000000,10", "64,10000000000,10", "1,1,4", "1,8,8", "64,10"]

#: Rules that learn the digits, each in a way of its own.
RULES = ("continual-ep", "ep", "dual-propagation", "dyadic", "spiking-ep")


def word_for(draw: random.Random, option: str) -> str:
    """Mostly a word of the option's kind, else any word at all."""
    parameter = DECLARED.get(option.replace("-", "_"))
    if parameter is None or draw.random() < 0.2:
        return draw.choice(WORDS)
    return draw.choice(OF_KIND.get(parameter.kind) or DECLARED[parameter.name].choices)


def settings(draw: random.Random, folder: Path) -> Mutant:
    """One to three options with words of their kind, or any at all."""
    as_npz(arrays(), folder)
    words = ["train", "mnist", "--data", "set.npz", *SMALL]
    if draw.random() < 0.5:
        words = ["train", "digits", "--rule", draw.choice(RULES), "--out", "run.h5"]
    for option in draw.sample(OPTIONS, draw.choice([1, 1, 2, 3])):
        words.append(f"--{option}={word_for(draw, option)}")
    return Mutant(words)


LINES = [
    ["list"],
    ["list", "--rule", "ep"],
    ["train", "digits", *SMALL],
    ["check", "ep", "--layers", "5,12,3", "--batch", "3", "--seed", "1"],
    ["check", "glep-natural", "--seed", "0"],
    ["order", "ep", "--layers", "4,3,2"],
    ["equations", "rhel", "--json"],
    ["bench", "continual-ep", "--rounds", "2"],
    ["info", "old.h5"],
    ["report", "old.h5", "-o", "page.html"],
    ["cache", "--clear"],
]


def lines(draw: random.Random, folder: Path) -> Mutant:
    """A command whose words are left out, doubled, exchanged, or changed."""
    recorded(folder / "old.h5")
    words = list(draw.choice(LINES))
    for _ in range(draw.choice([1, 1, 2, 3])):
        place = draw.randrange(len(words))
        change = draw.randrange(6)
        if change == 0:
            del words[place]
        elif change == 1:
            words.insert(place, words[place])
        elif change == 2:
            other = draw.randrange(len(words))
            words[place], words[other] = words[other], words[place]
        elif change == 3:
            words[place] = draw.choice(WORDS)
        elif change == 4:
            words.insert(place, f"--{draw.choice(OPTIONS)}")
        else:
            cut = draw.randrange(len(words[place]) + 1)
            odd = draw.choice("\0\n\x1b,-=:é0")
            words[place] = words[place][:cut] + odd + words[place][cut:]
        words = words or ["list"]
    return Mutant(words)


# --- recordings ---

PROJECTION = {"source_pop": "input", "target_pop": "output", "units": "mV"}
HEADER = {
    **{"rule": "ep", "task": "digits", "layers": [4, 3], "seed": 0, "epochs": 2},
    **{"target": "numpy", "equations": {"output": "dv/dt = -v/tau : 1"}},
    "projections": {"input_to_output": {**PROJECTION, "shape": [4, 3]}},
    "parameters": {"eta": {"value": [0.1], "unit": "1"}},
    "units": {"wall_s": {"unit": "s", "si_factor": 1.0}},
    "dataset": {"name": "digits", "source": "here", "shape": [2, 2], "classes": 3},
    "records": {"settings": {"layers": [4, 3]}},
}


def begun(path: Path, epochs: int = 2) -> recording.RunWriter:
    """A run of three epochs that is not finished."""
    writer = recording.create(path, HEADER)
    for epoch in range(epochs + 1):
        weights = np.random.default_rng(epoch).normal(size=(4, 3))
        row = {"test_accuracy": epoch / 2, "train_cost": 1.0, "wall_s": 0.1}
        writer.checkpoint(epoch, {"input_to_output": weights}, row, {"v": weights})
    return writer


def recorded(path: Path) -> Path:
    return begun(path).finish(duration_s=1.0)


READING = [
    ["info", "run.h5"],
    ["info", "--json", "run.h5"],
    ["report", "run.h5", "-o", "page.html"],
]


def sealed_bytes(draw: random.Random, folder: Path) -> Mutant:
    """Bytes changed by a bad disk: the seal tells."""
    damaged(draw, recorded(folder / "run.h5"), cut=draw.random() < 0.3)
    same = (folder / "run.h5").read_bytes() == recorded_bytes(folder)
    return Mutant(draw.choice(READING), must_refuse=not same)


def recorded_bytes(folder: Path) -> bytes:
    path = recorded(folder / "other.h5")
    content = path.read_bytes()
    path.unlink()
    return content


def members(draw: random.Random, folder: Path) -> Mutant:
    """Members and attributes of another kind, in a file that is sealed anew."""
    path = recorded(folder / "run.h5")
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        for name in draw.sample(sorted(names), draw.choice([1, 1, 2])):
            if name in file:
                draw.choice(MEMBERS)(draw, file, name)
    reseal(path)
    return Mutant(draw.choice(READING))


def _removed(draw, file, name):
    del file[name]


def _other_value(draw, file, name):
    del file[name]
    file[name] = draw.choice(VALUES)


def _other_attribute(draw, file, name):
    known = list(file[name].attrs) or ["units"]
    file[name].attrs[draw.choice(known)] = draw.choice(VALUES)


def _lost_attribute(draw, file, name):
    for known in list(file[name].attrs)[: draw.randrange(1, 3)]:
        del file[name].attrs[known]


def _link(draw, file, name):
    del file[name]
    links = h5py.SoftLink(f"/{name}"), h5py.SoftLink("/"), h5py.SoftLink("/nowhere")
    elsewhere = h5py.ExternalLink("/proc/self/environ", "/"), file["/"]
    file[name] = draw.choice([*links, *elsewhere])


def _terabytes(draw, file, name):
    del file[name]
    kept = {"chunks": (1024,), "compression": draw.choice([None, "gzip"])}
    file.create_dataset(name, (2**42,), "f8", **kept)


def _deep(draw, file, name):
    del file[name]
    file.create_group(name + "/a" * draw.choice([3, 30, 300]))


def _many(draw, file, name):
    del file[name]
    for number in range(draw.choice([100, 400])):
        file[f"{name}/{number}"] = number


MEMBERS = [
    *(_removed, _other_value, _other_value, _other_attribute, _other_attribute),
    *(_lost_attribute, _link, _terabytes, _deep, _many),
]

#: Values that no recording of ours has in most places.
VALUES = [
    *(0, -1, 1.5, np.nan, np.inf, True, 2**63 - 1, "", "text", "[" * 20_000, "{}"),
    *("null", "[1]", '{"a": {}}', "\x1b[31mred\x1b[0m", "$x^2$", "a\nb", "x" * 60_000),
    *(b"\xff\xfe", np.zeros(0), np.zeros((0, 3)), np.zeros((3, 0)), np.ones((4, 3))),
    *(np.full((4, 3), 1e308), np.arange(3), np.array(["a", "b"], "S1"), 1 + 2j),
    *(np.zeros(2, [("a", "i4")]), h5py.Empty("f8"), h5py.Empty("S1"), np.float16(1)),
    *(np.array(["one", "two"], h5py.string_dtype()), np.longdouble(1)),
]


def unsealed(draw: random.Random, folder: Path) -> Mutant:
    """A file of before, without a seal, of which the end is lost."""
    path = recorded(folder / "run.h5")
    content = path.read_bytes()[BLOCK:]
    path.write_bytes(content[: draw.randrange(len(content))])
    return Mutant(draw.choice(READING), must_refuse=True)


def old_bytes(draw: random.Random, folder: Path) -> Mutant:
    """A file of before, without a seal, of which some bytes are others."""
    path = recorded(folder / "run.h5")
    path.write_bytes(path.read_bytes()[BLOCK:])
    damaged(draw, path)
    return Mutant(draw.choice(READING))


def parts(draw: random.Random, folder: Path) -> Mutant:
    """An unfinished run whose files are damaged or another's."""
    writer = begun(folder / "run.h5")
    files = sorted(writer.part.iterdir())
    file = draw.choice(files)
    change = draw.randrange(5)
    if change == 0:
        damaged(draw, file, cut=draw.random() < 0.5)
    elif change == 1:
        file.unlink()
    elif change == 2:
        file.write_text(draw.choice(["[]", "3", "null", "{}", "[" * 20_000, '"a"']))
    elif change == 3 and file.suffix == ".h5":
        with h5py.File(file, "r+") as opened:
            del opened[draw.choice(["log", "weights", "state"])]
        reseal(file)
    else:
        header = json.loads((writer.part / "header.json").read_text())
        header[draw.choice(list(header))] = draw.choice([None, 3, "a", [], {}, [{}]])
        (writer.part / "header.json").write_text(json.dumps(header))
    (writer.part / "epoch_²00000.h5").write_bytes(b"")
    resuming = ["train", "digits", *SMALL, "--resume"]
    return Mutant(draw.choice([*READING[:1], READING[2], READING[2], resuming]))


KINDS: dict[str, Callable[[random.Random, Path], Mutant]] = {
    "data": data,
    "settings": settings,
    "lines": lines,
    "sealed bytes": sealed_bytes,
    "members": members,
    "unsealed": unsealed,
    "old bytes": old_bytes,
    "parts": parts,
}
