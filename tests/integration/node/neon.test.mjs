// node's `pg` with the connection that Neon's own examples make; the name is not in DNS, so it is given to TLS alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";

const { APP_URL: connectionString, APP_CA: ca, APP_HOST: servername } = process.env;

test("a client logs in with channel binding and asks", async () => {
  const client = new pg.Client({ connectionString, ssl: { ca, servername }, enableChannelBinding: true });
  await client.connect();
  const { rows } = await client.query("select $1::int + 1 as sum", [41]);
  assert.equal(rows[0].sum, 42);
  await client.end();
});
