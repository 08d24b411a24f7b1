#!/usr/bin/env python3
"""clang-tidy over every C file of the product, with the checks of .clang-tidy. Needs a configured build directory.

Usage: tidy.py [BUILD] [FILE...]

Runs on every core; a file that was clean and has not changed since (nor any header it reads, nor a check, nor a flag) is
not read again: .build/tidy remembers. One file a process: clang-tidy 14 sees uninitialized va_lists when it reads several.
"""
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

os.chdir(Path(__file__).resolve().parents[2])
BUILD = Path(sys.argv[1] if len(sys.argv) > 1 else ".build/asan")
CLEAN = Path(".build/tidy")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def preprocessed(entry):
    """What the compiler sees of a file, comments included: they may say NOLINT."""
    words = shlex.split(entry["command"])
    words[words.index("-o"):words.index("-o") + 2] = []
    words[words.index("-c"):words.index("-c") + 1] = ["-E", "-C"]
    run = subprocess.run(words, cwd=entry["directory"], capture_output=True)
    return words, run.stdout if run.returncode == 0 else None


def tidy(file, entry, checks):
    """(what is wrong with the file: empty when nothing is, whether it was read)."""
    words, text = preprocessed(entry)
    mark = None
    if text is not None:
        mark = CLEAN / hashlib.sha256(b"\0".join([checks, " ".join(words).encode(), text])).hexdigest()
        if mark.exists():
            mark.touch()
            return "", False
    run = subprocess.run(["clang-tidy", "--quiet", "-p", str(BUILD), "--extra-arg=-Wno-unknown-warning-option", file],
                         capture_output=True, text=True)
    found = [line for line in run.stdout.splitlines() if " warning: " in line or " error: " in line]
    if run.returncode == 0 and not found:
        if mark:
            mark.touch()
        return "", True
    if found:
        here = str(Path.cwd()) + "/"
        return "\n".join(line.replace(here, "") for line in found), True
    return f"{file}: clang-tidy failed ({run.returncode}) and named no finding:\n{run.stdout}{run.stderr}", True


def main():
    CLEAN.mkdir(parents=True, exist_ok=True)
    try:
        entries = {e["file"]: e for e in json.loads((BUILD / "compile_commands.json").read_text())}
    except FileNotFoundError:
        sys.exit(f"{BUILD}/compile_commands.json is missing: deploy/local/build asan")
    checks = Path(".clang-tidy").read_bytes() + output("clang-tidy", "--version").encode()
    files = sys.argv[2:] or output("git", "ls-files", "libcommon/*.c", "services/*.c").split()
    if not files:
        sys.exit("no C file found")
    status, read = 0, 0
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file in files:
            entry = entries.get(str(Path(file).resolve()))
            if not entry:
                print(f"{file}: no target compiles it")
                status = 1
                continue
            jobs.append(pool.submit(tidy, file, entry, checks))
        said = set()
        for job in jobs:
            wrong, was_read = job.result()
            read += was_read
            status = 1 if wrong else status
            for line in wrong.splitlines():
                if line not in said:  # a header's finding comes with every file that reads it
                    print(line, flush=True)
                    said.add(line)
    for mark in sorted(CLEAN.iterdir(), key=lambda m: m.stat().st_mtime, reverse=True)[20 * len(files):]:
        mark.unlink()
    print(f"{len(files)} files, {read} of them new or changed", file=sys.stderr)
    sys.exit(status)


main()
