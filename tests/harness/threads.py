#!/usr/bin/env python3
"""What lives beside other threads runs its unit tests under ThreadSanitizer: the room kafka, where librdkafka's threads
wake our loop, write its logs and hand over messages, and the room workers, whose threads are our own.

librdkafka itself is not compiled with it, so its atomic counters are invisible, and memory that its last holder frees looks
like a race with whoever read it before. Two kinds of report are therefore let pass: both accesses were made by librdkafka
(directly, or by memcpy, free or a lock that it called), or one of them is a free() by librdkafka (that nobody reads what
is freed is AddressSanitizer's to watch). A report in which our own code made an access otherwise fails, and so does a
test that fails.
"""
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.chdir(Path(__file__).resolve().parents[2])
TESTS = Path(".build/tsan/tests")
FRAME = re.compile(r"^    #\d+ (.*) \(([^()+]+)\+0x[0-9a-f]+\)")
ACCESS = re.compile(r"^  (?:\[failed to|(?:Previous )?(?:atomic )?(?:read|write) of size)", re.IGNORECASE)


def accesses(report):
    """For each access of a report: the module of the first frame that is not the sanitizer's or libc's own, and whether it
    is a free()."""
    blocks = re.split(r"\n\s*\n", report)
    for block in blocks:
        lines = block.splitlines()
        if not any(ACCESS.match(line) for line in lines):
            continue
        modules = [match[2] for line in lines if (match := FRAME.match(line))]
        module = next((m for m in modules if not m.startswith(("libtsan", "libc.so"))), "nothing known")
        yield module, any(line.startswith("    #0 free ") for line in lines)


def harmless(report):
    made_by = list(accesses(report))
    theirs = [module.startswith("librdkafka") for module, _ in made_by]
    given_back = any(its and free for its, (_, free) in zip(theirs, made_by))
    return "data race" in report and len(made_by) >= 2 and (all(theirs) or given_back)


def run(test):
    with tempfile.TemporaryDirectory(prefix="docket-tsan-") as directory:
        environment = dict(os.environ, TSAN_OPTIONS=f"log_path={directory}/report exitcode=0 history_size=4 halt_on_error=0")
        try:
            done = subprocess.run([str(test)], env=environment, capture_output=True, text=True, timeout=900, errors="replace")
            said, status = done.stdout[-3000:] + done.stderr[-3000:], done.returncode
        except subprocess.TimeoutExpired:
            said, status = "not done after 900 s", 1
        text = "".join(file.read_text(errors="replace") for file in Path(directory).glob("report*"))
    reports = re.findall(r"WARNING: ThreadSanitizer: .*?(?=\n=====|\Z)", text, re.DOTALL)
    fatal = "FATAL: ThreadSanitizer" in text
    ours = [report for report in reports if not harmless(report)]
    if status or fatal:
        ours.append(f"{test.name} ended with {status}\n{said}{text if fatal else ''}")
    return test, ours, len(reports)


def main():
    targets = []
    for room in ("kafka", "workers"):
        found = sorted(Path("tests/unit", room).glob("*.c"))
        if not found:
            sys.exit(f"tests/unit/{room} holds no test")
        targets += [f"unit_{room}_{source.stem}" for source in found]
    build = subprocess.run(["deploy/local/build", "tsan", *targets])
    if build.returncode:
        sys.exit(build.returncode)
    failed = 0
    with ThreadPoolExecutor(2) as pool:
        for test, ours, seen in pool.map(run, [TESTS / target for target in targets]):
            print(f"{test.name}: {seen} reports, {len(ours)} of them ours")
            for report in ours:
                print(report)
            failed += bool(ours)
    sys.exit(1 if failed else 0)


main()
