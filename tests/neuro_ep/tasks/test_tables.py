"""Files of a user's own: tables of text and arrays, and what is said of bad ones."""

import h5py
import numpy as np
import pytest
from sklearn.datasets import load_iris

from neuro_ep import Dataset, InputError, load_dataset
from neuro_ep.tasks.tables import is_file_of_data, load, read_features

X, NUMBERS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[NUMBERS]


def table(path, separator=",", names=("a", "kind", "b", "c", "d"), rows=None):
    made = [
        [*map(str, x[:1]), kind, *map(str, x[1:])]
        for x, kind in zip(X, NAMES, strict=True)
    ]
    lines = [names, *(made if rows is None else rows)]
    path.write_text("".join(separator.join(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("name", "separator"),
    [("x.csv", ","), ("x.csv", ";"), ("x.csv", "\t"), ("x.tsv", "\t"), ("x.CSV", ",")],
)
def test_a_table(tmp_path, name, separator):
    data = load(table(tmp_path / name, separator), "kind", scale="none")
    np.testing.assert_array_equal(data.inputs, X.astype(np.float32))
    assert (np.array(data.class_names)[data.labels] == NAMES).all()
    assert data.feature_names == ("a", "b", "c", "d") and data.name == "x"
    assert len(data.test) == 30


def test_quotes_empty_lines_and_a_mark_of_unicode(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text('\ufeff"a, b",kind\n1.5,"x, y"\n\n2.5,z\n1,z\n2,"x, y"\n')
    data = load(file, "kind", test=0.5, scale="none")
    assert data.feature_names == ("a, b",) and data.class_names == ("x, y", "z")
    assert data.inputs.ravel().tolist() == [1.5, 2.5, 1, 2]


def test_separators_within_quotes(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text('"p;x;y;z",q,k\n1,2,a\n2,3,b\n3,4,a\n4,5,b\n')
    assert load(file, "k", test=0.5).feature_names == ("p;x;y;z", "q")


@pytest.mark.parametrize("ending", [".npz", ".h5", ".hdf5"])
def test_arrays(tmp_path, ending):
    def saved(**arrays):
        path = tmp_path / f"x{ending}"
        if ending == ".npz":
            np.savez(path, **arrays)
            return path
        with h5py.File(path, "w") as file:
            for name, values in arrays.items():
                kind = h5py.string_dtype() if values.dtype.kind == "U" else values.dtype
                file.create_dataset(name, data=values.astype(kind))
        return path

    whole = load(saved(X=X, y=NAMES), scale="none", test=0.5)
    assert whole.class_names == ("setosa", "versicolor", "virginica")
    assert len(whole.test) == 75 and (whole.inputs == X.astype(np.float32)).all()
    parts = {"x_train": X[::2], "y_train": NUMBERS[::2]}
    parted = load(saved(**parts, x_test=X[1::2], y_test=NUMBERS[1::2]))
    assert parted.test.tolist() == list(range(75, 150))
    with pytest.raises(InputError, match="says itself which samples test"):
        load(tmp_path / f"x{ending}", test=0.3)
    with pytest.raises(InputError, match="has arrays and no columns"):
        load(tmp_path / f"x{ending}", label="kind")
    with pytest.raises(InputError, match="no X, y|no x_train"):
        load(saved(z=X))
    assert (read_features(saved(X=X), (), 4) == X).all()


@pytest.mark.parametrize(
    ("rows", "label", "message"),
    [
        ([["1", "x", "2", "3", "4"]], None, "which column to learn.*a, kind, b"),
        ([["1", "x", "2", "3", "4"]], "kinds", "no column 'kinds'.*a, kind, b"),
        ([["1", "x", "2", "3"]], "kind", "line 2: 4 cells for 5 columns"),
        ([["1", "x", "2", "3", ""]], "kind", "line 2: d = '' is no number"),
        ([["1", "x", "2", "1_0", "3"]], "kind", "line 2: c = '1_0' is no number"),
        ([["1", " ", "2", "3", "4"]], "kind", "line 2: no kind"),
        ([["nan", "x", "2", "3", "4"]] * 2, "kind", "every label is"),
        ([["nan", c, "2", "3", "4"] for c in "xyxyxy"], "kind", "= nan"),
        ([], "kind", "no samples below a line"),
    ],
)
def test_tables_that_are_refused(tmp_path, rows, label, message):
    with pytest.raises(InputError, match=message):
        load(table(tmp_path / "x.csv", rows=rows), label, test=0.5)


@pytest.mark.parametrize("names", [("a", "a", "kind"), ("a", "", "kind")])
def test_columns_are_named_once(tmp_path, names):
    file = table(tmp_path / "x.csv", names=names, rows=[["1", "2", "x"]])
    with pytest.raises(InputError, match="name every column once"):
        load(file, "kind")


@pytest.mark.parametrize("name", ["x.csv", "x.npz", "x.h5"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\0", b"PK\3\4", b"\x89HDF\r\n"])
def test_files_that_are_something_else(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        load(tmp_path / name, None if name != "x.csv" else "kind")


def test_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load(tmp_path / "x.csv", "kind")
    with pytest.raises(InputError, match="no such file"):
        read_features(tmp_path / "x.csv", (), 4)
    assert is_file_of_data("a/b.csv") and not is_file_of_data("digits")


def test_an_array_that_lies_elsewhere_is_not_followed(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["X"], other["y"] = X, NUMBERS
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["X"] = h5py.ExternalLink(tmp_path / "other.h5", "X")
        file["y"] = NUMBERS
    with pytest.raises(InputError, match="X is no array in this file"):
        load(tmp_path / "x.h5")


def test_new_samples_are_found_by_the_names_of_columns(tmp_path):
    file = table(tmp_path / "x.csv")
    found = read_features(file, ("d", "a"), 2)
    np.testing.assert_array_equal(found, X[:, [3, 0]])
    with pytest.raises(InputError, match="no column e, which the network"):
        read_features(file, ("a", "e"), 2)
    with pytest.raises(InputError, match="5 columns, and the network reads 4"):
        read_features(file, (), 4)


# --- targets of a regression ---

NUMBERED = [
    [f"{x[0]}", f"{k % 50}", f"{x[1]}", f"{x[2]}", f"{x[3]}"] for k, x in enumerate(X)
]


@pytest.mark.parametrize(
    ("label", "kind", "targets"),
    [
        ("a", None, ("a",)),
        ("a,kind", None, ("a", "kind")),
        (" d , a", None, ("d", "a")),
        ("kind", "regression", ("kind",)),
    ],
)
def test_columns_of_numbers_are_targets(tmp_path, label, kind, targets):
    file = table(tmp_path / "x.csv", rows=NUMBERED)
    data = load(file, label, kind=kind, scale="none")
    names = ["a", "kind", "b", "c", "d"]
    right = np.array(NUMBERED, float)[:, [names.index(name) for name in targets]]
    back = data.target_scaling.undo(data.targets)
    np.testing.assert_allclose(back, right, rtol=1e-5, atol=1e-5)
    assert data.target_names == targets and data.classes == 0
    assert data.feature_names == tuple(n for n in names if n not in targets)


def test_columns_of_few_whole_numbers_are_classes(tmp_path):
    rows = [[r[0], str(k % 3), *r[2:]] for k, r in enumerate(NUMBERED)]
    data = load(table(tmp_path / "x.csv", rows=rows), "kind")
    assert data.class_names == ("0", "1", "2") and data.targets is None
    many = table(tmp_path / "x.csv", rows=NUMBERED)
    told = load(many, "kind", kind="classes", test=0.5)
    assert told.classes == 50


def test_a_column_whose_name_has_a_comma(tmp_path):
    file = tmp_path / "x.csv"
    file.write_text('"a,b",a,b\n1.5,1,2\n2.5,2,3\n3.5,3,3\n4.5,2,1\n')
    assert load(file, "a,b", test=0.5).target_names == ("a,b",)
    assert load(file, "a, b", test=0.5).target_names == ("a", "b")


@pytest.mark.parametrize(
    ("label", "kind", "cell", "message"),
    [
        ("kind", None, None, "50 different whole numbers in 150 samples"),
        ("a", None, "high", "line 5: a = 'high' is no number, and others have"),
        ("a", "regression", "high", "line 5: a = 'high' is no number"),
        ("a,d", None, "high", "line 5: a = 'high' is no number"),
        ("a", None, "", "line 5: no a"),
        ("a", None, "nan", r"targets\[3, 0\] = nan"),
        ("a", None, "inf", r"targets\[3, 0\] = inf"),
        ("a,e", None, None, "no column 'e'"),
        ("a,", None, None, "no column ''"),
        ("a,a", None, None, "names one twice"),
        ("a,d", "classes", None, "2 columns are targets; name one"),
        ("a,b,c,d,kind", None, None, "no column is left to learn from"),
        ("a", "numbers", None, "choose classes or regression"),
    ],
)
def test_wrong_targets_in_a_table(tmp_path, label, kind, cell, message):
    rows = [list(row) for row in NUMBERED]
    rows[3][0] = rows[3][0] if cell is None else cell
    with pytest.raises(InputError, match=message):
        load(table(tmp_path / "x.csv", rows=rows), label, kind=kind)


def test_arrays_with_targets(tmp_path):
    file = tmp_path / "x.npz"
    np.savez(file, X=X[:, :2], y=X[:, 2:])
    assert load(file).targets.shape == (150, 2)
    np.savez(file, X=X, y=NUMBERS)
    assert load(file).classes == 3
    assert load(file, kind="regression").outputs == 1
    np.savez(file, x_train=X, y_train=X[:, 0], x_test=X[:9], y_test=X[:9, 0])
    assert len(load(file).test) == 9
    with h5py.File(tmp_path / "x.h5", "w") as opened:
        opened["X"], opened["y"] = X[:, :2], X[:, 2:]
    assert load(tmp_path / "x.h5").outputs == 2


def test_parquet_is_read_as_the_same_table_of_text(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame(
        {
            "length": np.linspace(0, 1, 12) / 3,
            "count": np.arange(12),
            "kind": ["a", "b"] * 6,
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    text, binary = (
        load(tmp_path / f"t.{end}", label="kind") for end in ("csv", "parquet")
    )
    np.testing.assert_array_equal(text.inputs, binary.inputs)
    np.testing.assert_array_equal(text.labels, binary.labels)
    assert binary.feature_names == ("length", "count")
    frame.loc[3, "kind"] = None
    frame.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="line 5: no kind"):
        load(tmp_path / "t.parquet", label="kind")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(InputError, match="not a Parquet file"):
        load(tmp_path / "bad.parquet", label="kind")


def test_parquet_without_pandas_says_what_it_needs(tmp_path, monkeypatch):
    import sys

    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="pip install pandas pyarrow"):
        load(tmp_path / "t.parquet", label="kind")


def test_a_file_in_the_place_of_a_task(tmp_path):
    file = table(tmp_path / "x.csv")
    data = load_dataset(file, label="kind", test=0.5, seed=3)
    same = load(file, "kind", test=0.5, seed=3)
    np.testing.assert_array_equal(data.test, same.test)
    assert data.class_names == same.class_names and len(data.test) == 75
    rows = [[str(value) for value in row] for row in X]
    numbers = table(tmp_path / "y.csv", names=("a", "b", "c", "d"), rows=rows)
    two = load_dataset(str(numbers), label=["a", "b"])
    assert two.targets.shape == (150, 2) and two.target_names == ("a", "b")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({}, "which column to learn"),
        ({"lable": "kind"}, "no choice lable; did you mean 'label'"),
        ({"label": 3}, "label = 3: name a column, or several"),
        ({"label": "kind", "path": "y.csv"}, "path = y.csv: .* is a file already"),
    ],
)
def test_wrong_words_about_a_file(tmp_path, choices, said):
    with pytest.raises(InputError, match=said):
        load_dataset(table(tmp_path / "x.csv"), **choices)


def test_what_is_said_of_files_only():
    with pytest.raises(InputError, match="label: only for a file of your own"):
        load_dataset("digits", label="kind")


def test_names_of_features_are_different():
    with pytest.raises(InputError, match="two features are called 'b'"):
        Dataset.from_arrays(X, NAMES, feature_names=["a", "b", "c", "b"])
