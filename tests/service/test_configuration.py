"""A wrong configuration stops the start with file, line, reason and remedy; every key that has a port, a password or a
path is tried wrong once, from the file and from the environment."""
import re
import subprocess

import pytest

from harness.stack import BUILD

SERVICES = ["intake", "router", "desk", "sla", "notifier", "analytics"]
GOOD = {"kafka_brokers": "127.0.0.1:9092", "postgres_url": "postgresql://u:geheim@127.0.0.1:5432/docket",
        "redis_url": "redis://:geheim@127.0.0.1:6379", "listen": "127.0.0.1:8080",
        "export_s3_secret": "geheim"}
WRONG = {  # by what a key's good value looks like
    "address": ["127.0.0.1:99999", "127.0.0.1", "127.0.0.1:http", ":"],
    "url": ["http://example.com", "nonsense", "postgresql://u:hunter2@127.0.0.1:99999/x"],
    "file": ["/nowhere/at/all"],
    "duration": ["5 parsecs", "-1s"],
    "number": ["many"],
}


def program(service, *options, environment=None):
    return subprocess.run([str(BUILD / "bin" / f"docket-{service}"), *map(str, options)], capture_output=True, text=True,
                          timeout=30, env={"PATH": "/usr/bin:/bin", "ASAN_OPTIONS": "detect_leaks=0", **(environment or {})})


def keys_of(service):
    """Every key and its default, as --print-config tells them."""
    return dict(re.findall(r"^#?([a-z_]+) = ?(.*)$", program(service, "--print-config").stdout, re.M))


def good_file(service, tmp_path, **changes):
    ring = tmp_path / "ring"
    if not ring.exists():
        subprocess.run([str(BUILD / "bin" / "docket"), "keys", "init", "--ring", str(ring)], check=True, capture_output=True)
    values = {key: value for key, value in {**GOOD, "keyring": str(ring)}.items() if key in keys_of(service)}
    values.update(changes)
    file = tmp_path / f"{service}.conf"
    file.write_text("".join(f"{key} = {value}\n" for key, value in values.items()))
    return file, list(values)


@pytest.mark.parametrize("service", SERVICES)
def test_a_good_file_is_accepted_and_its_passwords_are_not_shown(service, tmp_path):
    file, _ = good_file(service, tmp_path)
    run = program(service, "--config", file, "--check-config")
    assert run.returncode == 0, run.stderr
    shown = program(service, "--config", file, "--print-config")
    assert "geheim" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_every_wrong_value_is_refused_with_its_file_line_and_reason(service, tmp_path):
    tried = 0
    elsewhere = keys_of("intake") if service == "desk" else {}  # rows that both have: tried there
    for key, default in keys_of(service).items():
        if key in elsewhere:
            continue
        kind = ("url" if key in ("postgres_url", "redis_url") else "file" if key == "keyring" else
                "address" if key in ("listen", "ops_listen", "kafka_brokers") else
                "duration" if re.fullmatch(r"\d+(ms|s|m|h|d)", default) else
                "number" if re.fullmatch(r"\d+", default) else None)
        for wrong in WRONG.get(kind, []):
            file, names = good_file(service, tmp_path, **{key: wrong})
            run = program(service, "--config", file, "--check-config")
            assert run.returncode == 2, (key, wrong, run.stdout, run.stderr)
            assert f"{file}:{names.index(key) + 1}: " in run.stderr and key in run.stderr, run.stderr
            assert "hunter2" not in run.stderr
            overridden, _ = good_file(service, tmp_path)
            run = program(service, "--config", overridden, "--check-config", environment={f"DOCKET_{key.upper()}": wrong})
            assert run.returncode == 2 and f"DOCKET_{key.upper()}" in run.stderr, (key, wrong, run.stderr)
            tried += 1
    assert tried >= 12


@pytest.mark.parametrize("service", SERVICES)
def test_an_unknown_key_is_named_with_what_was_meant(service, tmp_path):
    file, names = good_file(service, tmp_path, postgre_url="x")
    run = program(service, "--config", file, "--check-config")
    assert run.returncode == 2 and f"{file}:{len(names)}: " in run.stderr and "`postgres_url`" in run.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_missing_file_and_an_unknown_option_are_refused(service):
    assert program(service, "--config", "/nowhere.conf").returncode == 2
    assert "/nowhere.conf" in program(service, "--config", "/nowhere.conf").stderr
    assert program(service, "--bogus").returncode == 2
    assert program(service, "--help").returncode == 0 and program(service, "--version").stdout.strip()


def test_a_ring_that_others_can_read_stops_the_gate(tmp_path):
    file, _ = good_file("intake", tmp_path)
    (tmp_path / "ring").chmod(0o644)
    run = program("intake", "--config", file)
    assert run.returncode != 0 and "ring" in run.stderr
