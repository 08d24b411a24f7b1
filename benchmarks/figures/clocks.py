"""The clocks of promises: our wheel against libevent's timers, and how fast written lives are judged."""
import json
import sys
import time
from pathlib import Path

from .bench import BUILD, median, run
from .pipeline import figure

LIVE = 10_000_000
OPS = 1_000_000
CASES = 4000

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))
from oracle import lives  # noqa: E402


def timers(*words):
    return json.loads(run(BUILD / "bin" / "timers", *words).stdout)


def wheel(bench):
    """Ten million live clocks: cancelled at random, added anew, weighed; each against libevent in the same round."""
    adds, cancels, bytes_each = [], [], []
    for _ in range(bench.options.rounds):
        ours, theirs = timers("wheel", LIVE, OPS, 5), timers("libevent", LIVE, OPS, 5)
        light, heavy = timers("wheel-memory", LIVE), timers("libevent-memory", LIVE)
        bench.say(f"    add {ours['add_ns']:.0f} ns against {theirs['add_ns']:.0f}, cancel {ours['cancel_ns']:.0f} against"
                  f" {theirs['cancel_ns']:.0f}, bytes {light['bytes']:.0f} against {heavy['bytes']:.0f}")
        adds.append(theirs["add_ns"] / ours["add_ns"])
        cancels.append(theirs["cancel_ns"] / ours["cancel_ns"])
        bytes_each.append(light["bytes"] / heavy["bytes"])
    yield figure("adding a clock at ten million / libevent", median(adds), adds, 8, "{:.1f}×")
    yield figure("cancelling one at random / libevent", median(cancels), cancels, 8, "{:.1f}×")
    yield figure("bytes a clock, look-up included / libevent", median(bytes_each), bytes_each, 0.5, "{:.2f}×", at_most=True)


def cases(bench):
    """Random written lives a second through `docket clock --cases`, one core."""
    file = bench.scratch / "cases"
    file.write_text("".join(json.dumps(lives.life(number)) + "\n" for number in range(CASES)))
    rates = []
    for _ in range(bench.options.rounds):
        began = time.monotonic()
        run(BUILD / "bin" / "docket", "clock", "--cases", file)
        rates.append(CASES / (time.monotonic() - began))
    yield figure("written lives judged a second", median(rates), rates, 2000, "{:.0f}")


def long_life(bench):
    """A history of 8,000 questions and answers, told and explained: what a row of it costs against one of 500."""
    ratios = []
    for _ in range(bench.options.rounds):
        short, long = (json.loads(run(BUILD / "bin" / "long-life", rows, 8000 // rows).stdout)["row_us"] for rows in (500, 8000))
        bench.say(f"    {long:.2f} µs a row against {short:.2f}")
        ratios.append(long / short)
    yield figure("a row of 8,000 of one ticket / of 500", median(ratios), ratios, 3, "{:.2f}×", at_most=True)
