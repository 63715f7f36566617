"""Both compartments of spiking dyads, and their spikes, while the network learns.

Run:       python sims/record_a_training.py       (about half a minute)
Expected:  runs/recorded.png: traces and spikes of one sample, in the first epoch; and
           how often a dyad fires
"""

from neuro_ep import Probe, Spikes, find_rule, load_dataset, train
from neuro_ep.analysis import firing_rates, sample_traces

RECORD = [Probe("hidden", ["trace_plus"], units=range(3)), Spikes("hidden")]


def main(out="runs/recorded.h5", target=None, **choices):
    """Train with probes, draw what they saw, count the spikes; the rates."""
    rule, digits = find_rule("spiking-dual-propagation"), load_dataset("digits")
    settings = rule.settings("digits", **{"epochs": 5, **choices})
    how = {"record": RECORD, "record_epochs": (1, -1), "record_samples": "test[:20]"}
    train(rule, digits, settings, out=out, target=target, overwrite=True, **how)
    axes, _ = sample_traces(out, epoch=1)
    axes[0].figure.savefig(str(out).replace(".h5", ".png"))
    _, rate = firing_rates(out, "hidden.spike_plus")
    print(f"a hidden dyad that fires does so {rate:.0f} times a second")
    return rate


if __name__ == "__main__":
    main()
