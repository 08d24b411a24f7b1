"""tests/layout/proto.sh refuses what an older or newer program would misread, and nothing else."""
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def proto(tmp_path):
    for file in (REPOSITORY / "proto").iterdir():
        if file.suffix in (".proto", ".txt"):
            shutil.copy(file, tmp_path)
    return tmp_path


def check(folder):
    return subprocess.run([REPOSITORY / "tests/layout/proto.sh", folder], capture_output=True, text=True)


def edit(folder, file, old, new):
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))


def test_the_messages_of_this_tree_are_compatible():
    run = check(REPOSITORY / "proto")
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("file, old, new, said", [
    ("ticket_noted.proto", "string note = 1;", "uint64 note = 1;", "released as `single string note`"),
    ("ticket_noted.proto", "string note = 1;", "string remark = 1;", "released as `single string note`"),
    ("ticket_noted.proto", "string note = 1;", "repeated string note = 1;", "give the new one a new number"),
    ("ticket_noted.proto", "string note = 1;", "string note = 2;", "write `reserved 1;`"),
    ("ticket_created.proto", "  uint64 source_id = 20;\n", "", "TicketCreated.20"),
    ("envelope.proto", "int64 at_ms = 5;", "int64 at_ms = 7;", "number 7 twice"),
    ("envelope.proto", "    TicketNoted ticket_noted = 21;\n", "", "Envelope.21"),
    ("capacity_changed.proto", "message CapacityChanged", "message RoomChanged", "CapacityChanged: released, and gone"),
    ("ticket_noted.proto", "string note = 1;", "reserved 1;\n  string text = 1;", "reserved"),
    ("ticket_noted.proto", "string note = 1;", "map<string, string> note = 1;", "not understood"),
])
def test_an_incompatible_change_is_refused(proto, file, old, new, said):
    edit(proto, file, old, new)
    run = check(proto)
    assert run.returncode == 1 and said in run.stdout, run.stdout


@pytest.mark.parametrize("new", ["string note = 1;\n  string language = 2; // added", "reserved 1;\n  string text = 2;"])
def test_an_addition_and_an_orderly_end_are_fine(proto, new):
    edit(proto, "ticket_noted.proto", "string note = 1;", new)
    run = check(proto)
    assert run.returncode == 0, run.stdout
