"""What the figure of dual propagation's error computes and refuses."""

import h5py
import numpy as np
import pytest

from neuro_ep.analysis import dual_propagation_figure as figure

NAN = np.nan


def test_medians_are_of_what_settled_if_most_did():
    errors = np.array([[1.0, 2.0, 9.0], [1.0, 3.0, NAN], [1.0, NAN, NAN]])
    np.testing.assert_array_equal(figure.medians(errors), [2.0, 2.0, NAN])


def test_exact_share_counts_what_did_not_settle():
    errors = np.array([[1e-12, 1e-3, NAN, 1e-10]])
    np.testing.assert_array_equal(figure.exact_share(errors), [0.5])


def test_order_is_the_slope_at_small_beta():
    beta = np.array([0.01, 0.02, 0.04, 0.4])
    errors = np.column_stack([3 * beta**2, 3 * beta**2])
    errors[-1] = 100
    assert figure.order_in_beta(beta, errors) == pytest.approx(2)


def test_files_that_are_not_of_the_simulation(tmp_path, capsys):
    file, picture = tmp_path / "other.h5", tmp_path / "picture.png"
    assert figure.main([str(file), str(picture)]) == 2
    assert "no such file; run sims/dual_propagation_error.py" in capsys.readouterr().err
    with h5py.File(file, "w") as other:
        other["beta"] = [1.0]
    assert figure.main([str(file), str(picture)]) == 2
    assert "has no alpha, error/tanh" in capsys.readouterr().err
    assert not picture.exists()
