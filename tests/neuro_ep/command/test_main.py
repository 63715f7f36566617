"""The command line: what it prints, its exit statuses, and how it refuses."""

import gzip
import os
import shlex
import shutil
import struct
import subprocess
import sys

import h5py
import numpy as np
import pytest

from neuro_ep import recording
from neuro_ep.command import main as cli

RULE = "train digits --rule continual-ep"
ACCURACIES = {"test_accuracy", "train_accuracy"}

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX")


# Wrong values


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("train digitz --rule continual-ep", "'digitz'; did you mean 'digits'? Choose"),
        (
            "train x --rule continual-ep",
            "no task is called 'x'. Choose from: delayed-recall, digits,",
        ),
        ("train digits --rule continual-eq", "'continual-eq'; did you mean 'continual"),
        ("train digits", "required: --rule; see neuro-ep train --help"),
        ("", "required: COMMAND; see neuro-ep --help"),
        ("trian digits", "invalid choice: 'trian'"),
        (f"{RULE} --nonesuch 3", "unrecognized arguments: --nonesuch 3; see"),
    ],
)
def test_unknown_names(refused, arguments, message):
    assert message in refused(arguments)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("layers", "63,16,10", "layers 63,16,10 do not fit digits: it has 64 inputs"),
        ("layers", "64,16,9", "begin with 64 and end with 10"),
        ("layers", "64,x,10", "'64,x,10' is not whole numbers with commas between"),
        ("layers", "64,,10", "such as 64,128,10"),
        ("layers", "", "'' is not whole numbers"),
        ("layers", "64,1.5,10", "'64,1.5,10' is not whole numbers"),
        ("layers", "64,0,10", "(64, 0, 10): give whole numbers from 1"),
        ("layers", "64,-3,10", "(64, -3, 10): give whole numbers from 1"),
        ("free", "-1", "free = -1.0: give a number from 0"),
        ("free", "inf", "free = inf: give a number from 0"),
        ("free", "0", "phase 'free' lasts 0.0 time constants: give a finite duration"),
        ("free", "1000000000000", "shorten the phases or raise step"),
        ("nudged", "0", "nudged = 0.0: give a number above 0"),
        ("nudged", "-2", "nudged = -2.0: give a number above 0"),
        ("nudged", "long", "'long' is not a number, such as 0.5"),
        ("step", "-0.1", "step = -0.1: give a number above 0 to 1"),
        ("step", "nan", "step = nan: give a number above 0"),
        ("step", "1.5", "step = 1.5: give a number above 0 to 1"),
        ("beta", "0", "beta = 0.0: give a number above 0"),
        ("beta", "nan", "beta = nan: give a number above 0"),
        ("beta", "0.0001", "beta = 0.0001 in float32: rounding spoils"),
        ("beta", "0.0009", "raise beta or use --dtype float64"),
        ("eta", "-0.1", "(-0.1,): give numbers, one or one a projection, from 0"),
        ("eta", "nan", "one a projection, from 0"),
        ("eta", "inf", "one a projection, from 0"),
        ("eta", "a,b", "'a,b' is not a number, or numbers with commas between"),
        ("eta", ".1,.1,.1", "one learning rate, or 2: one per projection"),
        ("batch", "0", "batch = 0: give a whole number from 1"),
        ("batch", "1438", "digits has 1437 training samples; choose a smaller"),
        ("epochs", "0", "epochs = 0: give a whole number from 1"),
        ("epochs", "many", "'many' is not a whole number, such as 3"),
        ("connections", "0-1,1-9", "pairs such as 0-1 of layers from 0 to 2"),
        ("connections", "0-1,12", "'0-1,12' is not pairs of layers with commas"),
        ("image", "8x8", "'8x8' is not whole numbers with commas between"),
        ("alpha", "2", "alpha = 2.0: continual-ep does not read alpha; leave it out"),
        ("decay", "1", "decay = 1.0: continual-ep does not read decay"),
        ("seed", "-1", "seed = -1: choose a whole number from 0"),
        ("seed", str(2**63), "below 2**63"),
        ("seed", "0.5", "'0.5' is not a whole number"),
        ("nudging", "both", "nudging = 'both'. Choose from: one-sided, random-sign"),
        ("activation", "sigmoidal", "did you mean 'sigmoid'? Choose from: hard-s"),
        ("activation", "x", "activation = 'x'. Choose from: hard-s"),
        ("plasticity", "x", "plasticity = 'x'. Choose from: difference"),
        ("target", "gpu", "'gpu': choose one of standalone, cython, numpy"),
        ("dtype", "float16", "'float16': choose float32 or float64"),
        ("data", "x", "x: digits comes with scikit-learn and takes no data"),
    ],
)
def test_wrong_values(refused, option, value, message):
    errors = refused(f"{RULE} --{option}={shlex.quote(value)}")
    assert message in errors and value.split(",")[0] in errors


