"""Table of tests/unit/staffing/staffing.c by brute force: the queue as a birth-death chain, solved state by state, and each
arrival's way through those ahead of it by matrix exponentials. Needs NumPy and SciPy: python3 tests/oracle/staffing_tables.py
(neither is needed to run the tests)."""
import numpy as np
from scipy.linalg import expm


def level(per_hour, handle, patience, agents, in_time):
    lam, mu, theta = per_hour / 3600, 1 / handle, 1 / patience if patience else 0.0
    log_p, logs = 0.0, [0.0]
    for k in range(1, 200000):
        log_p += np.log(lam / (min(k, agents) * mu + max(0, k - agents) * theta))
        logs.append(log_p)
        if k > agents and log_p < max(logs) - 60:
            break
    p = np.exp(np.array(logs) - max(logs))
    p /= p.sum()
    states = np.arange(len(p))
    queue = np.maximum(0, states - agents)
    waits = p[agents:].sum()
    mean_queue = (p * queue).sum()
    gives_up = theta * mean_queue / lam
    wait = mean_queue / lam  # Little
    occupancy = (p * np.minimum(states, agents)).sum() / agents
    # Who finds j waiting is j + 1 departures away: of agents * mu each, and of those ahead who give up; she may give up herself.
    places = min(len(p) - agents, 700)
    q = np.zeros((places + 1, places + 1))
    for j in range(places):  # state j: j ahead of her; `places`: answered
        out = agents * mu + j * theta
        q[j, j - 1 if j else places] = out
        q[j, j] = -(out + theta)
    answered = expm(q * in_time)[:places, places]
    in_time_share = p[:agents].sum() + (p[agents:agents + places] * answered).sum()
    return in_time_share, waits, gives_up, wait, occupancy


CASES = [(30, 300, 0, 4), (30, 300, 0, 3), (360, 240, 0, 30), (360, 240, 0, 25), (120, 600, 0, 24), (5, 60, 0, 1), (1000, 180, 0, 52),
         (30, 300, 120, 3), (30, 300, 120, 1), (360, 240, 60, 24), (360, 240, 600, 20), (360, 240, 1000, 30), (5, 60, 30, 1),
         (1000, 180, 90, 45), (1000, 180, 400, 55), (100, 100, 5000, 3), (600, 900, 3600, 140),
         (500, 300, 1, 1), (500, 300, 3, 40), (20, 3600, 5, 2)]
print("static const double levels[][10] = {\n    /* per hour, handle, patience, agents, in time; in time, waits, gives up, wait, occupancy */")
for per_hour, handle, patience, agents in CASES:
    for in_time in (0, 20, 180):
        row = (per_hour, handle, patience, agents, in_time, *level(per_hour, handle, patience, agents, in_time))
        print("    {" + ", ".join(f"{float(v):.12g}" for v in row) + "},")
print("};")
