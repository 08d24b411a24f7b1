"""A small shop whose people work at the desk: documents with fields, forms and standards, agents and customers with tokens.

    shop = Shop(stack)
    ticket = shop.ticket(kind="售后")                      # stored; assigned to `lin` unless the machine may not
    shop.put(ticket, status="pending", by="lin")          # the Answer
"""
import json

from harness.desk import Desk
from harness.stack import until

DOCUMENTS = """
settings: {default_group: 售后, default_kind: 咨询, default_category: 其他}
kinds: [咨询, 投诉, 售后]
groups:
  - {name: 售后, title: 售后服务组}
  - {name: 物流, title: 物流跟进组}
agents:
  - {name: lin, title: 林悦, groups: [售后], capacity: 500, duty: on}
  - {name: zhou, title: 周文, groups: [售后, 物流], capacity: 1, duty: off}
  - {name: wu, title: 吴建国, groups: [物流], capacity: 500, duty: off}
rules:
  - {name: 退款, when: {any: [{text: {contains: [退款]}}]}, set: {kind: 售后, category: 退款/进度}}
  - {name: 投诉, when: {any: [{text: {contains: [投诉]}}]}, set: {kind: 投诉, category: 投诉/服务}}
fields:
  - {name: 退款金额, title: 退款金额（元）, type: decimal}
  - {name: 退款方式, type: tagger, options: [原路退回, 余额]}
  - {name: 单号, type: regexp, pattern: "RF[0-9]{6}"}
  - {name: 收款账号, personal: on}
  - {name: 渠道来源, type: text, required_in: [solved]}
forms:
  - {name: 退款单, kinds: [售后], fields: [退款金额, 退款方式, 单号, 收款账号], default: on}
  - {name: 咨询单, kinds: [咨询], fields: [渠道来源]}
standards:
  - {name: 退款办结, title: 退款办结标准, kinds: [售后], categories: [退款], before: [solved], fields: [退款金额],
     evidence: [{class: 审批截图, title: 主管同意退款的截图}]}
  - {name: 物流办结, kinds: [咨询], categories: [物流丢失], before: [solved], evidence: [聊天记录]}
  - {name: 合规用语, reply: {must_not: [绝对, 保证赔]}}
  - {name: 投诉致歉, kinds: [投诉], reply: {must: [抱歉, 对不起]}}
"""


class Shop:
    def __init__(self, stack, documents=DOCUMENTS, url=None):
        self.stack = stack
        self.tenant = stack.tenant(documents)
        self.desk = Desk(stack, self.tenant, url)
        self.tokens = {}
        self.ids = {name: number for name, number in stack.sql(
            "SELECT name, id FROM config.names WHERE tenant_id = %s", self.tenant.number)}

    # -- people ------------------------------------------------------------------------------------------------------

    def user(self, name, role="agent", email=None):
        """A token of that user: an agent of the documents, or somebody who is made here, once."""
        if name not in self.tokens:
            who = name
            if role != "agent":
                made = self.stack.docket("user", "create", "--tenant", self.tenant.name, "--role", role, "--name", name,
                                         "--email", email or f"{name}@example.com", "--no-password", "--json")
                who = self.ids[name] = json.loads(made.stdout)["user_id"]
            made = self.stack.docket("token", "create", "--tenant", self.tenant.name, "--user", who)
            self.tokens[name] = made.stdout.split()[-1]
        return self.tokens[name]

    def token(self, by):
        """Of an agent by name; None: an administrator, a program."""
        return self.user(by) if isinstance(by, str) else None

    # -- tickets -----------------------------------------------------------------------------------------------------

    def ticket(self, text="请问怎么用", assigned=True, **fields):
        """A stored ticket, by default once the machine has assigned it."""
        ticket = self.tenant.create(subject=fields.pop("subject", text), comment={"body": text}, **fields)
        until(lambda: (self.row(ticket) or {}).get("status") == ("assigned" if assigned else "new"), 20,
              f"ticket {ticket} to be {'assigned' if assigned else 'stored'}")
        return ticket

    def placed(self, **fields):
        """A ticket whose ledger is: created, assigned. A router that has not met the tenant yet lets the first ones wait a while,
        which is a row more."""
        def made():
            ticket = self.ticket(**fields)
            kinds = [row["kind"] for row in self.tenant.ledger(ticket)]
            return ticket if kinds == ["ticket_created", "ticket_assigned"] else None
        return until(made, 60, "a ticket to be assigned at once")

    def row(self, ticket):
        return self.tenant.row(ticket)

    def field(self, name):
        return self.ids[name]

    def ask(self, method, path, body=None, by=None, **how):
        return self.desk.ask(method, path, body, token=self.token(by), **how)

    def put(self, ticket, by=None, **members):
        return self.ask("PUT", f"/tickets/{ticket}.json", {"ticket": members}, by)

    def done(self, ticket, by=None, **members):
        """The ticket as it is after a change that must be taken."""
        answer = self.put(ticket, by, **members)
        assert answer.status == 200, (answer.status, answer.body.decode())
        return answer.json["ticket"]

    def refused(self, ticket, by=None, **members):
        """What a 422 says: {field: [description, ...]}."""
        return details(self.put(ticket, by, **members))


def details(answer):
    assert answer.status == 422, (answer.status, answer.body.decode())
    assert answer.json["error"] == "RecordInvalid"
    return {field: [entry["description"] for entry in entries] for field, entries in answer.json["details"].items()}
