// node's `pg`: text values, named statements, a pool.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import pg from "pg";

const connectionString = process.env.APP_URL;
const ssl = process.env.APP_CA ? { ca: process.env.APP_CA } : false;
const pool = new pg.Pool({ connectionString, ssl, max: 30 });
after(() => pool.end());

const one = async (...query) => (await pool.query(...query)).rows[0];

test("values of many types", async () => {
  const row = await one("select $1::int a, $2::text b, $3::int c, $4::bool d, $5::int[] e, $6::bytea f, $7::json g", [
    42, "ünïcödé 🚀 ' \\", null, true, [1, 2, 3], Buffer.from([0, 255]), { deep: [1] },
  ]);
  assert.deepEqual(row, {
    a: 42, b: "ünïcödé 🚀 ' \\", c: null, d: true, e: [1, 2, 3], f: Buffer.from([0, 255]), g: { deep: [1] },
  });
});

test("named statements on thirty connections", async () => {
  await Promise.all(
    Array.from({ length: 1000 }, async (_, number) => {
      const name = `statement-${number % 10}`;
      const row = await one({ name, text: `select $1::int + ${number % 10} as sum`, values: [number] });
      assert.equal(row.sum, number + (number % 10));
    }),
  );
});

test("a transaction is rolled back after an error", async () => {
  const client = await pool.connect();
  await client.query("drop table if exists node_pg; create table node_pg (id int)");
  await client.query("begin");
  await client.query("insert into node_pg values ($1)", [1]);
  await assert.rejects(client.query("select 1 / $1::int", [0]), { code: "22012" });
  await assert.rejects(client.query("select 1"), { code: "25P02" });
  await client.query("rollback");
  assert.equal((await client.query("select count(*)::int n from node_pg")).rows[0].n, 0);
  client.release();
});

test("an error keeps the client", async () => {
  const client = await pool.connect();
  await assert.rejects(client.query("select from from"), { code: "42601" });
  assert.equal((await client.query("select 1 as n")).rows[0].n, 1);
  client.release();
});

test("several statements in one message", async () => {
  const results = await pool.query("select 1 as n; select 2 as n; select 3 as n");
  assert.deepEqual(results.map((result) => result.rows[0].n), [1, 2, 3]);
});

test("a large result and a large value", async () => {
  const { rows } = await pool.query("select i, repeat(md5(i::text), 64) as text from generate_series(1, 5000) i");
  assert.equal(rows.length, 5000);
  assert.ok(rows.every((row) => row.text.length === 2048));
  const value = "x".repeat(10_000_000);
  assert.equal((await one("select $1::text as value", [value])).value, value);
});
