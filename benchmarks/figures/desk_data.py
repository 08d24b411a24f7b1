"""Tenants whose tickets were not sent but written: millions of them in minutes, with their ledger and the desk's index."""
import time

DOCUMENTS = """
settings: {default_group: 售后}
kinds: [咨询, 售后, 投诉]
groups: [{name: 售后}, {name: 物流}, {name: 技术}, {name: 投诉}]
agents:
"""
GROUPS = ["售后", "物流", "技术", "投诉"]
FIRST = 10_000_001
OPEN = 1000  # of however many tickets: what people work on does not grow with what is stored
AGENTS = 20

# Every value that rows have in common stands in the query once; the rest follows from the number.
TICKETS = """
INSERT INTO ticket.tickets (tenant_id, id, version, status, priority, kind, category, channel, group_id, assignee_id, requester_id,
    source_id, subject, description, skills, tags, tier, region, order_ref, product, batch, device, language, external_id,
    custom_fields, created_at, updated_at)
SELECT %(tenant)s, %(first)s + i, CASE WHEN i < %(open)s THEN 2 ELSE 3 END, CASE WHEN i < %(open)s THEN 'assigned' ELSE 'closed' END,
    (ARRAY['low', 'normal', 'high', 'urgent'])[1 + i %% 4], (ARRAY['咨询', '售后', '投诉'])[1 + i %% 3],
    (ARRAY['退款/进度', '物流/丢失', '咨询/商品'])[1 + i %% 3], 'web', (%(groups)s::bigint[])[1 + i %% 4],
    (%(agents)s::bigint[])[1 + i %% 20], 1000000000000 + i %% 100000, %(source)s, '包裹三天没有更新 ' || i,
    '订单 ' || 88000000 + i || ' 的物流停在中转站已经三天了，麻烦帮忙查一下到底在哪里，家里老人等着用，谢谢。之前已经联系过一次，说是两天内有结果，'
    || '到今天还没有任何消息，希望这次能给一个明确的答复。', '{}', '{物流,催促}', '', 'cn', (88000000 + i)::text, '电热水壶', '', '', 'zh',
    '', '{"退款金额": "25.00", "责任方": "快递"}', now() - interval '40 days' + i * interval '1 millisecond',
    now() - interval '30 days' + i * interval '1 millisecond'
FROM generate_series(%(from)s::bigint, %(to)s::bigint) i
"""
LEDGER = """
INSERT INTO ticket.ledger (tenant_id, ticket_id, seq, cause_id, step, kind, actor, at, revision, trace, payload)
SELECT t.tenant_id, t.id, s, gen_random_uuid(), 0,
    (ARRAY['ticket_created', 'ticket_assigned', 'ticket_updated'])[s], (ARRAY['requester:' || t.requester_id, 'router', 'system'])[s],
    t.created_at + s * interval '1 hour', 1, '\\x', CASE s
        WHEN 1 THEN jsonb_build_object('set', jsonb_build_object('status', 'new', 'subject', t.subject, 'group_id', t.group_id))
        WHEN 2 THEN jsonb_build_object('set', jsonb_build_object('status', 'assigned', 'assignee_id', t.assignee_id))
        ELSE jsonb_build_object('set', jsonb_build_object('status', 'closed')) END
FROM ticket.tickets t, generate_series(1, t.version) s
WHERE t.tenant_id = %(tenant)s AND t.id BETWEEN %(first)s + %(from)s AND %(first)s + %(to)s
"""
INDEX = """
INSERT INTO desk.ticket_index (tenant_id, ticket_id, seq, status, group_id, assignee_id, requester_id, kind, category, region, priority,
    external_id, created_at, updated_at, generated_at)
SELECT tenant_id, id, version, status, group_id, assignee_id, requester_id, kind, category, region, priority, external_id, created_at,
    updated_at, updated_at
FROM ticket.tickets WHERE tenant_id = %(tenant)s AND id BETWEEN %(first)s + %(from)s AND %(first)s + %(to)s
"""


def documents():
    return DOCUMENTS + "".join(f"  - {{name: a{n}, groups: [{GROUPS[n % 4]}], capacity: 1000, duty: off}}\n" for n in range(AGENTS))


def filled(bench, stack, tickets, step=250_000):
    """A tenant with so many tickets, nearly all of them closed."""
    tenant = stack.tenant(documents())
    names = {name: number for kind, name, number in
             stack.sql("SELECT kind, name, id FROM config.names WHERE tenant_id = %s AND kind IN ('group', 'agent')", tenant.number)}
    source = stack.sql("SELECT source_id FROM intake.sources WHERE tenant_id = %s", tenant.number)[0][0]
    values = {"tenant": tenant.number, "first": FIRST, "open": OPEN, "source": source,
              "groups": [names[name] for name in GROUPS], "agents": [names[f"a{n}"] for n in range(AGENTS)]}
    began = time.monotonic()
    stack.sql("INSERT INTO desk.fills (tenant_id, done, first_done_at) VALUES (%s, true, now()) ON CONFLICT (tenant_id) DO UPDATE"
              " SET done = true", tenant.number, admin=True)
    for low in range(0, tickets, step):
        span = {**values, "from": low, "to": min(low + step, tickets) - 1}
        for text in (TICKETS, LEDGER, INDEX):
            stack.sql(text % {key: literal(value) for key, value in span.items()}, admin=True)
    stack.sql("SELECT desk.recount(%s)", tenant.number, admin=True)
    for table in ("ticket.tickets", "ticket.ledger", "desk.ticket_index", "desk.counters"):
        stack.sql(f"VACUUM (ANALYZE) {table}", admin=True)
    bench.say(f"    {tickets:,} tickets written in {time.monotonic() - began:.0f} s")
    return tenant


def literal(value):
    if isinstance(value, list):
        return "'{" + ",".join(map(str, value)) + "}'"
    return str(value)
