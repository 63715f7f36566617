"""Six oscillators at their smallest, what they claim in full, and their picture."""

import h5py
import numpy as np
import pytest

from neuro_ep.run.target import on_target


@pytest.fixture(autouse=True)
def brian2_as_it_was():
    with on_target("numpy"):
        yield


def test_they_begin_to_learn_and_are_drawn(sim, tmp_path):
    pytest.importorskip("matplotlib")
    from neuro_ep.analysis import coupled_oscillators_figure as figure

    out = tmp_path / "a" / "out.h5"
    found = sim("coupled_oscillators").main("smallest", out, target="numpy")
    for case, curves in found.items():
        exact = curves["exact"]
        np.testing.assert_allclose(curves["echoes"], exact, rtol=1e-3, err_msg=case)
        for wrong in ("not turned", "replayed late"):
            gap = np.abs(curves[wrong][1:] / exact[1:] - 1)
            assert gap.max() > 1e-2, (case, wrong)
    with h5py.File(out) as file:
        for case in found:
            np.testing.assert_array_equal(
                file[case]["cost/echoes"], found[case]["echoes"]
            )
            of = file[case]["read_out"]
            before, after = (
                np.abs(of[name][()] - of["teacher"][()]).max()
                for name in ("before", "after")
            )
            assert after < before
    drawn = figure.draw(out, tmp_path / "out.png")
    assert drawn["linear, fall of the cost"] == pytest.approx(
        found["linear"]["echoes"][0] / found["linear"]["echoes"][-1]
    )
    assert (tmp_path / "out.png").stat().st_size > 10_000


@pytest.mark.slow
@pytest.mark.exhaustive
def test_the_student_follows_its_teacher(sim, tmp_path):
    """500 steps of Adam, compiled: as measured, within 1 % of exact gradients."""
    found = sim("coupled_oscillators").main("full", tmp_path / "out.h5")
    for case, fall in {"linear": 10_000, "hardening": 3_000}.items():
        curves = found[case]
        np.testing.assert_allclose(curves["echoes"], curves["exact"], rtol=1e-2)
        assert curves["echoes"][0] > fall * curves["echoes"][-1]
        assert curves["not turned"].min() > 0.1 * curves["echoes"][0]
        assert curves["replayed late"][-1] > 30 * curves["echoes"][-1]
