// node's `postgres`: pipelined and prepared by default, COPY as streams, cancel.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import postgres from "postgres";

const ssl = process.env.APP_CA ? { ca: process.env.APP_CA } : false;
const sql = postgres(process.env.APP_URL, { ssl, max: 30, onnotice: () => {} });
after(() => sql.end());

test("values of many types", async () => {
  const [row] = await sql`select ${42}::int a, ${"ünïcödé 🚀 ' \\"}::text b, ${null}::int c, ${true}::bool d,
    ${[1, 2, 3]}::int[] e, ${Buffer.from([0, 255])}::bytea f, ${{ deep: [1] }}::jsonb g`;
  assert.deepEqual({ ...row }, {
    a: 42, b: "ünïcödé 🚀 ' \\", c: null, d: true, e: [1, 2, 3], f: Buffer.from([0, 255]), g: { deep: [1] },
  });
});

test("a thousand queries at once, each with its own answer", async () => {
  const numbers = await Promise.all(Array.from({ length: 1000 }, (_, number) => sql`select ${number}::int as n`));
  numbers.forEach((rows, number) => assert.equal(rows[0].n, number));
});

test("transactions and savepoints", async () => {
  await sql`drop table if exists node_postgres`;
  await sql`create table node_postgres (id int)`;
  await sql.begin(async (tx) => {
    await tx`insert into node_postgres values (1)`;
    await tx.savepoint(async (inner) => {
      await inner`insert into node_postgres values (2)`;
      await inner`select 1 / ${0}::int`;
    }).catch((error) => assert.equal(error.code, "22012"));
    await tx`insert into node_postgres values (3)`;
  });
  assert.deepEqual([...(await sql`select id from node_postgres order by id`)].map((row) => row.id), [1, 3]);
});

test("queries pipelined in one transaction", async () => {
  const results = await sql.begin((tx) => Array.from({ length: 100 }, (_, number) => tx`select ${number}::int as n`));
  results.forEach((rows, number) => assert.equal(rows[0].n, number));
});

test("copy in and out", async () => {
  await sql`drop table if exists node_copy`;
  await sql`create table node_copy (id int, word text)`;
  const lines = Array.from({ length: 5000 }, (_, number) => `${number}\tword ${number}\n`);
  await pipeline(Readable.from(lines), await sql`copy node_copy from stdin`.writable());
  let copied = "";
  for await (const chunk of await sql`copy (select * from node_copy order by id) to stdout`.readable()) copied += chunk;
  assert.equal(copied, lines.join(""));
});

test("cancel", async () => {
  const query = sql`select pg_sleep(60)`;
  setTimeout(() => query.cancel(), 200);
  await assert.rejects(query, { code: "57014" });
  assert.equal((await sql`select 1 as n`)[0].n, 1);
});

test("a cursor", async () => {
  const found = [];
  await sql`select generate_series(1, 1000) n`.cursor(70, (rows) => { found.push(...rows.map((row) => row.n)); });
  assert.deepEqual(found, Array.from({ length: 1000 }, (_, index) => index + 1));
});

test("an error keeps the connection", async () => {
  await assert.rejects(sql`select from from`, { code: "42601" });
  assert.equal((await sql`select 1 as n`)[0].n, 1);
});
