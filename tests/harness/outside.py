"""Clients that are not ours: installed once, pinned, into .build/outside, through pip and npm as this machine has them set up."""
import fcntl
import hashlib
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

from harness.stack import REPOSITORY

PINS = REPOSITORY / "tests/clients"
HOME = REPOSITORY / ".build/outside"


@contextmanager
def installed(kind, *files):
    """The folder for these pins; made once, also when several sessions want it at the same time."""
    digest = hashlib.sha256(b"".join((PINS / file).read_bytes() for file in files)).hexdigest()[:12]
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / f"{kind}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield HOME / f"{kind}-{digest}"


def run(*words, what, **options):
    for _ in range(3):  # a registry may be out of breath
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600, **options)
        if done.returncode == 0:
            return
    assert done.returncode == 0, f"{what} failed; is the package registry to be reached from here?\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def python():
    """A Python with what tests/clients/requirements.txt names."""
    with installed("python", "requirements.txt") as folder:
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            run("/usr/bin/python3", "-m", "venv", folder, what="python3 -m venv")
            run(folder / "bin/pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "-r", PINS / "requirements.txt",
                what="pip install")
            (folder / "ready").touch()
    return folder / "bin/python"


def node_modules():
    """A folder in which Node finds what tests/clients/package-lock.json names: for NODE_PATH."""
    with installed("node", "package.json", "package-lock.json") as folder:
        if not (folder / "ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for file in ("package.json", "package-lock.json"):
                shutil.copy(PINS / file, folder)
            run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder, what="npm ci")
            (folder / "ready").touch()
    return folder / "node_modules"


def ask(program, *words, environment=None, timeout=300):
    """Runs a client; its standard output. Fails with what it said."""
    done = subprocess.run([str(program), *map(str, words)], capture_output=True, text=True, timeout=timeout, env=environment)
    assert done.returncode == 0, f"{Path(words[0]).name} ended with {done.returncode}:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout
