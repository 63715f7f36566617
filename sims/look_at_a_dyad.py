"""Both compartments of dyads while a sample is shown and taught: traces, phases.

Run:       python sims/look_at_a_dyad.py       (about half a minute)
Expected:  runs/look_at_a_dyad.png: the mean m carries activity and settles; the
           difference d carries the error, and fades where the network is right
"""

from neuro_ep import Probe, find_rule, load_dataset, load_network, train


def main(out="runs/look_at_a_dyad.h5", target=None, **choices):
    """Train, present, plot; the traces."""
    rule, digits = find_rule("dyadic-compartments"), load_dataset("digits")
    settings = rule.settings("digits", **{"epochs": 5, **choices})
    file = train(rule, digits, settings, out=out, target=target, overwrite=True).file
    network, test = load_network(file), digits.test[:3]
    record = [Probe("hidden", ["m", "d"], units=range(5)), Probe("output", ["m", "d"])]
    traces = network.present(digits.inputs[test], digits.labels[test], record=record)
    traces.plot()[0].figure.savefig(str(out).replace(".h5", ".png"))
    return traces


if __name__ == "__main__":
    main()
