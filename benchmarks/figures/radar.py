"""The radar on injected outbreaks over generated weeks, beside EARS C1, C2, C3 and plain lift at equal false alarms."""
import json

from .bench import BUILD, run
from .pipeline import figure

ROWS = [("radar", "radar, each quarter of an hour"), ("radar_as_set", "the same at the threshold that it sets itself"),
        ("c1_day", "EARS C1, whole days"), ("c2_day", "EARS C2, whole days"), ("c3_day", "EARS C3, whole days"),
        ("c1_24h", "EARS C1, each quarter, the 24 h before"), ("c2_24h", "EARS C2, likewise"), ("c3_24h", "EARS C3, likewise"),
        ("c2_hour", "EARS C2, each hour, of the same hours"), ("lift", "lift of an hour over four weeks")]


def outbreaks(bench):
    """--rounds 3 (the default) plays 1,000 seeds, two to three minutes of one core; fewer rounds fewer seeds."""
    seeds = {1: 100, 2: 300}.get(bench.options.rounds, 1000)
    told = json.loads(run(BUILD / "bin" / "radar-trial", seeds).stdout)
    methods, culprits = told["methods"], told["culprits"]
    bench.say(f"    {seeds} seeds: 12 weeks of past, 28 days watched, an outbreak of {told['outbreak_tickets']:.0f} tickets on average")
    bench.say(f"    {'':<46} {'found':>7} {'tickets needed':>16} {'median':>7} {'hours':>6} {'false alarm every':>18}")
    for key, words in ROWS:
        m = methods[key]
        bench.say(f"    {words:<46} {m['sensitivity']:>7.1%} {m['tickets_mean']:>16.1f} {m['tickets_median']:>7.0f}"
                  f" {m['delay_hours']:>6.1f} {m['false_every_days']:>13.0f} days")
    bench.say(f"    culprits at that moment: named in {culprits['named']} of {culprits['found']}, the first is right in"
              f" {culprits['right']}, {culprits['all_right']} of all {culprits['all']} named are; the greatest lift is in"
              f" {culprits['lift_right']}; among as many ordinary tickets named in {culprits['quiet_named']} of {culprits['quiet']}")
    bench.say(f"    a fit {told['fit_ms']:.1f} ms, a threshold {told['threshold_ms']:.0f} ms, culprits {culprits['ms']:.1f} ms,"
              f" all of it {told['cpu_seconds']:.0f} s of one core")
    ours = methods["radar"]["tickets_mean"]
    for key, words in [("c2_day", "EARS-C2"), ("c2_24h", "EARS-C2 each quarter of an hour")]:
        yield figure(f"tickets until an outbreak is found / {words}", ours / methods[key]["tickets_mean"], [], 0.6, "{:.2f}", at_most=True)
    yield figure("outbreaks found", methods["radar"]["sensitivity"], [], methods["c2_24h"]["sensitivity"], "{:.3f}")
    yield figure("culprits named first that are the right ones", culprits["right"] / max(1, culprits["named"]), [], 0.9, "{:.3f}")
