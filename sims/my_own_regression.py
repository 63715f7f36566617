"""A regression of your own: learn how a disease goes on, and ask about new people.

Run:       python sims/my_own_regression.py        (about half a minute)
Expected:  test R2 about 0.3
"""

from sklearn.datasets import load_diabetes

from neuro_ep import Dataset, load_network, train


def main(out: str = "runs/diabetes.h5", **choices):
    """Learn the progression of diabetes from ten features; return the network."""
    inputs, progression = load_diabetes(return_X_y=True)
    people = Dataset.from_arrays(inputs, progression, kind="regression")
    result = train("ep", people, out=out, overwrite=True, **choices)
    network = load_network(result.file)
    print(f"test R2 {result.test_r2:.2f}; {network.predict(inputs[:2])}")
    return network


if __name__ == "__main__":
    main()
