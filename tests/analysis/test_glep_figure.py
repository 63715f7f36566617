"""The figure of boundary conditions says what it cannot read."""

import h5py

from neuro_ep.analysis import glep_figure


def test_no_file(tmp_path, capsys):
    path, png = tmp_path / "none.h5", tmp_path / "out.png"
    assert glep_figure.main([str(path), str(png)]) == 2
    assert "run sims/glep_boundary_conditions.py first" in capsys.readouterr().err
    assert not png.exists()


def test_another_file(tmp_path, capsys):
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file.create_group("sizes")
    assert glep_figure.main([str(path), str(tmp_path / "out.png")]) == 2
    assert "has no conditions, horizon" in capsys.readouterr().err
