// Forty tenants on four servers, each with settings of its own: what the tests of ORMs have in common.
// The test's environment says how to connect and what each tenant sets and has to find (see tests/support/tenants.py).
import assert from "node:assert/strict";

export const { url, tenants, turns, settings } = JSON.parse(process.env.TENANTS);

const seen = [];

// `row` is [pid, ...settings], as `select ${lookUp}` gives it.
export const lookUp = `pg_backend_pid() as pid, array[${settings}] as shown`;
export function check(tenant, row) {
  assert.deepEqual(row.shown, tenant.settings);
  seen.push([row.pid, tenant.number]);
}

export const items = (tenant, turn) =>
  Array.from({ length: turn + 1 }, (_, number) => `item ${number} of ${tenant.number}, changed`);

// All tenants at once; at the end the calling test is told who was where. A failure ends it: others would keep us here.
export async function everybody(live) {
  await Promise.all(tenants.map(live)).catch((error) => {
    console.error(error);
    process.exit(1);
  });
  console.log(`SEEN ${JSON.stringify(seen)}`);
}
