"""A network of ten lines: build it, train it, look at it.

Run:       python sims/my_first_network.py        (about half a minute)
Expected:  test accuracy about 0.97
"""

from neuro_ep import load_dataset, train
from neuro_ep.models import CONTINUAL_EP


def main(epochs: int = 150, out: str = "runs/my_first_network.h5"):
    """Train on digits and print what came out."""
    digits = load_dataset("digits")
    settings = CONTINUAL_EP.settings("digits", epochs=epochs, beta=0.7)
    result = train(CONTINUAL_EP, digits, settings, out=out, seed=1)
    print(f"test accuracy {result.test_accuracy:.3f}, recorded in {result.file}")
    return result


if __name__ == "__main__":
    main()
