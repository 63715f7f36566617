"""Resume goes on only with all that a run was begun with, and deletes nothing."""

import copy
import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from neuro_ep import load_dataset, recording, train
from neuro_ep.errors import InputError
from neuro_ep.finding import find_rule
from neuro_ep.recording import begin
from neuro_ep.training.header import run_header

RULE = find_rule("spiking-ep")
SETTINGS = RULE.settings("digits", layers=(64, 6, 10), batch=10, epochs=2)
FULL = load_dataset("digits")
DATA = replace(FULL, train=FULL.train[:40], test=FULL.test[:20])


def header(rule=RULE, data=DATA, settings=SETTINGS, seed=0, dtype="float32"):
    return run_header(rule, data, settings, seed, "numpy", dtype)


def small_header(**changes):
    projection = {"source_pop": "a", "target_pop": "b", "units": "mV", "shape": [2, 3]}
    return {
        "rule": "ep",
        "task": "t",
        "layers": [2, 3],
        "seed": 0,
        "epochs": 3,
        "target": "numpy",
        "projections": {"w": projection},
        **changes,
    }


def record(writer, epochs=3):
    import numpy as np

    for epoch in range(writer.last_epoch + 1, epochs + 1):
        writer.checkpoint(epoch, {"w": np.full((2, 3), epoch / 3)}, {"a": epoch})


# --- what must be the same ---


def with_model(change):
    """The rule with another model."""
    model = RULE.model(SETTINGS)
    return replace(RULE, model=lambda settings: change(model))


def of_neurons(**changes):
    return with_model(lambda m: replace(m, hidden=replace(m.hidden, **changes)))


def of_synapses(**changes):
    return with_model(lambda m: replace(m, synapse=replace(m.synapse, **changes)))


HIDDEN, SYNAPSE = RULE.model(SETTINGS).hidden, RULE.model(SETTINGS).synapse
EVENT = next(iter(HIDDEN.events))
NUMBER = next(k for k, v in HIDDEN.parameters.items() if float(v) > 0)

OTHERS = {
    "update": {"rule": of_synapses(update="w += 0*mV")},
    "on_pre": {"rule": of_synapses(on_pre=SYNAPSE.on_pre + "\nw += 0*mV")},
    "events": {"rule": of_neurons(events={**HIDDEN.events, EVENT: ("v > 1", "")})},
    "regularly": {"rule": of_neurons(regularly={"end": "v = v"})},
    "hidden.parameters": {
        "rule": of_neurons(
            parameters={**HIDDEN.parameters, NUMBER: 2 * HIDDEN.parameters[NUMBER]}
        )
    },
    "cost": {"rule": with_model(lambda m: replace(m, cost="cross-entropy"))},
    "protocol": {
        "rule": replace(
            RULE,
            protocol=lambda settings: replace(
                RULE.protocol(settings), phases=RULE.protocol(settings).phases[:1]
            ),
        )
    },
    "beta": {"settings": replace(SETTINGS, beta=0.123)},
    "seed": {"seed": 1},
    "dtype": {"dtype": "float64"},
    "inputs_sha256": {"data": replace(DATA, inputs=1 - DATA.inputs)},
    "labels_sha256": {"data": replace(DATA, labels=9 - DATA.labels)},
    "split_sha256": {"data": replace(DATA, train=DATA.train[::-1])},
}


@pytest.mark.parametrize("what", OTHERS)
def test_any_difference_is_refused_by_name(tmp_path, what):
    path = tmp_path / "run.h5"
    recording.create(path, header())
    with pytest.raises(InputError, match=what) as caught:
        recording.resume(path, header(**OTHERS[what]))
    assert "was begun with another" in str(caught.value)
    assert str(caught.value).count("\n") <= 1 and len(str(caught.value)) < 600


def test_more_epochs_and_another_citation_go_on(tmp_path):
    path = tmp_path / "run.h5"
    recording.create(path, header())
    other = replace(DATA, source="the same data, from another place")
    again = header(
        rule=replace(RULE, source="elsewhere"),
        data=other,
        settings=replace(SETTINGS, epochs=9),
    )
    assert recording.resume(path, again).header["epochs"] == 9


class Stop(Exception):
    """Ends a run after its first epoch."""


def stop(row):
    if row["epoch"] == 1:
        raise Stop


def test_training_does_not_go_on_with_other_data(tmp_path):
    rule = find_rule("continual-ep")
    settings = rule.settings("digits", layers=(64, 6, 10), epochs=2)
    how = {"out": tmp_path / "a.h5", "target": "numpy", "on_warning": str}
    with pytest.raises(Stop):
        train(rule, DATA, settings, on_epoch=stop, **how)
    other = replace(DATA, inputs=1 - DATA.inputs, source="another file")
    with pytest.raises(InputError, match="inputs_sha256"):
        train(rule, other, settings, resume=True, **how)
    assert train(rule, DATA, settings, resume=True, **how).epochs == 2


def test_a_run_begun_by_the_version_before_is_refused(tmp_path):
    writer = recording.create(tmp_path / "run.h5", small_header())
    record(writer, 1)
    file = writer.part / "header.json"
    old = json.loads(file.read_bytes())
    del old["records"]
    file.write_text(json.dumps(old))
    with pytest.raises(InputError, match="older neuro_ep"):
        recording.resume(tmp_path / "run.h5", small_header())
    assert len(list(writer.part.glob("epoch_*"))) == 2


