// knex: a pool of one connection for each tenant, whose afterCreate makes the tenant's settings.
import assert from "node:assert/strict";
import { test } from "node:test";
import knex from "knex";
import { check, everybody, items, lookUp, turns, url } from "./tenants.mjs";

const changed = (tenant) => (connection, done) =>
  connection.query(tenant.changes.join("; "), (error) => done(error, connection));

async function work(db, tenant, turn) {
  const item = `item ${turn} of ${tenant.number}`;
  await db.transaction(async (trx) => {
    const [{ id }] = await trx("orders").insert({ item }).returning("id");
    await trx("lines").insert([0, 1, 2].map((number) => ({ order_id: id, text: `${item}, line ${number}` })));
    await assert.rejects(trx.transaction((inner) => inner.raw("select 1 / 0")), { code: "22012" });
  }, { isolationLevel: turn % 2 ? "repeatable read" : "read committed" });
  const joined = await db("lines").join("orders", "orders.id", "lines.order_id")
    .where({ item }).orderBy("lines.id").pluck("text");
  assert.deepEqual(joined, [0, 1, 2].map((number) => `${item}, line ${number}`));
  assert.equal(await db("orders").where({ item }).update({ item: `${item}, changed` }), 1);
  await assert.rejects(db.transaction(async (trx) => {
    await trx("orders").insert({ item: "never" });
    throw new Error("rolled back");
  }), { message: "rolled back" });
  const { rows } = await db.raw(`select ${lookUp}`);
  check(tenant, rows[0]);
  assert.deepEqual(await db("orders").orderBy("id").pluck("item"), items(tenant, turn));
}

test("tenants", () => everybody(async (tenant) => {
  const connection = { connectionString: url, options: tenant.options };
  const db = knex({ client: "pg", connection, pool: { min: 1, max: 1, afterCreate: changed(tenant) } });
  for (let turn = 0; turn < turns; turn++) await work(db, tenant, turn);
  await db.destroy();
}));
