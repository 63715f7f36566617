"""Files that are no recording, or not a whole one: how reading refuses them."""

import h5py
import pytest

from neuro_ep import recording
from neuro_ep.errors import InputError
from neuro_ep.recording.checksum import BLOCK, reseal

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
    reseal(path)
    recording.open_recording(path).close()
    with h5py.File(path, "r+") as file:
        file.attrs["format_version"] = "2.0"
    reseal(path)
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
    reseal(path)
    assert "is damaged" in refusal(path)


def test_unfinished_run(unfinished, tmp_path):
    unfinished(tmp_path / "run.h5", 2)
    for name in ("run.h5", "run.h5.part"):
        message = refusal(tmp_path / name)
        assert "is unfinished: 2 epochs are done" in message and "--resume" in message


# The seal


def test_a_changed_file_is_refused_unless_it_is_sealed_anew(record, tmp_path):
    path = record(tmp_path / "run.h5")
    with h5py.File(path, "r+") as file:
        file["beside"] = 1
    assert "its checksum is another" in refusal(path)
    with recording.open_recording(path, verify=False) as run:
        assert run.rule == "continual-ep"
    assert "continual-ep" in recording.describe(path, verify=False)
    reseal(path)
    recording.open_recording(path).close()


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.99])
def test_any_flipped_bit_is_found(record, tmp_path, share):
    path = record(tmp_path / "run.h5")
    data = bytearray(path.read_bytes())
    data[int(share * len(data))] ^= 4
    path.write_bytes(data)
    message = refusal(path)
    assert "are no seal" in message or "its checksum is another" in message


def test_files_of_before_have_no_seal_and_are_read(record, tmp_path):
    path = record(tmp_path / "run.h5")
    path.write_bytes(path.read_bytes()[BLOCK:])
    recording.open_recording(path).close()
    reseal(path)
    recording.open_recording(path).close()
    with h5py.File(path) as file:
        assert file.userblock_size == BLOCK
