"""MNIST: every file format and every error, on small files made here."""

import gzip
from urllib.error import URLError

import numpy as np
import pytest

from neuro_ep.errors import InputError
from neuro_ep.tasks import load
from neuro_ep.tasks.mnist import SUMMARY

NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


@pytest.fixture
def arrays():
    """Twelve and five pictures of 3 x 2 pixels, with the extreme values among them."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (17, 3, 2), dtype=np.uint8)
    x[0, 0] = 0, 255
    y = (np.arange(17) % 10).astype(np.uint8)
    return {"x_train": x[:12], "y_train": y[:12], "x_test": x[12:], "y_test": y[12:]}


def idx(array):
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def folder(tmp_path, arrays):
    for key, name in NAMES.items():
        (tmp_path / name).write_bytes(idx(arrays[key]))
    return tmp_path


@pytest.fixture
def npz(tmp_path, arrays):
    """Writes an .npz file with some of the arrays changed, or removed if None."""

    def write(**changes):
        changed = {k: v for k, v in (arrays | changes).items() if v is not None}
        np.savez(tmp_path / "mnist.npz", **changed)
        return tmp_path / "mnist.npz"

    return write


def assert_holds(dataset, arrays):
    pixels = np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(17, 6)
    np.testing.assert_array_equal(dataset.inputs, pixels.astype(np.float32) / 255)
    np.testing.assert_array_equal(dataset.labels[dataset.train], arrays["y_train"])
    np.testing.assert_array_equal(dataset.labels[dataset.test], arrays["y_test"])
    assert dataset.shape == (3, 2)
    assert_sound(dataset)


def assert_sound(dataset):
    assert dataset.inputs.dtype == np.float32
    assert dataset.inputs.min() == 0 and dataset.inputs.max() == 1
    assert dataset.inputs.shape == (len(dataset.labels), np.prod(dataset.shape))
    for integers in (dataset.labels, dataset.train, dataset.test):
        assert integers.dtype == np.int64
    assert not set(dataset.train) & set(dataset.test)
    assert set(dataset.labels) == set(range(dataset.classes))
    assert SUMMARY in dataset.source


# --- MNIST from files ---


def test_idx_folder(folder, arrays):
    assert_holds(load("mnist", folder), arrays)


def test_path_as_string_and_source(folder):
    assert str(folder) in load("mnist", str(folder)).source


def test_idx_with_dots_and_gzip(folder, arrays):
    for name in NAMES.values():
        raw = (folder / name).read_bytes()
        (folder / name).unlink()
        renamed = name.replace("-idx", ".idx")
        (folder / f"{renamed}.gz").write_bytes(gzip.compress(raw))
    assert_holds(load("mnist", folder), arrays)


def test_npz(npz, arrays):
    assert_holds(load("mnist", npz()), arrays)


def test_npz_of_wide_integers(npz, arrays):
    wide = {key: array.astype(np.int64) for key, array in arrays.items()}
    assert_holds(load("mnist", npz(**wide)), arrays)


# --- broken IDX files ---


def spoil(folder, key, change):
    file = folder / NAMES[key]
    file.write_bytes(change(file.read_bytes()))
    return file


@pytest.mark.parametrize("key", NAMES)
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda raw: b"\x00\x00\x0d" + raw[3:], "begins with 00000d"),
        (lambda raw: raw[:3] + b"\x02" + raw[4:], "begins with 00000802"),
        (lambda raw: b"", "begins with nothing"),
        (lambda raw: raw[:6], "truncated in its header"),
        (lambda raw: raw[:-1], "its header promises"),
        (lambda raw: raw + b"\x00", "its header promises"),
    ],
)
def test_malformed_idx(folder, key, change, what):
    file = spoil(folder, key, change)
    with pytest.raises(InputError) as caught:
        load("mnist", folder)
    message = str(caught.value)
    assert str(file) in message and what in message and "download" in message


def test_idx_with_absurd_sizes_allocates_nothing(folder):
    huge = b"\xff" * 12
    spoil(folder, "x_train", lambda raw: raw[:4] + huge + raw[16:])
    with pytest.raises(InputError, match=f"promises {(2**32 - 1) ** 3}"):
        load("mnist", folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: gzip.compress(raw)[:-9],
        lambda raw: raw,
        lambda raw: gzip.compress(raw)[:12] + b"\xff" * 40,
    ],
    ids=["truncated", "not gzip", "corrupt"],
)
def test_broken_gzip(folder, change):
    file = folder / NAMES["x_train"]
    packed = folder / f"{file.name}.gz"
    packed.write_bytes(change(file.read_bytes()))
    file.unlink()
    with pytest.raises(InputError, match="not (readable|an IDX).*download") as caught:
        load("mnist", folder)
    assert str(packed) in str(caught.value)


@pytest.mark.parametrize("key", NAMES)
def test_missing_idx_file(folder, key):
    (folder / NAMES[key]).unlink()
    with pytest.raises(InputError, match=f"{NAMES[key]}: no such file.*--data"):
        load("mnist", folder)


def test_missing_path(tmp_path):
    with pytest.raises(InputError, match="nowhere: no such file or folder.*--data"):
        load("mnist", tmp_path / "nowhere")


# --- broken .npz files ---


@pytest.mark.parametrize("key", NAMES)
def test_npz_without_a_key(npz, key):
    with pytest.raises(InputError, match=f"mnist.npz: no {key} in it.*--data"):
        load("mnist", npz(**{key: None}))


def test_npz_truncated(npz):
    file = npz()
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(InputError, match="mnist.npz: not a readable .npz"):
        load("mnist", file)


def test_npz_corrupt_inside(npz):
    file = npz()
    raw = bytearray(file.read_bytes())
    raw[200] ^= 0xFF  # in the pixels of x_train, so its checksum is wrong
    file.write_bytes(raw)
    with pytest.raises(InputError, match="mnist.npz: not a readable .npz"):
        load("mnist", file)


@pytest.mark.parametrize("content", [b"", b"plainly not an archive"])
def test_not_an_npz(tmp_path, content):
    (tmp_path / "notes.txt").write_bytes(content)
    with pytest.raises(InputError, match="notes.txt: not a readable .npz"):
        load("mnist", tmp_path / "notes.txt")


def test_npz_with_pickled_objects(npz):
    objects = np.array([{}] * 12, dtype=object)
    with pytest.raises(InputError, match="not a readable .npz"):
        load("mnist", npz(y_train=objects))


def test_single_array(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3))
    with pytest.raises(InputError, match="a single array"):
        load("mnist", tmp_path / "x.npy")


# --- contradictory contents, the same checks whatever the format ---


@pytest.mark.parametrize("part", ["train", "test"])
def test_counts_differ(npz, arrays, part):
    fewer = {f"y_{part}": arrays[f"y_{part}"][:-1]}
    with pytest.raises(InputError, match=rf"\[y_{part}\]: \d+ labels for \d+ pictures"):
        load("mnist", npz(**fewer))


@pytest.mark.parametrize("wrong", [-1, 10])
def test_label_out_of_range(npz, arrays, wrong):
    labels = arrays["y_test"].astype(np.int64)
    labels[3] = wrong
    with pytest.raises(InputError, match=rf"\[y_test\]: label {wrong} is outside 0"):
        load("mnist", npz(y_test=labels))


def test_label_out_of_range_in_idx(folder):
    file = spoil(folder, "y_train", lambda raw: raw[:-1] + b"\x0a")
    with pytest.raises(InputError, match=f"{file}: label 10 is outside"):
        load("mnist", folder)


@pytest.mark.parametrize(
    "labels", [np.zeros((12, 10), dtype=int), np.zeros(12)], ids=["one-hot", "float"]
)
def test_labels_that_are_no_class_numbers(npz, labels):
    with pytest.raises(InputError, match="one integer for each picture"):
        load("mnist", npz(y_train=labels))


@pytest.mark.parametrize(
    "scale", [lambda x: x / 255, lambda x: x.astype(int) * 2, lambda x: -x.astype(int)]
)
def test_pixels_that_are_no_bytes(npz, arrays, scale):
    with pytest.raises(InputError, match="not integers from 0 to 255"):
        load("mnist", npz(x_train=scale(arrays["x_train"])))


@pytest.mark.parametrize("shape", [(12,), (0, 3, 2)])
def test_pictures_of_no_shape(npz, shape):
    with pytest.raises(InputError, match=r"\[x_train\]: pictures of shape"):
        load("mnist", npz(x_train=np.zeros(shape, dtype=np.uint8)))


def test_picture_shapes_differ(npz, arrays):
    with pytest.raises(InputError, match=r"pictures of shape \(2, 3\), but \(3, 2\)"):
        load("mnist", npz(x_test=arrays["x_test"].reshape(-1, 2, 3)))


# --- MNIST from OpenML, without the network ---


def test_openml(monkeypatch):
    pixels = np.zeros((70_000, 784), dtype=np.float64)
    pixels[0, 0] = 255
    labels = (np.arange(70_000) % 10).astype(str).astype(object)
    monkeypatch.setattr(
        "sklearn.datasets.fetch_openml", lambda *a, **k: (pixels, labels)
    )
    mnist = load("mnist")
    assert_sound(mnist)
    assert mnist.shape == (28, 28)
    np.testing.assert_array_equal(mnist.train, np.arange(60_000))
    np.testing.assert_array_equal(mnist.test, np.arange(60_000, 70_000))
    assert mnist.labels[12_345] == 5
    assert "OpenML" in mnist.source


@pytest.mark.parametrize(
    "error", [URLError("no route to host"), TimeoutError(), ValueError("bad\nchecksum")]
)
def test_openml_fails(monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fail)
    with pytest.raises(InputError, match="OpenML.*--data") as caught:
        load("mnist")
    assert "\n" not in str(caught.value)
