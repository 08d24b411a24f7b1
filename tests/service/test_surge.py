"""`docket surge`: it keeps its rate whatever the gate does, counts what came back, and writes down every ticket accepted."""
import json
import signal
import subprocess

import pytest

from intake_gate import metric, submissions, url
from harness.stack import until


@pytest.fixture(scope="module")
def tenant(stack):
    return stack.tenant()


def surge(stack, *words, **options):
    run = stack.docket("surge", "--json", *words, **options)
    return json.loads(run.stdout)


def test_every_ticket_is_sent_at_its_rate_and_written_down(stack, tenant):
    file = stack.home / "surge-accepted"
    began = metric(stack, 'docket_intake_requests_total{status="201"}')
    result = surge(stack, "--rate", 200, "--seconds", 2, "--token", tenant.token, "--duplicates", "1/20", "--accepted", file)
    assert result["planned"] == {"tickets": 400, "requests": 420, "seconds": 2.0}
    assert (result["sent"], result["accepted"], result["duplicates"], result["other_id"]) == (420, 400, 20, 0)
    assert result["refused"] == {} and result["no_answer"] == result["unsent"] == result["broken"] == 0
    assert 1.9 < result["took_s"] < 6
    latency = result["latency_ms"]
    assert 0 < latency["p50"] <= latency["p90"] <= latency["p99"] <= latency["p99.9"] <= latency["max"]
    assert metric(stack, 'docket_intake_requests_total{status="201"}') - began == 420
    lines = [line.split()[:3] for line in file.read_text().splitlines()]
    assert len(lines) == 400 and len({ticket for _, ticket, _ in lines}) == len({key for _, _, key in lines}) == 400
    stored = {s.ticket: s.key for s in submissions(stack, tenant.number)}
    assert all(stored[int(ticket)] == "k:" + key for _, ticket, key in lines)


def test_tickets_are_spread_over_tenants_and_gates(stack, tmp_path):
    tenants = [stack.tenant() for _ in range(3)]
    tokens = tmp_path / "tokens"
    tokens.write_text("".join(f"{t.number} {t.token}\n" for t in tenants))
    stack.start("intake-2")
    try:
        result = surge(stack, "--rate", 100, "--seconds", 1, "--tokens", tokens, "--tenants", 2, "--accepted", tmp_path / "accepted",
                       "--url", f"{stack.gate},{url(stack, 'intake-2')}")
        assert result["accepted"] == 100
        assert metric(stack, 'docket_intake_requests_total{status="201"}', "intake-2") > 30
    finally:
        stack.stop("intake-2")
    owners = [line.split()[0] for line in (tmp_path / "accepted").read_text().splitlines()]
    assert [owners.count(str(t.number)) for t in tenants] == [50, 50, 0]


@pytest.mark.parametrize("name, text, subject, body", [
    ("csv", 'category,text\n书籍,"很好,""真的"""\n', '很好,"真的"', '很好,"真的"'),
    ("lines", '{"title": "T", "body": "第一行\\n第二行"}\n', "T", "第一行\n第二行")])
def test_texts_come_from_a_file_or_from_standard_input(stack, name, text, subject, body):
    tenant = stack.tenant()
    file = stack.home / f"texts-{name}"
    file.write_text(text)
    one = ["--rate", 5, "--seconds", 1, "--duplicates", 0, "--token", tenant.token]
    assert surge(stack, "--input", file, *one)["accepted"] == 5
    assert surge(stack, "--input", "-", *one, stdin=text)["accepted"] == 5
    assert {(s.subject, s.description) for s in submissions(stack, tenant.number)} == {(subject, body)}


def test_a_stalled_gate_shows_in_the_latencies(stack, tenant):
    """What was meant to be sent while the gate stood still counts from when it was meant, not from when it could be."""
    begin = metric(stack, 'docket_intake_requests_total{status="201"}')
    run = subprocess.Popen(["docket", "surge", "--json", "--rate", "200", "--seconds", "4", "--connections", "2", "--retry",
                            "--token", tenant.token], env=stack.environment, stdout=subprocess.PIPE, text=True)
    until(lambda: metric(stack, 'docket_intake_requests_total{status="201"}') > begin + 100, 10, "the surge to be under way")
    stack.signal("intake-1", signal.SIGSTOP)  # at once: a busy machine takes a second to run `stack pause`
    try:
        until(lambda: stack.state("intake-1") == "T", 5, "the gate to stand still")
        try:
            run.wait(1)
        except subprocess.TimeoutExpired:
            pass
    finally:
        stack.signal("intake-1", signal.SIGCONT)
    result = json.loads(run.communicate(timeout=120)[0])
    assert result["accepted"] == 800, result
    assert result["latency_ms"]["max"] > 900 and result["latency_ms"]["p90"] > 100, result


def test_refusals_are_retried_under_the_same_key(stack, tenant):
    stack.pause("kafka")
    run = subprocess.Popen(["docket", "surge", "--json", "--retry", "--rate", "20", "--seconds", "2", "--token", tenant.token],
                           env=stack.environment, stdout=subprocess.PIPE, text=True)
    before = metric(stack, 'docket_intake_requests_total{status="503"}')
    until(lambda: metric(stack, 'docket_intake_requests_total{status="503"}') > before, 10, "a 503")
    stack.resume("kafka")
    result = json.loads(run.communicate(timeout=90)[0])
    assert result["accepted"] == 40 and result["retries"] > 0 and result["refused"] == {}, result
    assert result["other_id"] == 0


def test_without_retry_refusals_are_counted_by_status(stack, tenant):
    result = surge(stack, "--rate", 20, "--seconds", 1, "--token", "nobody", check=False)
    assert result["refused"] == {"401": result["sent"]} and result["accepted"] == 0


@pytest.mark.parametrize("words", [[], ["--rate", "5"], ["--rate", "x", "--seconds", "1"], ["--profile", "10s"],
                                   ["--profile", "1s@1", "--rate", "1"], ["--rate", "1", "--seconds", "1", "--duplicates", "2/3"],
                                   ["--rate", "1", "--seconds", "1", "--input", "/nowhere"], ["--rate", "1", "--seconds", "1", "more"],
                                   ["--rate", "1", "--seconds", "1", "--url", "ftp://x"], ["--rate", "1", "--seconds", "1", "--depth", "99"],
                                   ["--rate", "1", "--seconds", "1", "--tenants", "5"], ["--nonsense"]])
def test_wrong_usage_is_told(stack, tenant, words):
    run = stack.docket("surge", "--token", tenant.token, *words, check=False)
    assert run.returncode == 2 and run.stderr.strip() and not run.stdout


def test_nobody_listening_is_no_success(stack, tenant):
    run = stack.docket("surge", "--json", "--rate", 5, "--seconds", 1, "--timeout", 1, "--token", tenant.token, "--url", "http://127.0.0.1:1",
                       check=False)
    assert run.returncode == 1
    result = json.loads(run.stdout)
    assert result["unsent"] == result["planned"]["requests"] and result["accepted"] == 0
