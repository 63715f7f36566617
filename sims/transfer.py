"""Transfer: hidden units that know the digits 0 to 4 help to learn 5 to 9.

Run:       python sims/transfer.py       (about a minute)
Expected:  after one epoch of 90 samples 0.61 transferred and 0.39 from scratch, means
           of 3 seeds; from the fourth epoch on both are the same; runs/transfer.png
"""

from neuro_ep import Dataset, find_rule, load_dataset, load_network, train
from neuro_ep.analysis import learning_curves

KEPT = ("input_to_hidden", "bias_hidden")


def main(out="runs/transfer", seeds=3, epochs=(30, 6), share=0.1, **choices):
    """Learn one half, a share of the other with its hidden units, and that alone."""
    digits, rule, files = load_dataset("digits"), find_rule("dual-propagation"), {}
    x, y, low = digits.inputs, digits.labels, digits.labels < 5
    few = Dataset.from_arrays(x[~low], y[~low], test=1 - share)
    many = Dataset.from_arrays(x[low], y[low])
    for seed in range(seeds):
        how = {"overwrite": True, "seed": seed, **choices}
        before = rule.settings(many, layers=(128,), epochs=epochs[0])
        knows = train(rule, many, before, out=f"{out}_before_{seed}.h5", **how).file
        hidden = {name: load_network(knows).weights[name] for name in KEPT}
        for name, weights in (("transferred", hidden), ("from scratch", None)):
            after = rule.settings(few, layers=(128,), epochs=epochs[1])
            how |= {"out": f"{out}_{name}_{seed}.h5", "weights": weights}
            files.setdefault(name, []).append(train(rule, few, after, **how).file)
    axes = None
    for name, runs in files.items():
        axes, reached = learning_curves(runs, axes=axes, label=name)
        print(f"{name}: {reached['mean'][1]:.3f} after one epoch")
    axes.figure.savefig(f"{out}.png")
    return files


if __name__ == "__main__":
    main()
