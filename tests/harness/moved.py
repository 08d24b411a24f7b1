"""Tickets whose rows were moved to chosen instants by the owner of the schema, so that every minute of their promises can be
worked out by hand."""
import datetime

MONDAY = datetime.datetime(2026, 11, 16, 2, 0, tzinfo=datetime.timezone.utc)  # 10:00 in Shanghai


def after(minutes, form="%Y-%m-%dT%H:%M:%S.000Z"):
    return (MONDAY + datetime.timedelta(minutes=minutes)).strftime(form)


def move(shop, ticket, minutes):
    """Row n of its ledger happened minutes[n - 1] after Monday; the first documents are older than that."""
    def sql(text, *values):
        shop.stack.sql(text, *values, admin=True)

    sql("UPDATE config.revisions SET applied_at = %s WHERE tenant_id = %s AND revision = 1", after(-100), shop.tenant.number)
    for seq, minute in enumerate(minutes, 1):
        sql("UPDATE ticket.ledger SET at = %s WHERE tenant_id = %s AND ticket_id = %s AND seq = %s",
            after(minute), shop.tenant.number, ticket, seq)
    sql("UPDATE ticket.ledger SET payload = jsonb_set(payload, '{set,created_at}', to_jsonb(%s::text))"
        " WHERE tenant_id = %s AND ticket_id = %s AND seq = 1", after(minutes[0]), shop.tenant.number, ticket)
    sql("UPDATE ticket.tickets SET created_at = %s, updated_at = %s WHERE tenant_id = %s AND id = %s",
        after(minutes[0]), after(minutes[-1]), shop.tenant.number, ticket)
