#!/bin/bash
# proto.sh -- no released message changes in a way that an older or newer program would misread: a number keeps its type,
# its label and its name for ever, and one that is given up stays reserved. proto/released.txt is what was released.
#
#   tests/layout/proto.sh [DIRECTORY]             compares DIRECTORY/*.proto (default: proto) with DIRECTORY/released.txt
#   tests/layout/proto.sh --release [DIRECTORY]   adds what is new to released.txt: part of making a release
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
exec python3 - "$@" <<'PY'
import re
import sys
from pathlib import Path

words = sys.argv[1:]
release = "--release" in words
words = [w for w in words if w != "--release"]
folder = Path(words[0] if words else "proto")
released_file = folder / "released.txt"
problems = []


def declared(text):
    """{(message, number): "label type name"}, {message: reserved numbers}: of our plain style of .proto files."""
    fields, reserved = {}, {}
    message, depth = None, 0
    for number, line in enumerate(text.split("\n"), 1):
        line = re.sub(r"//.*", "", line).strip()
        opening = re.match(r"(message|oneof) (\w+) \{$", line)
        field = re.match(r"(?:(repeated|optional) )?([\w.]+) (\w+) = (\d+);$", line)
        kept = re.match(r"reserved ([\d, ]+);$", line)
        if opening:
            depth += 1
            if opening[1] == "message":
                if depth > 1:
                    raise ValueError(f"line {number}: a message inside a message is not understood here")
                message = opening[2]
                reserved.setdefault(message, set())
        elif line == "}":
            depth -= 1
        elif field and depth:
            key = (message, int(field[4]))
            if key in fields:
                raise ValueError(f"line {number}: number {field[4]} twice in {message}")
            fields[key] = f"{field[1] or 'single'} {field[2]} {field[3]}"
        elif kept:
            reserved[message] |= {int(n) for n in kept[1].split(",")}
        elif line and not re.match(r'(syntax|package|import)\b.*;$', line):
            raise ValueError(f"line {number}: not understood: {line}")
    return fields, reserved


now, reserved = {}, {}
for file in sorted(folder.glob("*.proto")):
    try:
        fields, kept = declared(file.read_text())
    except ValueError as reason:
        problems.append(f"{file}: {reason}")
        continue
    now.update(fields)
    reserved.update(kept)

released = {}
for line in released_file.read_text().splitlines() if released_file.exists() else []:
    if line and not line.startswith("#"):
        message, number, rest = line.split(" ", 2)
        released[message, int(number)] = rest

for (message, number), was in sorted(released.items()):
    if message not in reserved:
        problems.append(f"{message}: released, and gone; put it back")
    elif (message, number) not in now and number not in reserved[message]:
        problems.append(f"{message}.{number} ({was}): released, and gone; write `reserved {number};`")
    elif (message, number) in now and number in reserved[message]:
        problems.append(f"{message}.{number}: reserved and used")
    elif now.get((message, number), was) != was:
        problems.append(f"{message}.{number}: released as `{was}`, now `{now[message, number]}`; give the new one a new number")
for (message, number), what in sorted(now.items()):
    if number in reserved[message]:
        problems.append(f"{message}.{number} ({what}): this number is reserved; take another")

for problem in dict.fromkeys(problems):
    print(problem)
if problems:
    sys.exit(1)
if release:
    everything = {**now, **released}
    released_file.write_text("# What was released: message, number, label, type, name. Only tests/layout/proto.sh --release adds lines.\n"
                             + "".join(f"{m} {n} {what}\n" for (m, n), what in sorted(everything.items())))
print(f"{len(released)} released fields are as they were, {len(set(now) - set(released))} are new")
PY
