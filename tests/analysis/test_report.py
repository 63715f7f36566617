"""The page of a recording: what it says, that it needs nothing else, its refusals."""

import base64
import hashlib
import io
from html.parser import HTMLParser

import numpy as np
import pytest

from neuro_ep import recording
from neuro_ep.analysis import report, training_figure
from neuro_ep.errors import InputError

image = pytest.importorskip("matplotlib.image")

ODD = "<b>\"odd\" & 'half'</b> é"
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """A page as a browser finds it; tags must be closed in order.

    tags, addresses of what it loads, text, and rows of its tables, {name: value}.
    """

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.tags, self.addresses = [], [], []
        self.text, self.cells = "", []
        self.feed(self.source)
        self.close()
        assert self.open == []
        self.rows = dict(zip(self.cells[::2], self.cells[1::2], strict=True))

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("th", "td"):
            self.cells.append("")
        loads = ("src", "href", "srcset", "data", "action", "background", "poster")
        self.addresses += [value for name, value in attributes if name in loads]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data
        if self.open[-1:] in (["th"], ["td"]):
            self.cells[-1] += data

    def pictures(self):
        start = "data:image/png;base64,"
        assert all(address.startswith(start) for address in self.addresses)
        data = (address.removeprefix(start) for address in self.addresses)
        return [image.imread(io.BytesIO(base64.b64decode(text))) for text in data]


def page_of(path, tmp_path):
    """The page and the numbers that `write` gives."""
    numbers = report.write(path, tmp_path / "page.html")
    return Page(tmp_path / "page.html"), numbers


# --- what it says ---


def test_result_settings_and_sources(record, tmp_path):
    page, numbers = page_of(record(tmp_path / "run.h5"), tmp_path)
    assert numbers == {
        "epochs": 2,
        "test_accuracy": 0.7654,
        "train_accuracy": 0.8,
        "path": str(tmp_path / "page.html"),
    }
    rows = {
        "test accuracy": "76.54% (best 81.25%)",
        "train accuracy": "80.00% (best 80.00%)",
        "test cost": "0.25",
        "train cost": "0.3",
        "epochs": "2 of 2",
        "time of the epochs": "4.5 s",
        "beta": "0.73",
        "tau": "10.0 ms",
        "eta": "0.02, 0.01",
    }
    assert rows.items() <= page.rows.items()
    for text in ("ep on toy", "seed 3", "layers 12-5-2", "Someone 1999", "at random"):
        assert text in page.text
    assert "dv/dt = -v/tau : volt # if v < 0" in page.text
    assert "unfinished" not in page.text and "Stopped" not in page.text


def test_how_it_was_made(record, tmp_path):
    path = record(tmp_path / "run.h5")
    page, _ = page_of(path, tmp_path)
    with recording.open_recording(path) as run:
        created = run.provenance["created"]
    assert page.rows["SHA-256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert page.rows["command line"] == "neuro-ep 'a b'"
    assert page.rows["begun"] == created and created in page.text.split("Result")[0]
    assert f"numpy {np.__version__}" in page.rows["versions"]
    assert page.tags.count("details") == 2


def test_names_are_escaped(record, tmp_path):
    odd = {"value": ODD, "unit": ODD}
    path = record(tmp_path / "run.h5", task=ODD, parameters={ODD: odd})
    page, _ = page_of(path, tmp_path)
    assert "b" not in page.tags and ODD not in page.source
    assert f"ep on {ODD}" in page.text and page.rows[ODD] == f"{ODD} {ODD}"


@pytest.mark.parametrize("stopped_by", ["divergence", "interrupt"])
def test_a_run_that_stopped_early(ROWS, begin, weights, tmp_path, stopped_by):
    writer = begin(tmp_path / "run.h5", epochs=9)
    for epoch, row in enumerate(ROWS):
        writer.checkpoint(epoch, weights(epoch), row)
    page, _ = page_of(writer.finish(1, stopped_by), tmp_path)
    assert f"Stopped by {stopped_by}: 2 of 9 epochs are done." in page.text
    assert "--resume" not in page.text and page.rows["exit status"] == "1"


# --- pictures ---


@pytest.mark.parametrize("inputs", [12, 4])
def test_the_page_is_one_file_of_moderate_size(record, tmp_path, inputs):
    page, _ = page_of(record(tmp_path / "run.h5", inputs=inputs), tmp_path)
    assert len(page.addresses) == page.tags.count("img") == 3
    for pixels in page.pictures():
        assert min(pixels.shape[:2]) > 200 and np.ptp(pixels[..., :3]) > 0.9
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert "default-src 'none'" in page.source and "url(" not in page.source
    assert "@import" not in page.source and len(page.source) < 2e6


def test_receptive_fields_are_those_of_the_training_figure(record, tmp_path):
    path = record(tmp_path / "run.h5")
    page, _ = page_of(path, tmp_path)
    training_figure.draw(path, tmp_path / "run.png")
    assert np.array_equal(page.pictures()[0], image.imread(tmp_path / "run.png"))


def test_lateral_weights_are_no_receptive_fields(record, tmp_path, monkeypatch):
    """12 pixels come in rows of 4; the 12 x 5 weights come from elsewhere."""
    places = {
        name: {"source_pop": a, "target_pop": b, "units": "mV", "shape": size}
        for name, a, b, size in (
            ("input_hidden", "hidden", "hidden", [12, 5]),
            ("hidden_output", "input", "output", [5, 2]),
        )
    }
    path = record(tmp_path / "run.h5", projections=places)
    monkeypatch.setattr(training_figure, "draw", None)  # would fail
    page, _ = page_of(path, tmp_path)
    assert len(page.pictures()) == 3
    assert "input weights" not in page.source


def drawn(monkeypatch):
    """The figures made from now on."""
    figures = []
    real = report._png
    monkeypatch.setattr(
        report, "_png", lambda figure: figures.append(figure) or real(figure)
    )
    return figures


def test_cost_is_drawn_where_it_is_known(record, tmp_path, monkeypatch):
    figures = drawn(monkeypatch)
    page_of(record(tmp_path / "run.h5"), tmp_path)
    lines = {line.get_label(): line for line in figures[0].axes[0].lines}
    assert lines["test"].get_xydata().tolist() == [[0, 0.9], [1, 0.4321], [2, 0.25]]
    assert lines["train"].get_xydata().tolist() == [[1, 0.5], [2, 0.3]]
    assert lines["test"].get_color() == training_figure.TEST


def test_a_regression_has_r2_in_place_of_accuracies(record, tmp_path, monkeypatch):
    rows = [{"test_r2": -0.5, "test_cost": 0.5}, {"test_r2": 0.75, "test_cost": 0.25}]
    figures = drawn(monkeypatch)
    dataset = {"name": "toy", "source": "", "shape": [12]}
    path = record(tmp_path / "run.h5", rows, dataset=dataset)
    page, numbers = page_of(path, tmp_path)
    assert numbers["test_r2"] == 0.75 and "test_accuracy" not in numbers
    assert page.rows["test R2"] == "0.75 (best 0.75)"
    assert "accuracy" not in page.text
    assert figures[0].axes[0].lines[0].get_xydata().tolist() == [[0, -0.5], [1, 0.75]]
    assert figures[0].axes[0].get_ylim()[0] <= -0.5
    assert figures[1].axes[0].get_ylim()[0] == 0  # the cost


def test_histograms_count_every_weight(record, weights, tmp_path, monkeypatch):
    figures = drawn(monkeypatch)
    page_of(record(tmp_path / "run.h5"), tmp_path)
    panels = [axes for axes in figures[-1].axes if axes.patches]
    assert [axes.get_title(loc="left") for axes in panels] == [
        "input_hidden, 12 x 5",
        "hidden_output, 5 x 2",
    ]
    for axes, (name, final) in zip(panels, weights(2).items(), strict=True):
        first, last = (patch.get_data() for patch in axes.patches)
        initial = weights(0)[name]
        assert np.array_equal(last.values, np.histogram(final, last.edges)[0])
        assert np.array_equal(first.values, np.histogram(initial, first.edges)[0])
        assert first.values.sum() == last.values.sum() == final.size


@pytest.mark.parametrize("value", [0.0, 1.0, 1e30, np.nan])
def test_weights_that_are_all_the_same(
    ROWS, begin, weights, tmp_path, monkeypatch, value
):
    figures = drawn(monkeypatch)
    writer = begin(tmp_path / "run.h5", epochs=0)
    same = {k: np.full(v.shape, value) for k, v in weights(0).items()}
    writer.checkpoint(0, same, ROWS[0])
    page_of(writer.finish(), tmp_path)
    axes = figures[-1].axes[0]
    assert len(axes.patches) == 1  # one snapshot, not twice the same
    finite = np.isfinite(value)
    assert axes.patches[0].get_data().values.sum() == 60 * finite
    assert ("60 not finite" in axes.get_xlabel()) == (not finite)


def test_a_run_without_accuracies_or_costs(record, tmp_path):
    page, numbers = page_of(record(tmp_path / "run.h5", [{"other": 1.0}]), tmp_path)
    assert numbers["test_accuracy"] is None and len(page.addresses) == 1
    assert "No accuracy and no cost was recorded" in page.text


# --- unfinished runs ---


@pytest.mark.parametrize("name", ["run.h5", "run.h5.part"])
def test_an_unfinished_run_shows_what_there_is(listing, unfinished, tmp_path, name):
    unfinished(tmp_path / "run.h5")
    before = listing(tmp_path)
    page, numbers = page_of(tmp_path / name, tmp_path)
    assert "This run is unfinished: 2 of 5 epochs are done." in page.text
    assert f"--out {tmp_path}/run.h5 --resume" in page.text
    assert page.rows["test accuracy"] == "76.54% (best 81.25%)"
    assert page.rows["recording"] == str(tmp_path / "run.h5")
    assert "SHA-256" not in page.rows and len(page.pictures()) == 3
    assert numbers["epochs"] == 2
    assert listing(tmp_path).items() - before.items() == {
        (tmp_path / "page.html", page.source.encode())
    }


def test_weights_of_an_unfinished_run(unfinished, weights, tmp_path, monkeypatch):
    figures = drawn(monkeypatch)
    unfinished(tmp_path / "run.h5")
    page_of(tmp_path / "run.h5", tmp_path)
    axes = figures[-1].axes[0]
    first, last = (patch.get_data() for patch in axes.patches)
    texts = [text.get_text() for text in axes.get_legend().get_texts()]
    assert texts == ["epoch 0", "epoch 2"]
    for epoch, shown in ((0, first), (2, last)):
        expected = np.histogram(weights(epoch)["input_hidden"], shown.edges)[0]
        assert np.array_equal(shown.values, expected)


@pytest.mark.parametrize("damaged", [2, 0])
def test_a_damaged_epoch_is_passed_over(unfinished, tmp_path, damaged):
    part = unfinished(tmp_path / "run.h5").part
    (part / f"epoch_00000{damaged}.h5").write_bytes(b"")
    page, numbers = page_of(tmp_path / "run.h5", tmp_path)
    assert numbers["epochs"] == (1 if damaged == 2 else 2)
    assert f"{numbers['epochs']} of 5 epochs" in page.text


def test_parts_beside_a_finished_run_are_left_alone(record, tmp_path):
    record(tmp_path / "run.h5")
    (tmp_path / "run.h5.part").mkdir()
    page, _ = page_of(tmp_path / "run.h5.part", tmp_path)
    assert "unfinished" not in page.text and "SHA-256" in page.rows


def test_refuses_a_run_without_an_epoch(begin, tmp_path):
    begin(tmp_path / "run.h5")
    with pytest.raises(InputError, match="run.h5 has no complete epoch yet"):
        report.write(tmp_path / "run.h5")


@pytest.mark.parametrize("content", ["{}", "{", "[]"])
def test_refuses_a_damaged_header(unfinished, tmp_path, content):
    part = unfinished(tmp_path / "run.h5").part
    (part / "header.json").write_text(content)
    with pytest.raises(InputError, match="header.json is damaged"):
        report.write(tmp_path / "run.h5")