def test_filters_need_an_image(refused):
    assert "image = (): channels, height" in refused(f"{RULE} --filters 16c3,all")


def test_small_beta_is_for_float64(refused):
    """The next thing that is wrong is told, so beta was taken."""
    line = f"{RULE} --beta 1e-4 --eta 1e-6 --dtype float64 --out ."
    assert "is a folder" in refused(line)


def test_runaway_gain(refused):
    errors = refused(f"{RULE} --nudging one-sided --eta 0.1 --layers 64,16,10")
    assert "above 0.5 weights run away" in errors and "--allow-gain" in errors


def test_debug_shows_where_it_came_from(here):
    with pytest.raises(cli.InputError, match="no task"):
        cli.main(["train", "x", "--rule", "continual-ep", "--debug"])


# Wrong files


@pytest.fixture
def files(here, trained):
    """In the folder: a recording, half of it, HDF5 of others, text, a file and more."""
    shutil.copy(trained["file"], here / "run.h5")
    content = (here / "run.h5").read_bytes()
    (here / "half.h5").write_bytes(content[: len(content) // 2])
    (here / "text.h5").write_text("mine\n")
    with h5py.File(here / "others.h5", "w") as file:
        file["values"] = np.arange(3)
    (here / "folder").mkdir()
    part = here / "going.h5.part"
    part.mkdir()
    (part / "header.json").write_text("{}")
    return here


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("nonesuch.h5", "no such file; check the path"),
        ("half.h5", "take a copy of it or make the run again"),
        ("text.h5", "not an HDF5 file"),
        ("others.h5", "HDF5 but not a recording of neuro_ep"),
        ("folder", "is a folder; name a recording"),
        ("going.h5", "unfinished: 0 epochs are done; train with --out going.h5"),
    ],
)
@pytest.mark.parametrize("form", ["", " --json"])
def test_info_of_a_wrong_file(files, refused, file, message, form):
    errors = refused(f"info {file}{form}")
    assert file in errors and message in errors


@pytest.mark.parametrize(
    ("file", "message", "resuming"),
    [
        ("run.h5", "exists; choose another out, or overwrite it", "another layers"),
        ("half.h5", "exists; choose", "exists and is no recording; choose another"),
        ("text.h5", "exists; choose", "exists and is no recording; choose another"),
        ("others.h5", "exists; choose", "exists and is no recording; choose another"),
        ("folder", "is a folder; name a file in it", "is a folder; name a file"),
        ("going.h5", "has an unfinished run, going.h5.part; resume", None),
        ("text.h5/run.h5", "Not a directory; choose another", "Not a directory"),
        ("''", "is a folder", "is a folder"),
    ],
)
def test_wrong_out(files, refused, file, message, resuming):
    errors = refused(f"{RULE} --out {file}")
    assert file.strip("'") in errors and message in errors
    if resuming:
        assert resuming in refused(f"{RULE} --out {file} --resume")


def test_default_out_exists(files, refused):
    """The same command a second time; another seed has another name."""
    (files / "runs").mkdir()
    shutil.copy("run.h5", "runs/digits_continual-ep_3.h5")
    errors = refused(f"{RULE} --seed 3")
    assert "runs/digits_continual-ep_3.h5 exists; choose another out, or" in errors


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
@pytest.mark.parametrize("place", ["/proc", "/proc/nonesuch"])
def test_folder_that_cannot_be_written(refused, place):
    errors = refused(f"{RULE} --out {place}/run.h5")
    assert f"{place}/run.h5 cannot be written" in errors and "another out" in errors
    errors = refused(f"{RULE} --figure {place}/run.png")
    assert f"--figure {place}/run.png: /proc cannot be written" in errors


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        ("run.txt", "name a .png, .pdf or .svg file"),
        ("run", "name a .png, .pdf or .svg file"),
        ("text.h5/run.png", "cannot be written (Not a directory); name a file"),
    ],
)
def test_wrong_figure(files, refused, figure, message):
    errors = refused(f"{RULE} --figure {figure}")
    assert f"--figure {figure}" in errors and message in errors


