"""What row-level security costs a router: draining the same backlog with and without it, interleaved."""
from .bench import median
from .pipeline import figure

BACKLOG = 60000


def drained(bench, stack, fenced):
    """Tickets per second while one router drains a backlog that was made while it was away."""
    stack.command("up", "--router", 0)
    before = bench.stored()
    summary = bench.surge(4000, BACKLOG // 4000)
    stack.command("up", "--router", 1, environment={"DOCKET_ROW_LEVEL_SECURITY": "true" if fenced else "false"})
    seconds = bench.wait_stored(before + summary["tickets"], 120)
    return summary["tickets"] / seconds


def row_level_security(bench):
    stack = bench.fresh(BACKLOG * 2 * bench.options.rounds, routers=1)
    ratios = []
    for _ in range(bench.options.rounds):
        with_fence = drained(bench, stack, True)
        without = drained(bench, stack, False)
        ratios.append(with_fence / without)
        bench.say(f"    {with_fence:.0f}/s with, {without:.0f}/s without")
    yield figure("router with row-level security / without", median(ratios), ratios, 0.9, "{:.2f}×")
