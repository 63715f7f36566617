"""Series in .ts files: what is read, what is refused, and how long a run is made."""

import builtins
from dataclasses import replace

import numpy as np
import pytest

from neuro_ep import load_dataset
from neuro_ep.command.main import main
from neuro_ep.errors import InputError
from neuro_ep.records.settings import Settings
from neuro_ep.tasks.series_files import fitted

HEADER = """# two channels, four frames
@problemName tiny
@timeStamps false
@missing {missing}
@univariate false
@dimensions 2
@equalLength true
@seriesLength 4
@classLabel true left right
@data
"""

TRAIN = [
    "1,2,3,4:10,10,30,30:left",
    "5,6,7,8:50,50,70,70:right",
    "0,0,0,0:0,0,0,0:left",
]
TEST = ["1,1,1,1:2,2,2,2:right"]


def written(folder, train=TRAIN, test=TEST, name="tiny", header=HEADER):
    for part, rows in (("TRAIN", train), ("TEST", test)):
        text = header.format(missing=str("?" in str(rows)).lower())
        (folder / f"{name}_{part}.ts").write_text(text + "\n".join(rows) + "\n")
    return folder


@pytest.fixture
def aeon():
    return pytest.importorskip("aeon")


@pytest.mark.parametrize("given", ["", "tiny_TRAIN.ts"])
def test_frames_channels_classes(tmp_path, aeon, given):
    data = load_dataset("uea", written(tmp_path) / given)
    assert (data.name, data.frames, data.features, data.classes) == ("uea", 4, 2, 2)
    assert (data.shape, data.inputs.dtype) == ((4, 2), np.float32)
    assert data.labels.tolist() == [0, 1, 0, 1]
    assert (data.train.tolist(), data.test.tolist()) == ([0, 1, 2], [3])
    assert "tiny" in data.source and str(tmp_path) in data.source


def test_channels_are_standardised_by_the_training_series(tmp_path, aeon):
    series = load_dataset("uea", written(tmp_path)).inputs.reshape(4, 4, 2)
    first = np.array([[1, 2, 3, 4], [5, 6, 7, 8], [0, 0, 0, 0]])
    second = np.array([[10, 10, 30, 30], [50, 50, 70, 70], [0, 0, 0, 0]])
    for channel, values in enumerate((first, second)):
        expected = (values - values.mean()) / values.std()
        np.testing.assert_allclose(series[:3, :, channel], expected, rtol=1e-5)
        tested = (channel + 1 - values.mean()) / values.std()
        np.testing.assert_allclose(series[3, :, channel], tested, rtol=1e-5)


def test_a_channel_that_never_changes(tmp_path, aeon):
    still = [f"1,2,3,4:5,5,5,5:{side}" for side in ("left", "right")]
    series = load_dataset("uea", written(tmp_path, still, still)).inputs
    assert np.isfinite(series).all() and not series.reshape(4, 4, 2)[:, :, 1].any()


# --- what is refused ---


@pytest.mark.parametrize(
    ("choices", "refusal"),
    [
        ({"test": ["1,2,3:1,2,3:left"]}, "TEST.ts.*3 frames.*4.*one length"),
        ({"test": ["1,2,3,4:1,2,3,4:up"]}, "'up' is not in tiny_TRAIN.ts"),
        ({"train": ["1,2,3,?:1,2,3,4:left"]}, "TRAIN.ts.*fill them in"),
        ({"train": ["1,2,3,x:1,2,3,4:left"]}, "TRAIN.ts: not readable"),
        ({"train": []}, "no series with a class"),
        (
            {
                "header": HEADER.replace("true left right", "false"),
                "train": ["1,2,3,4:1,2,3,4"],
            },
            "no series with a class",
        ),
    ],
)
def test_contents_are_refused(tmp_path, aeon, choices, refusal):
    with pytest.raises(InputError, match=refusal):
        load_dataset("uea", written(tmp_path, **choices))


def test_unequal_lengths_are_refused(tmp_path, aeon):
    header = HEADER.replace("@equalLength true\n@seriesLength 4", "@equalLength false")
    rows = [TRAIN[0], "1,2:3,4:right"]
    with pytest.raises(InputError, match="4 and 2 frames; cut or pad"):
        load_dataset("uea", written(tmp_path, rows, header=header))


