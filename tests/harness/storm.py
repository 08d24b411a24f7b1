"""A surge through the gate while a test does harm, and the proof afterwards that it did none."""
import json
import subprocess


class Storm:
    """`docket surge` in the background; what the gate accepted is in a file that `docket verify` reads."""

    def __init__(self, stack, tenant, rate=250, seconds=12, seed=1, gate=None, duplicates="1/20"):
        self.stack = stack
        self.accepted = stack.home / f"accepted-{tenant.name}-{seed}.txt"
        self.process = subprocess.Popen(
            ["docket", "surge", "--rate", str(rate), "--seconds", str(seconds), "--token", tenant.token,
             "--url", gate or stack.gate, "--seed", str(seed), "--duplicates", duplicates, "--retry",
             "--accepted", str(self.accepted), "--json"],
            env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def accepted_so_far(self):
        return self.accepted.read_text().count("\n") if self.accepted.exists() else 0

    def finish(self, timeout=180):
        out, err = self.process.communicate(timeout=timeout)
        assert self.process.returncode in (0, 1), f"surge ended with {self.process.returncode}:\n{out}\n{err}"
        return json.loads(out.splitlines()[-1])

    def prove(self, wait=60):
        """Nothing accepted is lost or doubled, every ledger whole; and something was accepted at all."""
        summary = self.finish()
        assert summary["accepted"] > 0, summary
        self.stack.verify("--accepted", self.accepted, wait=wait)
        return summary