# --- unfinished runs that are damaged ---


@pytest.mark.parametrize("content", ["[]", "7", "null", "[" * 20_000, '"x"'])
def test_a_header_that_is_none_is_refused(tmp_path, content):
    writer = recording.create(tmp_path / "run.h5", small_header())
    record(writer, 1)
    (writer.part / "header.json").write_text(content)
    with pytest.raises(InputError, match="header.json is damaged"):
        recording.resume(tmp_path / "run.h5", small_header())


def test_a_header_without_provenance_goes_on(tmp_path):
    writer = recording.create(tmp_path / "run.h5", small_header())
    record(writer, 1)
    file = writer.part / "header.json"
    old = json.loads(file.read_bytes())
    for provenance in (None, 3, {"resumed": 4}):
        file.write_text(json.dumps({**old, "provenance": provenance}))
        assert recording.resume(tmp_path / "run.h5", small_header()).last_epoch == 1


def test_names_that_are_no_epochs_are_left_alone(tmp_path):
    writer = recording.create(tmp_path / "run.h5", small_header())
    record(writer, 1)
    for name in ("epoch_\u00b2.h5", "epoch_" + "9" * 30 + ".h5", "epoch_.h5"):
        (writer.part / name).touch()
    assert recording.resume(tmp_path / "run.h5", small_header()).last_epoch == 1


# --- one process at a time ---


def test_a_finish_while_resume_looks_is_not_deleted(tmp_path, monkeypatch):
    """Another process finishes between the first look and the lock."""
    path = tmp_path / "run.h5"
    first = recording.create(path, small_header())
    record(first)
    held = begin._held

    def late(writer):
        first.finish()
        return held(writer)

    monkeypatch.setattr(begin, "_held", late)
    with pytest.raises(InputError, match="complete"):
        recording.resume(path, small_header())
    with recording.open_recording(path) as opened:
        assert opened.training["epoch"].tolist() == [0, 1, 2, 3]
    assert os.listdir(tmp_path) == ["run.h5"]


def test_a_run_that_others_recorded_since_is_not_taken_up(tmp_path):
    path = tmp_path / "run.h5"
    first = recording.create(path, small_header())
    second = recording.resume(path, small_header())
    with first.alone():
        record(first, 1)
    with pytest.raises(InputError, match="another process"), second.alone():
        pass
    with first.alone():
        record(first)
        first.finish()
    with pytest.raises(InputError, match="another process"), second.alone():
        pass
    assert path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks of folders")
@pytest.mark.parametrize("way", [recording.create, recording.resume])
def test_a_live_run_is_said_to_be_running(tmp_path, way):
    path = tmp_path / "run.h5"
    writer = recording.create(path, small_header())
    with writer.alone():
        record(writer, 1)
        before = sorted(os.listdir(writer.part))
        with pytest.raises(InputError, match="another process") as caught:
            way(path, small_header())
        assert "delete" not in str(caught.value)
        assert sorted(os.listdir(writer.part)) == before


def test_of_many_that_resume_at_once_one_goes_on(tmp_path):
    """On a new file; nobody's parts are deleted and exactly one records."""
    for attempt in range(20):
        path, ended = tmp_path / str(attempt) / "run.h5", []

        def go(path=path, ended=ended):
            try:
                writer = recording.resume(path, small_header())
                with writer.alone():
                    record(writer)
                    ended.append(writer.finish())
            except InputError as error:
                ended.append(error)

        threads = [threading.Thread(target=go) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sum(isinstance(end, Path) for end in ended) == 1, ended
        assert os.listdir(path.parent) == ["run.h5"]


# --- the format before ---

OLD = Path(__file__).with_name("format_1_0.h5")


def test_a_file_of_the_format_before_is_read():
    with recording.open_recording(OLD) as opened:
        assert (opened.format_version, opened.rule) == ("1.0", "ep")
        assert opened.layers == [64, 8, 10] and opened.records == {}
        assert opened.weights["input_to_hidden"].final.shape == (64, 8)
        json.dumps(opened.tree(), allow_nan=False)
    assert "recording format 1.0" in recording.describe(OLD)


def test_a_file_of_the_format_before_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import report, training_figure

    copied = tmp_path / "old.h5"
    shutil.copy(OLD, copied)
    training_figure.draw(copied, tmp_path / "old.png")
    assert (tmp_path / "old.png").stat().st_size > 1000
    assert "64" in Path(report.write(copied, None)["path"]).read_text()


def test_the_whole_records_are_in_a_recording(tmp_path):
    whole = header()
    writer = recording.create(
        tmp_path / "run.h5",
        small_header(**{"records": copy.deepcopy(whole["records"])}),
    )
    record(writer)
    with recording.open_recording(writer.finish()) as opened:
        assert opened.records == whole["records"]
        assert opened.records["model"]["synapse"]["on_pre"] == SYNAPSE.on_pre


def test_reading_records_needs_no_brian2():
    code = (
        "import sys, neuro_ep.records.recorded, neuro_ep.training.rebuild;"
        "sys.exit('brian2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
