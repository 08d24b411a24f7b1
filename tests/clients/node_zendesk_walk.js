// What a program written for Zendesk does with node-zendesk, against the address in DOCKET_URL; unpatched. Prints what it saw
// as one JSON object; the test judges. `step` tells where it was when something broke.
'use strict';
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const {createClient} = require('node-zendesk');

const {url, slowUrl, email, token, group, external} = JSON.parse(process.argv[2]);
const make = (base, options = {}) => createClient({username: email, token, endpointUri: `${base}/api/v2`, ...options});
const seen = {};
let step = '';

async function refusal(promise) {
  try {
    await promise;
    return {message: 'was not refused'};
  } catch (error) {
    return {message: error.message, status: error.statusCode};
  }
}

async function walk() {
  const client = make(url);
  const originals = make(url, {throwOriginalException: true});

  step = 'users.me';
  seen.me = (await client.users.me()).result;
  step = 'users.me by OAuth';
  seen.meByOauth = (await make(url, {oauth: true}).users.me()).result;

  step = 'tickets.create at the gate, tickets.show at once';
  const created = (await client.tickets.create({ticket: {
    subject: '包裹三天没有更新', comment: {body: '订单 88123 的物流停在中转站，请帮忙查一下'}, external_id: external,
    requester: {name: '李小满', email: 'li.xiaoman@example.com'}, tags: ['node']}})).result;
  const id = created.id;
  seen.created = created;
  seen.shown = (await client.tickets.show(id)).result;

  step = 'tickets.update with a comment';
  seen.updated = (await client.tickets.update(id, {ticket: {
    status: 'open', priority: 'high', comment: {body: '您好，给您带来不便非常抱歉，正在核实。', public: true}}})).result;
  step = 'an internal note';
  await client.tickets.update(id, {ticket: {comment: {body: '仓库回复：可当日补发。', public: false}}});
  step = 'tickets.getComments';
  seen.comments = await client.tickets.getComments(id);
  step = 'ticketaudits.list';
  seen.audits = await client.tickets.exportAudit(id);

  step = 'tags';
  await client.tickets.addTags(id, {tags: ['加急']});
  seen.tagsAdded = (await client.tickets.show(id)).result.tags;
  await client.tickets.updateTags(id, {tags: ['只有这个']});
  seen.tagsSet = (await client.tickets.show(id)).result.tags;

  step = 'more tickets';
  const ids = [id];
  for (let i = 0; i < 4; i++)
    ids.push((await client.tickets.create({ticket: {subject: `第 ${i} 张`, comment: {body: '问一下发票'}, group_id: group}})).result.id);
  seen.ids = ids;
  for (const each of ids) await client.tickets.show(each);
  step = 'tickets.showMany';
  seen.many = (await client.tickets.showMany(ids)).result;
  step = 'tickets.list: every page, by page numbers';
  seen.list = (await client.tickets.listWithFilter('per_page', 2)).map((t) => t.id);
  step = 'tickets.list: every page, by cursor';
  seen.listByCursor = (await client.tickets.listWithFilter('page', {size: 2})).map((t) => t.id);
  step = 'tickets.list by external_id';
  seen.byExternalId = (await client.tickets.listWithFilter('external_id', external)).map((t) => t.id);
  step = 'tickets.list with side-loads';
  const sideloading = make(url);
  sideloading.tickets.setSideLoad(['users', 'groups']);
  seen.sideloaded = (await sideloading.tickets.show(id)).result;

  step = 'tickets.updateMany and its job';
  const job = (await client.tickets.updateMany(ids, {ticket: {tags: ['批量'], priority: 'low'}})).result;
  seen.job = job;
  const jobId = (job.job_status ?? job).id;
  for (let i = 0; i < 200; i++) {
    const now = (await client.jobstatuses.show(jobId)).result;
    seen.jobAtEnd = now.job_status ?? now;
    if (['completed', 'failed', 'killed'].includes(seen.jobAtEnd.status)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  seen.afterJob = (await client.tickets.show(ids[4])).result;

  step = 'tickets.merge and its job';
  const merging = (await client.tickets.merge(ids[1], {ids: [ids[2], ids[3]], target_comment: '三张并为一张', source_comment: '已并单'})).result;
  for (let i = 0; i < 200; i++) {
    const now = (await client.jobstatuses.show((merging.job_status ?? merging).id)).result;
    seen.merge = now.job_status ?? now;
    if (['completed', 'failed', 'killed'].includes(seen.merge.status)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  seen.mergedSource = (await client.tickets.show(ids[2])).result;

  step = 'attachments.upload, and the file in a comment';
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'docket-node-')), 'note.txt');
  fs.writeFileSync(file, '物流单号 SF0001\n');
  const upload = await client.attachments.upload(file, {filename: '说明.txt'});
  seen.upload = upload.result ?? upload;
  const uploadToken = (seen.upload.upload ?? seen.upload).token;
  await client.tickets.update(id, {ticket: {comment: {body: '见附件，抱歉久等。', public: true, uploads: [uploadToken]}}});
  seen.withFile = (await client.tickets.getComments(id)).at(-1);
  fs.rmSync(path.dirname(file), {recursive: true});

  step = 'groups and memberships';
  seen.groups = await client.groups.list();
  seen.group = (await client.groups.show(group)).result;
  seen.memberships = await client.groupmemberships.listByGroup(group);
  seen.peopleOfGroup = (await client.users.listByGroup(group)).map((u) => u.id);
  step = 'users.list';
  seen.users = (await client.users.list()).map((u) => ({id: u.id, role: u.role}));
  seen.user = (await client.users.show(seen.memberships[0].user_id)).result;

  step = 'users.createMany and its job';
  const making = (await client.users.createMany({users: [{name: '甲', email: `a-${external}@example.com`}, {name: '没有地址'}]})).result;
  for (let i = 0; i < 200; i++) {
    const now = (await client.jobstatuses.show((making.job_status ?? making).id)).result;
    seen.made = now.job_status ?? now;
    if (['completed', 'failed', 'killed'].includes(seen.made.status)) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  seen.madeUser = (await client.users.show(seen.made.results[0].id)).result;
  step = 'as another user';
  seen.asUser = (await make(url, {asUser: `a-${external}@example.com`}).users.me()).result;

  step = 'organizations';
  const organization = (await client.organizations.create({organization: {name: `示例企业 ${external}`}})).result;
  seen.organization = (await client.organizations.show(organization.id)).result;
  seen.organizations = (await client.organizations.list()).map((o) => o.id);
  step = 'organization memberships';
  const member = (await client.users.create({user: {
    name: '孙小美', email: `sun-${external}@example.com`, organization_id: organization.id}})).result;
  seen.member = {user: member.id, organization: organization.id};
  seen.membersOfOrganization = await client.organizationmemberships.listByOrganization(organization.id);
  seen.membership = (await client.organizationmemberships.show(member.id)).result;
  seen.membershipsOfUser = await client.organizationmemberships.listByUser(member.id);
  await client.organizations.delete(organization.id);
  seen.organizationGone = await refusal(originals.organizations.show(organization.id));

  step = 'views';
  seen.views = await client.views.list();
  const view = seen.views[0].id;
  seen.viewCount = (await client.views.showCount(view)).result;
  seen.viewCounts = (await client.views.showCounts(seen.views.map((v) => v.id))).result;
  seen.viewTickets = await client.views.tickets(view);
  seen.viewExecuted = await client.views.execute(seen.views[2].id, {per_page: 2});

  step = 'requests';
  seen.requests = await client.requests.list();

  step = 'ticketexport.exportCursor';
  let page = (await client.ticketexport.exportCursor(1, '')).result;
  seen.exported = [];
  for (;;) {
    seen.exported.push(...page.tickets.map((t) => t.id));
    if (page.end_of_stream || !page.after_cursor) break;
    page = (await client.ticketexport.exportCursor(1, page.after_cursor)).result;
  }

  step = 'refusals';
  seen.notFound = await refusal(originals.tickets.show(999999999999));
  seen.invalid = await refusal(originals.tickets.update(id, {ticket: {priority: 'gleich'}}));
  seen.conflict = await refusal(originals.tickets.update(id, {ticket: {
    priority: 'low', safe_update: true, updated_stamp: '2020-01-01T00:00:00Z'}}));
  seen.unknownToken = await refusal(make(url, {token: 'nobody', throwOriginalException: true}).tickets.show(id));
  step = 'more than the minute allows';
  const slow = make(slowUrl, {throwOriginalException: true});
  for (let i = 0; i < 50; i++) {
    const {response} = await slow.tickets.show(id); // which does not throw for this one
    seen.tooMany = {status: response.status, retryAfter: Number(response.headers.get('retry-after'))};
    if (response.status === 429) break;
  }

  step = 'tickets.delete';
  await client.tickets.delete(ids[4]);
  seen.deleted = await refusal(originals.tickets.show(ids[4]));
}

walk().then(() => console.log(JSON.stringify(seen)), (error) => {
  console.error(`at ${step}: ${error.stack}\n${JSON.stringify(error.result ?? null)}\nseen: ${Object.keys(seen).join(', ')}`);
  process.exit(1);
});
