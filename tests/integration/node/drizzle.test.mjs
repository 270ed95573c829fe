// drizzle-orm, on node's `pg` and on `postgres`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eq, sql } from "drizzle-orm";
import { drizzle as onPg } from "drizzle-orm/node-postgres";
import { integer, pgTable, serial, text, timestamp } from "drizzle-orm/pg-core";
import { drizzle as onPostgres } from "drizzle-orm/postgres-js";
import pg from "pg";
import postgres from "postgres";
import { check, everybody, items, lookUp, turns, url } from "./tenants.mjs";

const orders = pgTable("orders", {
  id: serial("id").primaryKey(),
  item: text("item").notNull(),
  placed: timestamp("placed", { withTimezone: true }).defaultNow(),
});
const lines = pgTable("lines", {
  id: serial("id").primaryKey(),
  orderId: integer("order_id").notNull(),
  text: text("text"),
});

async function work(db, tenant, turn, lookedUp) {
  const item = `item ${turn} of ${tenant.number}`;
  await db.transaction(async (tx) => {
    const [{ id }] = await tx.insert(orders).values({ item }).returning();
    await tx.insert(lines).values([0, 1, 2].map((number) => ({ orderId: id, text: `${item}, line ${number}` })));
    await assert.rejects(tx.transaction((inner) => inner.execute(sql`select 1 / 0`)));
  });
  const joined = await db.select({ text: lines.text }).from(lines).innerJoin(orders, eq(lines.orderId, orders.id))
    .where(eq(orders.item, item)).orderBy(lines.id);
  assert.deepEqual(joined, [0, 1, 2].map((number) => ({ text: `${item}, line ${number}` })));
  await db.update(orders).set({ item: `${item}, changed` }).where(eq(orders.item, item));
  await assert.rejects(db.transaction(async (tx) => {
    await tx.insert(orders).values({ item: "never" });
    tx.rollback();
  }));
  check(tenant, lookedUp(await db.execute(sql.raw(`select ${lookUp}`))));
  const found = await db.select({ item: orders.item }).from(orders).orderBy(orders.id);
  assert.deepEqual(found.map((row) => row.item), items(tenant, turn));
}

test("on pg", () => everybody(async (tenant) => {
  const client = new pg.Client({ connectionString: url, options: tenant.options });
  await client.connect();
  for (const change of tenant.changes) await client.query(change);
  const db = onPg(client);
  await db.delete(lines);
  await db.delete(orders);
  for (let turn = 0; turn < turns; turn++) await work(db, tenant, turn, (result) => result.rows[0]);
  await client.end();
}));

test("on postgres", () => everybody(async (tenant) => {
  const client = postgres(url, { max: 1, connection: { search_path: tenant.schema, timezone: tenant.zone } });
  for (const change of tenant.changes) await client.unsafe(change);
  const db = onPostgres(client);
  await db.delete(lines);
  await db.delete(orders);
  for (let turn = 0; turn < turns; turn++) await work(db, tenant, turn, (result) => result[0]);
  await client.end();
}));
