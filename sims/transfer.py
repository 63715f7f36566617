"""Transfer: hidden units that know the digits 0 to 4 help to learn 5 to 9.

Run:       python sims/transfer.py       (about a minute)
Expected:  after one epoch of 100 samples 0.71 transferred and 0.62 from scratch, means
           of 3 seeds; from the fifth epoch on both are the same; runs/transfer.png
"""

from dataclasses import replace

from neuro_ep import find_rule, load_dataset, load_network, open_recording, train
from neuro_ep.analysis import learning_curves

KEPT = ("input_to_hidden", "bias_hidden")


def half(digits, first, samples=None):
    """Five of the digits, called 0 to 4, and so many samples of them to train on."""
    inside = (digits.labels >= first) & (digits.labels < first + 5)
    parts = {"train": digits.train[inside[digits.train]][:samples]}
    parts["test"] = digits.test[inside[digits.test]]
    labels = (digits.labels - first).clip(0, 4)
    return replace(digits, labels=labels, classes=5, **parts)


def main(out="runs/transfer", seeds=3, epochs=(30, 10), samples=100, **choices):
    """Learn one half, then the other, and the other alone; first accuracies."""
    digits, rule = load_dataset("digits"), find_rule("dual-propagation")
    low, high = half(digits, 0), half(digits, 5, samples)
    before, after = (
        rule.settings("digits", layers=(64, 128, 5), epochs=n) for n in epochs
    )
    files: dict = {"transferred": [], "from scratch": []}
    for seed in range(seeds):
        how = {"overwrite": True, "seed": seed, **choices}
        knows = load_network(train(rule, low, before, out=f"{out}_0.h5", **how).file)
        hidden = {name: knows.weights[name] for name in KEPT}
        for name, weights in (("transferred", hidden), ("from scratch", None)):
            place = f"{out}_{name.replace(' ', '_')}_{seed}.h5"
            run = train(rule, high, after, out=place, weights=weights, **how)
            files[name].append(run.file)
    axes, first = None, {}
    for name, runs in files.items():
        axes, _ = learning_curves(runs, axes=axes, label=name)
        accuracies = [open_recording(f).training["test_accuracy"][1] for f in runs]
        first[name] = sum(accuracies) / seeds
        print(f"{name}: {first[name]:.3f} after one epoch")
    axes.figure.savefig(f"{out}.png")
    return first


if __name__ == "__main__":
    main()
