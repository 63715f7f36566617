"""Files that are no recording, or not a whole one: how reading refuses them."""

import h5py
import pytest

from neuro_ep import recording
from neuro_ep.errors import InputError

# Refusals to read


def refusal(path):
    with pytest.raises(InputError) as caught:
        recording.open_recording(path)
    assert str(path).removesuffix(".part") in str(caught.value)
    assert str(caught.value).count("\n") == 0
    return str(caught.value)


def test_no_name():
    with pytest.raises(InputError, match="empty"):
        recording.open_recording("")


def test_no_such_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "run.h5")
    assert "is a folder" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"epoch,accuracy\n0,0.1\n"])
def test_not_hdf5(tmp_path, content):
    (tmp_path / "run.h5").write_bytes(content)
    assert "is not an HDF5 file" in refusal(tmp_path / "run.h5")


def test_hdf5_of_others(tmp_path):
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.attrs["format"] = "something"
    message = refusal(tmp_path / "run.h5")
    assert "not a recording of neuro_ep (its @format is 'something')" in message


def test_newer_format(record, tmp_path):
    path = record(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = "1.7"
    recording.open_recording(path).close()
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = "2.0"
    assert "has format 2.0, this neuro_ep reads 1.1" in refusal(path)


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_truncated_file(record, tmp_path, share):
    path = record(tmp_path / "run.h5")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    message = refusal(path)
    assert "truncated" in message or "not a whole one" in message


def test_file_that_lacks_a_part(record, tmp_path):
    path = record(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        del file["neuro_ep/schedule"]
    assert "is damaged" in refusal(path)


def test_unfinished_run(unfinished, tmp_path):
    unfinished(tmp_path / "run.h5", 2)
    for name in ("run.h5", "run.h5.part"):
        message = refusal(tmp_path / name)
        assert "is unfinished: 2 epochs are done" in message and "--resume" in message
