// node-postgres's part in tests/support/sleepers.py: a request is a line of JSON, and so is what was told.
import { createInterface } from "node:readline";
import pg from "pg";

const { APP_URL: connectionString, CLIENTS } = process.env;
const clients = Number(CLIENTS);
const pool = new pg.Pool({ connectionString, max: clients, idleTimeoutMillis: 0 });
const lost = [];
pool.on("error", (error) => lost.push(error)); // of a connection that rests in the pool
const last = new Map();

async function check(client) {
  const { rows } = await pool.query("select count(*)::int as n from slept where id = $1", [last.get(client) ?? 0]);
  const expected = last.has(client) ? 1 : 0;
  return rows[0].n === expected ? "" : `read ${rows[0].n} rows of ${expected}`;
}

async function askOnce(client, id, onlyReads, written) {
  const writes = !onlyReads && (!last.has(client) || id % 2 === 0);
  const began = Date.now() / 1000;
  const clock = performance.now();
  let error = "";
  try {
    if (writes) {
      await pool.query({ name: "write", text: "insert into slept values ($1)", values: [id] });
      last.set(client, id);
      written.push(id);
    } else {
      error = await check(client);
    }
  } catch (broken) {
    error = `${broken.name} ${broken.code ?? ""}: ${broken.message}`;
  }
  return [writes, began, (performance.now() - clock) / 1000, error];
}

for await (const line of createInterface({ input: process.stdin })) {
  const { first, repeats, onlyReads } = JSON.parse(line);
  const written = [];
  const lives = Array.from({ length: clients }, async (_, client) => {
    const told = [];
    for (let i = 0; i < repeats && !told.at(-1)?.[3]; i++)
      told.push(await askOnce(client, first + client * repeats + i, onlyReads, written));
    return told;
  });
  const told = (await Promise.all(lives)).flat();
  for (const error of lost.splice(0)) told.push([false, Date.now() / 1000, 0, `in the pool: ${error.message}`]);
  console.log(JSON.stringify({ told, written }));
}
await pool.end();