def test_figure_without_matplotlib(refused, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    errors = refused(f"{RULE} --figure new/run.png")
    assert "needs matplotlib; pip install neuro_ep[report]" in errors


def test_refused_training_makes_no_folder_for_its_figure(files, refused):
    assert "run.h5 exists" in refused(f"{RULE} --out run.h5 --figure new/run.png")


def test_disk_with_little_space(refused, monkeypatch):
    class Usage:
        total, used, free = 10**9, 10**9 - 10**5, 10**5

    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage)
    assert "0.1 MB free, the run needs about" in refused(RULE)


@pytest.mark.parametrize("target", ["", "--target standalone"])
def test_cache_that_cannot_be_made(listing, here, refused, monkeypatch, target):
    if not shutil.which("g++"):
        pytest.skip("needs g++")
    monkeypatch.undo()  # the build itself is refused here
    monkeypatch.chdir(here)
    (here / "file").touch()
    monkeypatch.setenv("NEURO_EP_CACHE", str(here / "file" / "cache"))
    line = f"{RULE} --eta 0.001 --out new/run.h5 {target}"
    code = (
        "import sys; from neuro_ep.command import main as cli;"
        f"sys.exit(cli.main({shlex.split(line)}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "file/cache: Not a directory; choose another place" in done.stderr
    assert "NEURO_EP_CACHE" in done.stderr and done.stderr.count("\n") == 1
    assert list(listing(here)) == ["file"]


# Data


def pictures(count, seed=0):
    """Pictures whose brightest row is their class."""
    labels = np.random.default_rng(seed).integers(0, 10, count)
    pixels = np.zeros((count, 28, 28), "u1")
    pixels[np.arange(count), 2 * labels + 3] = 255
    return pixels, labels.astype("u1")


@pytest.fixture(params=["idx", "npz"])
def mnist(request, tmp_path):
    """A tiny data set in the formats of MNIST: 40 pictures to train, 20 to test."""
    sets = {"train": pictures(40), "t10k": pictures(20, seed=1)}
    if request.param == "npz":
        arrays = [array for pair in sets.values() for array in pair]
        names = ("x_train", "y_train", "x_test", "y_test")
        np.savez(tmp_path / "tiny.npz", **dict(zip(names, arrays, strict=True)))
        return tmp_path / "tiny.npz"
    folder = tmp_path / "tiny"
    folder.mkdir()
    for part, (pixels, labels) in sets.items():
        head = struct.pack(">4i", 0x803, *pixels.shape)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(head + pixels.tobytes())
        head = struct.pack(">2i", 0x801, len(labels))
        with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz", "w") as file:
            file.write(head + labels.tobytes())
    return folder


def test_mnist_from_files(mnist, train, tmp_path):
    arguments = ("--data", mnist, "--layers", "784,16,10", "--epochs", 1)
    out = tmp_path / "run.h5"
    result, _ = train(out, *arguments, "--target", "numpy", task="mnist")
    assert result["epochs"] == 1 and 0 <= result["test_accuracy"] <= 1
    with recording.open_recording(out) as run:
        assert (run.dataset["train"], run.dataset["test"]) == (40, 20)
        assert run.layers == [784, 16, 10] and run.dataset["shape"] == [28, 28]
        weights = run.weights["input_to_hidden"]
        assert not np.array_equal(weights.initial, weights.final)


@pytest.mark.parametrize("damage", ["absent", "empty", "text", "layers"])
def test_wrong_data(refused, mnist, damage):
    """Missing or malformed files, and layers for other pictures."""
    layers = "784,16,10"
    images = mnist if mnist.is_file() else mnist / "train-images-idx3-ubyte"
    if damage == "absent":
        images.unlink()
    elif damage == "layers":
        layers = "64,16,10"
    else:
        images.write_bytes(b"" if damage == "empty" else b"not pictures")
    line = f"train mnist --rule continual-ep --data {mnist} --layers {layers}"
    errors = refused(line)
    if damage == "layers":
        assert "do not fit mnist: it has 784 inputs" in errors
    else:
        assert str(mnist) in errors
