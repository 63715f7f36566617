"""Data of your own: train on a table, take the network out, ask it about new samples.

Run:       python sims/my_own_data.py        (about half a minute)
Expected:  test accuracy about 1.0
"""

from sklearn.datasets import load_wine

from neuro_ep import Dataset, load_network, train


def main(out: str = "runs/wine.h5", **choices):
    """Learn three kinds of wine; return the network."""
    inputs, labels = load_wine(return_X_y=True)
    names = [f"cultivar {label + 1}" for label in labels]  # any labels will do
    wine = Dataset.from_arrays(inputs, names, test=0.2, name="wine")
    result = train("dual-propagation", wine, out=out, overwrite=True, **choices)
    network = load_network(result.file)
    print(f"test accuracy {result.test_accuracy:.3f}; {network.predict(inputs[:2])}")
    return network


if __name__ == "__main__":
    main()
