"""What a program written for Zendesk does with zenpy, against the address in ZENPY_FORCE_NETLOC; unpatched. Prints what it saw as
one JSON object; the test judges."""
import json
import os
import sys
import tempfile
import time

from zenpy import Zenpy
from zenpy.lib.api_objects import Comment, Organization, Ticket, User
from zenpy.lib.exception import APIException, RatelimitBudgetExceeded, RecordNotFoundException

GIVEN = json.loads(sys.argv[1])
SEEN = {}


def client(**options):
    return Zenpy(subdomain="demo", email=GIVEN["email"], disable_cache=True, **{"token": GIVEN["token"], **options})


def refusal(call):
    try:
        call()
    except RecordNotFoundException as problem:
        return {"class": "RecordNotFoundException", "status": problem.response.status_code}
    except APIException as problem:
        return {"class": "APIException", "status": problem.response.status_code, "said": json.loads(str(problem))}
    return {"class": "none"}


def plain(thing):
    """zenpy gives some parts of an answer as its objects and some as dicts."""
    return dict(thing) if isinstance(thing, dict) else thing.to_dict()


def names(tags):
    return [getattr(tag, "name", None) or str(tag) for tag in tags]


def walk():
    z = client()
    SEEN["me"] = z.users.me().to_dict()
    SEEN["me_by_oauth"] = client(token=None, oauth_token=GIVEN["token"]).users.me().to_dict()

    audit = z.tickets.create(Ticket(subject="退款没有到账", comment=Comment(body="订单 5521 的退款五天了还没到账"), tags=["zenpy"],
                                    external_id=GIVEN["external"],
                                    requester=User(name="王一帆", email="wang.yifan@example.com")))
    ticket_id = plain(audit.ticket)["id"]
    ticket = z.tickets(id=ticket_id)  # at once
    SEEN["shown"] = ticket.to_dict()
    SEEN["id"] = ticket_id

    ticket.status = "open"
    ticket.priority = "high"
    ticket.comment = Comment(body="您好，给您带来不便非常抱歉，正在核实。", public=True)
    updated = z.tickets.update(ticket)
    SEEN["updated"] = {"kind": type(updated).__name__, "ticket": plain(updated.ticket),
                       "events": [plain(event) for event in plain(updated.audit)["events"]]}
    ticket = z.tickets(id=ticket_id)
    ticket.comment = Comment(body="财务已复核。", public=False)
    z.tickets.update(ticket)
    SEEN["comments"] = [comment.to_dict() for comment in z.tickets.comments(ticket_id)]
    SEEN["audits"] = [audit.to_dict() for audit in z.tickets.audits(ticket=ticket_id)]

    SEEN["tags_added"] = names(z.tickets.add_tags(ticket_id, ["加急"]))
    SEEN["tags_set"] = names(z.tickets.set_tags(ticket_id, ["只有这个", "和这个"]))
    SEEN["tags_deleted"] = names(z.tickets.delete_tags(ticket_id, ["和这个"]))
    SEEN["tags"] = names(z.tickets.tags(ticket_id))

    ids = [ticket_id]
    for number in range(4):
        made = z.tickets.create(Ticket(subject=f"第 {number} 张", description="问一下发票"))
        ids.append(plain(made.ticket)["id"])
        z.tickets(id=ids[-1])
    SEEN["ids"] = ids
    SEEN["many"] = [t.id for t in z.tickets(ids=ids)]
    SEEN["by_cursor"] = [t.id for t in z.tickets(cursor_pagination=2)]
    SEEN["by_pages"] = [t.id for t in z.tickets(cursor_pagination=False, per_page=2)]
    SEEN["by_external_id"] = [t.id for t in z.tickets(external_id=GIVEN["external"], cursor_pagination=False)]

    tickets = list(z.tickets(ids=ids))
    for t in tickets:
        t.tags = ["批量"]
        t.priority = "low"
    job = z.tickets.update(tickets)
    SEEN["job"] = {"kind": type(job).__name__, "status": job.status}
    deadline = time.monotonic() + 20
    while job.status not in ("completed", "failed", "killed") and time.monotonic() < deadline:
        time.sleep(0.05)
        job = z.job_status(id=job.id)
    SEEN["job_at_end"] = job.to_dict()
    SEEN["after_job"] = z.tickets(id=ids[4]).to_dict()

    merging = z.tickets.merge(ids[1], [ids[2], ids[3]], target_comment="三张并为一张", source_comment="已并单")
    deadline = time.monotonic() + 20
    while merging.status not in ("completed", "failed", "killed") and time.monotonic() < deadline:
        time.sleep(0.05)
        merging = z.job_status(id=merging.id)
    SEEN["merge"] = {"job": merging.to_dict(), "source": z.tickets(id=ids[2]).to_dict(),
                     "said": [comment.body for comment in z.tickets.comments(ids[1])][-1]}

    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "note.txt")
        with open(file, "w") as out:
            out.write("流水号 0001\n")
        upload = z.attachments.upload(file, target_name="流水.txt", content_type="text/plain")
    SEEN["upload"] = {"token": bool(upload.token), "attachment": upload.attachment.to_dict()}
    ticket = z.tickets(id=ticket_id)
    ticket.comment = Comment(body="见附件，抱歉久等。", public=True, uploads=[upload.token])
    z.tickets.update(ticket)
    SEEN["with_file"] = list(z.tickets.comments(ticket_id))[-1].to_dict()
    SEEN["downloaded"] = z.attachments.download(SEEN["with_file"]["attachments"][0]["id"],
                                                os.path.join(tempfile.gettempdir(), f"docket-zenpy-{os.getpid()}"))
    with open(SEEN["downloaded"], "rb") as got:
        SEEN["downloaded_text"] = got.read().decode()
    os.unlink(SEEN["downloaded"])

    SEEN["groups"] = [{"id": g.id, "name": g.name} for g in z.groups()]
    group = z.groups(id=GIVEN["group"])
    SEEN["group"] = group.to_dict()
    SEEN["memberships"] = [m.to_dict() for m in z.group_memberships()]
    SEEN["group_users"] = [m.user_id for m in z.groups.memberships(GIVEN["group"])]
    SEEN["people_of_group"] = [u.id for u in z.groups.users(GIVEN["group"])]
    SEEN["users"] = [{"id": u.id, "role": u.role} for u in z.users()]
    agent = SEEN["group_users"][0]
    SEEN["user"] = z.users(id=agent).to_dict()
    SEEN["users_many"] = [u.id for u in z.users(ids=[agent])]
    SEEN["assigned"] = [t.id for t in z.users.assigned(agent)]
    SEEN["requested"] = [t.id for t in z.users.requested(SEEN["shown"]["requester_id"])]

    making = z.users.create([User(name="甲", email=f"a-{GIVEN['external']}@example.com"), User(name="谁", role="admin")])
    deadline = time.monotonic() + 20
    while making.status not in ("completed", "failed", "killed") and time.monotonic() < deadline:
        time.sleep(0.05)
        making = z.job_status(id=making.id)
    SEEN["made"] = making.to_dict()
    SEEN["made_user"] = z.users(id=SEEN["made"]["results"][0]["id"]).to_dict()

    organization = z.organizations.create(Organization(name=f"示例企业 {GIVEN['external']}"))
    organization.details = "年框客户"
    SEEN["organization"] = z.organizations.update(organization).to_dict()
    SEEN["organizations"] = [o.id for o in z.organizations()]
    member = z.users.create(User(name="钱多多", email=f"qian-{GIVEN['external']}@example.com", organization_id=organization.id))
    SEEN["organization_members"] = [[m.user_id, m.organization_id] for m in z.organizations.organization_memberships(organization)]
    SEEN["organization_member"] = [member.id, organization.id]
    SEEN["organizations_of_user"] = [m.organization_id for m in z.users.organization_memberships(member)]
    SEEN["all_members"] = [m.user_id for m in z.organization_memberships()]
    z.organizations.delete(organization)
    SEEN["organization_gone"] = refusal(lambda: z.organizations(id=organization.id))

    views = list(z.views())
    SEEN["views"] = [v.to_dict() for v in views]
    SEEN["active_views"] = len(list(z.views.active()))
    SEEN["view_count"] = z.views.count(views[0]).to_dict()
    SEEN["view_counts"] = [plain(count) for count in z.views.count_many([view.id for view in views[:3]])]
    SEEN["view_tickets"] = [t.id for t in z.views.tickets(views[0])]
    SEEN["view_executed"] = z.views.execute(views[2]).to_dict()

    export = z.tickets.incremental(start_time=1, paginate_by_time=False)
    SEEN["exported"] = [t.id for t in export]

    SEEN["not_found"] = refusal(lambda: z.tickets(id=999999999999))
    ticket = z.tickets(id=ticket_id)
    ticket.priority = "gleich"
    SEEN["invalid"] = refusal(lambda: z.tickets.update(ticket))
    stale = z.tickets(id=ticket_id)
    stale.priority = "urgent"
    stale.safe_update = True
    stale.updated_stamp = "2020-01-01T00:00:00Z"
    SEEN["conflict"] = refusal(lambda: z.tickets.update(stale))
    SEEN["unknown_token"] = refusal(lambda: client(token="nobody").tickets(id=ticket_id))

    os.environ["ZENPY_FORCE_NETLOC"] = GIVEN["slow_netloc"]
    hasty = client(ratelimit_budget=1)  # so it gives up instead of waiting as long as it is told
    try:
        for _ in range(50):
            hasty.tickets(id=ticket_id)
        SEEN["too_many"] = "was not refused"
    except RatelimitBudgetExceeded:
        SEEN["too_many"] = "waits for Retry-After"
    os.environ["ZENPY_FORCE_NETLOC"] = GIVEN["netloc"]

    z.tickets.delete(z.tickets(id=ids[4]))
    SEEN["deleted"] = refusal(lambda: z.tickets(id=ids[4]))


os.environ["ZENPY_FORCE_SCHEME"] = "http"
os.environ["ZENPY_FORCE_NETLOC"] = GIVEN["netloc"]
walk()
print(json.dumps(SEEN, ensure_ascii=False, default=str))