def test_places_are_refused(tmp_path):
    with pytest.raises(InputError, match="no data given; --data takes a folder"):
        load_dataset("uea")
    with pytest.raises(InputError, match="no such file or folder"):
        load_dataset("uea", tmp_path / "nowhere")
    with pytest.raises(InputError, match="training files in it: none"):
        load_dataset("uea", tmp_path)
    written(tmp_path, name="other"), written(tmp_path)
    with pytest.raises(InputError, match="other_TRAIN.ts, tiny_TRAIN.ts"):
        load_dataset("uea", tmp_path)
    (tmp_path / "tiny_TEST.ts").unlink()
    with pytest.raises(InputError, match="tiny_TEST.ts: no such file, beside tiny_TR"):
        load_dataset("uea", tmp_path / "tiny_TRAIN.ts")
    with pytest.raises(InputError, match="not a training file"):
        load_dataset("uea", tmp_path / "other_TEST.ts")


def test_without_aeon_the_remedy_is_named(tmp_path, monkeypatch):
    usual = builtins.__import__

    def without(name, *arguments, **known):
        if name.split(".")[0] == "aeon":
            raise ImportError(name)
        return usual(name, *arguments, **known)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install neuro_ep\[sequences\]"):
        load_dataset("uea", written(tmp_path))


# --- sizes of the network and of a run ---


SETTINGS = Settings(
    (1, 64), (0.01,), 0.05, 16.0, 16.0, 0.4, connections=((0, 1), (1, 1))
)


def shaped(tmp_path, frames, count=3):
    values = ",".join(map(str, range(frames)))
    rows = [f"{values}:{values}:{'left' if n % 2 else 'right'}" for n in range(count)]
    header = HEADER.replace("@seriesLength 4", f"@seriesLength {frames}")
    return load_dataset("uea", written(tmp_path, rows, rows, header=header))


@pytest.mark.parametrize(
    ("frames", "steps"), [(8, 40), (25, 50), (40, 40), (100, 100), (500, 500)]
)
def test_every_frame_is_shown_equally_long(tmp_path, aeon, frames, steps):
    settings = fitted(SETTINGS, shaped(tmp_path, frames))
    assert settings.free == settings.nudged == 16
    assert settings.free / settings.step == pytest.approx(steps)
    assert settings.layers == (2, 64) and settings.read == 2


def test_small_sets_are_seen_more_often_in_smaller_batches(tmp_path, aeon):
    settings = replace(SETTINGS, epochs=40)
    few, some, many = (
        fitted(settings, shaped(tmp_path, 4, count)) for count in (3, 400, 800)
    )
    assert (few.batch, few.epochs) == (3, 100)
    assert (some.batch, some.epochs) == (20, 50)
    assert (many.batch, many.epochs) == (20, 40)


def test_what_was_chosen_stays(tmp_path, aeon):
    chosen = {"layers": (2, 5), "epochs": 7, "batch": 2, "free": 8.0}
    given = replace(SETTINGS, **chosen)
    found = fitted(given, shaped(tmp_path, 4), chosen)
    assert {name: getattr(found, name) for name in chosen} == chosen
    assert found.free / found.step == pytest.approx(20)
    assert fitted(found, shaped(tmp_path, 4), chosen) == found
    coarse = replace(SETTINGS, step=0.5)
    assert fitted(coarse, shaped(tmp_path, 100), {"step"}).step == 0.5


# --- the command ---


def trained(folder, capsys, *words):
    out = folder / "run.h5"
    given = ["train", "uea", "--rule", "rhel", "--data", str(folder), "--out", str(out)]
    status = main([*given, "--target", "numpy", "--layers", "2,6", *words])
    return status, out, capsys.readouterr()


def test_train(tmp_path, aeon, capsys, monkeypatch):
    monkeypatch.setenv("NEURO_EP_CACHE", str(tmp_path / "cache"))
    written(tmp_path)
    status, out, said = trained(tmp_path, capsys, "--epochs", "1", "--free", "4")
    assert (status, out.exists()) == (0, True), said.err
    assert "test accuracy" in said.out
    from neuro_ep.recording import open_recording

    with open_recording(out) as recording:
        tree = str(recording.tree())
    assert "uea" in tree and "tiny" in tree


def test_train_tells_what_it_cannot_read(tmp_path, capsys):
    status, out, said = trained(tmp_path, capsys)
    assert status == 2 and not out.exists()
    assert said.err.count("\n") == 1 and "training files in it: none" in said.err
