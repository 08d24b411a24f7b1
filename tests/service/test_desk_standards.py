"""Custom fields, forms and processing standards: what is demanded before a step, and how what is missing is said."""
import pytest

from harness.shop import DOCUMENTS, Shop, details
from harness.stack import until


@pytest.fixture(scope="module")
def shop(stack):
    return Shop(stack)


def refund(shop):
    ticket = shop.ticket("退款没有到账")
    assert (shop.row(ticket)["kind"], shop.row(ticket)["category"]) == ("售后", "退款/进度")
    return ticket


def upload(shop, name="approval.png", kind="审批截图", by=None):
    png = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde" \
        b"\x00\x00\x00\x0cIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00IEND\xaeB`\x82"
    answer = shop.ask("POST", "/uploads.json", png, by, headers={"Content-Type": "image/png"}, filename=name,
                      **{"class": kind})
    assert answer.status == 201, (answer.status, answer.body)
    return answer.json["upload"]["token"]


def test_solving_names_each_missing_thing_at_once(shop):
    ticket = refund(shop)
    said = shop.refused(ticket, status="solved")
    assert said == {
        "custom_fields": ["《退款办结标准》要求：转为「已解决」前请填写「退款金额（元）」(退款金额 is required before solved)"],
        "attachments": ["《退款办结标准》要求：转为「已解决」前请上传主管同意退款的截图，附件类别「审批截图」"
                        "(an attachment of class 审批截图 is required before solved)"]}
    assert shop.row(ticket)["status"] == "assigned"


def test_with_field_and_evidence_it_is_solved(shop):
    ticket = refund(shop)
    shop.done(ticket, comment={"body": "审批见附件", "public": False, "uploads": [upload(shop)]})
    assert list(shop.refused(ticket, status="solved")) == ["custom_fields"]
    after = shop.done(ticket, status="solved", custom_fields=[{"id": shop.field("退款金额"), "value": "199.00"}])
    assert after["status"] == "solved"
    comment = shop.ask("GET", f"/tickets/{ticket}/comments").json["comments"][-1]
    assert comment["attachments"][0]["file_name"] == "approval.png"


def test_evidence_of_another_class_is_none_and_an_upload_is_used_once(shop):
    ticket, token = refund(shop), upload(shop, kind="聊天记录")
    members = {"status": "solved", "custom_fields": [{"id": "退款金额", "value": 1}]}
    comment = {"body": "见附件", "public": False, "uploads": [token]}
    assert list(shop.refused(ticket, comment=comment, **members)) == ["attachments"]
    shop.done(ticket, comment=comment)
    assert list(shop.refused(ticket, comment=comment)) == ["uploads"]
    both = {"body": "见附件", "public": False, "uploads": [upload(shop)]}
    assert shop.done(ticket, comment=both, **members)["status"] == "solved"


def test_a_standard_covers_its_kind_and_category_only(shop):
    ticket = refund(shop)
    assert shop.done(ticket, category="物流/进度", status="solved")["status"] == "solved"


def test_replies_keep_to_the_words(shop):
    ticket = shop.ticket("请问怎么用")
    assert "「绝对」" in shop.refused(ticket, comment={"body": "我们绝对会处理"})["comment"][0]
    assert len(shop.refused(ticket, comment={"body": "绝对，保证赔"})["comment"]) == 2
    assert "comment" in shop.refused(ticket, comment={"html_body": "<p>绝<b>对</b></p>"})
    shop.done(ticket, comment={"body": "绝对不行", "public": False})
    complaint = shop.ticket("我要投诉")
    assert shop.row(complaint)["kind"] == "投诉"
    assert "「抱歉」或「对不起」" in shop.refused(complaint, comment={"body": "您好"})["comment"][0]
    assert shop.done(complaint, comment={"body": "非常抱歉"})["docket_status"] == "in_progress"


def test_a_state_demands_the_fields_of_the_tickets_form(shop):
    ticket = shop.ticket("请问怎么用")
    form = shop.ids["咨询单"]
    assert list(shop.refused(ticket, ticket_form_id=form, status="solved")) == ["custom_fields"]
    assert "ticket_form_id" in shop.refused(ticket, ticket_form_id=shop.ids["退款单"])
    after = shop.done(ticket, ticket_form_id=form, status="solved", custom_fields=[{"id": "渠道来源", "value": "电话"}])
    assert (after["status"], after["ticket_form_id"]) == ("solved", form)
    assert shop.done(shop.ticket("请问"), status="solved")["status"] == "solved"  # no form, nothing asked


@pytest.mark.parametrize("field,good,stored,bad", [
    ("退款金额", ["1.50", 3], [1.5, 3], ["x", True, "1,5", [], "1e3", "00", "1" * 16]),
    ("退款方式", ["余额"], ["余额"], ["现金", 1, ["余额"]]),
    ("单号", ["RF123456"], ["RF123456"], ["RF12345", "xRF123456", "RF123456\n", 5]),
    ("渠道来源", ["电话"], ["电话"], [1, [], "x" * 4001]),
])
def test_fields_have_types(shop, field, good, stored, bad):
    ticket, number = shop.ticket(), shop.field(field)
    for value in bad:
        assert list(shop.refused(ticket, custom_fields=[{"id": number, "value": value}])) == ["custom_fields"], value
    for value, shown in zip(good, stored):
        after = shop.done(ticket, custom_fields=[{"id": number, "value": value}])
        assert after["custom_fields"] == [{"id": number, "value": shown}]
    for empty in (None, ""):
        assert shop.done(ticket, custom_fields=[{"id": number, "value": good[0]}])["custom_fields"]
        assert shop.done(ticket, custom_fields=[{"id": number, "value": empty}])["custom_fields"] == []


def test_a_new_standard_holds_within_two_seconds(shop):
    ticket = shop.ticket()
    file = shop.stack.home / "stricter.yaml"
    file.write_text("standards:\n  - {name: 礼貌, reply: {must: [您好]}}\n")
    shop.stack.docket("apply", "--tenant", shop.tenant.name, file)
    until(lambda: shop.put(ticket, comment={"body": "好"}).status == 422, 5, "the new standard")
    file.write_text(DOCUMENTS[DOCUMENTS.index("standards:"):])
    shop.stack.docket("apply", "--tenant", shop.tenant.name, file)
    until(lambda: shop.put(ticket, comment={"body": "好"}).status == 200, 5, "the old standard")


def test_documents_with_mistakes_are_refused_with_line_and_remedy(shop):
    file = shop.stack.home / "wrong.yaml"
    file.write_text("standards:\n  - name: x\n    before: [solved]\n    fields: [退款金頟]\n")
    run = shop.stack.docket("apply", "--tenant", shop.tenant.name, file, check=False)
    assert run.returncode != 0
    assert "wrong.yaml:4" in run.stdout + run.stderr and "did you mean `退款金额`" in run.stdout + run.stderr


def test_all_of_it_stands_up_to_verify(shop):
    shop.stack.verify("--tenant", shop.tenant.name)
