"""`docket notify preview`: an administrator sees what a reader will see, before anybody does."""
import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
DOCKET = Path(os.environ.get("DOCKET_BUILD", REPOSITORY / ".build/asan")) / "bin/docket"
DEMO = REPOSITORY / "deploy/demo/shop.yaml"


def preview(*words, given=None):
    return subprocess.run([DOCKET, "notify", "preview", *words], input=given, capture_output=True, text=True, timeout=120)


def test_the_demo_is_shown_in_every_language():
    run = preview(DEMO)
    assert run.returncode == 0, run.stderr
    for title in ("收到工单 (zh), ticket_created", "收到工单 (en), ticket_created", "客服回复 (zh), reply_sent",
                  "承诺 (en), promise_warned", "暴增 (zh), storm"):
        assert f"== {title}\n" in run.stdout
    assert "<blockquote>您好：<br>\n收到时杯子已经碎了，&quot;两只装&quot;里只有一只。" in run.stdout
    assert "{{" not in run.stdout and "it needs" not in run.stdout


def test_one_template_for_one_reader_and_event():
    run = preview("--template", "收到工单", "--language", "en-GB", "--scant", DEMO)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("== ") == 1 and "[#7] We have your message: " in run.stdout and "Order:" not in run.stdout
    run = preview("--template", "客服回复", "--event", "ticket_created", DEMO)
    assert "it needs `comment`, which this has not" in run.stdout
    run = preview("--template", "等待汇总", "--digest", DEMO)
    assert "== 等待汇总 (zh), a digest of ticket_created\n-- subject\n等待分配：#1024 " in run.stdout


def test_what_is_wrong_is_said():
    run = preview("--template", "收到工但", DEMO)
    assert run.returncode == 1 and "did you mean `收到工单`?" in run.stderr
    run = preview("--event", "ticket_creatd", DEMO)
    assert run.returncode == 2 and "did you mean `ticket_created`?" in run.stderr
    run = preview("-", given="groups: [{name: a}]\ntemplates:\n  - {name: t, subject: s, text: \"{{ticket.subjct}}\"}\n")
    assert run.returncode == 1
    assert run.stderr == ("-:3: template `t`: `text`: unknown variable `ticket.subjct`; did you mean `ticket.subject`?\n")
    assert preview("/nowhere.yaml").returncode == 2 and preview().returncode == 2
