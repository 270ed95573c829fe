// typeorm: a DataSource for each tenant.
import assert from "node:assert/strict";
import { test } from "node:test";
import { DataSource, EntitySchema } from "typeorm";
import { check, everybody, items, lookUp, turns, url } from "./tenants.mjs";

const Order = new EntitySchema({
  name: "Order", tableName: "orders",
  columns: {
    id: { type: "int", primary: true, generated: "increment" },
    item: { type: "text" },
    placed: { type: "timestamptz", createDate: true },
  },
  relations: { lines: { type: "one-to-many", target: "Line", inverseSide: "order", cascade: true } },
});
const Line = new EntitySchema({
  name: "Line", tableName: "lines",
  columns: { id: { type: "int", primary: true, generated: "increment" }, text: { type: "text" } },
  relations: {
    order: { type: "many-to-one", target: "Order", inverseSide: "lines", joinColumn: { name: "order_id" } },
  },
});

async function work(source, tenant, turn) {
  const orders = source.getRepository(Order);
  const item = `item ${turn} of ${tenant.number}`;
  const texts = [0, 1, 2].map((number) => `${item}, line ${number}`);
  await orders.save({ item, lines: texts.map((text) => ({ text })) }); // one transaction
  const found = await orders.findOne({ where: { item }, relations: { lines: true }, order: { lines: { id: "ASC" } } });
  assert.deepEqual(found.lines.map((line) => line.text), texts);
  await orders.update({ id: found.id }, { item: `${item}, changed` });
  await assert.rejects(source.transaction("SERIALIZABLE", async (manager) => {
    await manager.save(Order, { item: "never" });
    await manager.query("select 1 / 0");
  }), { code: "22012" });
  await source.transaction(async (manager) => {
    await assert.rejects(manager.transaction((inner) => inner.query("select 1 / 0"))); // a savepoint
    const [row] = await manager.query(`select ${lookUp}`);
    check(tenant, row);
  });
  assert.deepEqual((await orders.find({ order: { id: "ASC" } })).map((order) => order.item), items(tenant, turn));
}

test("tenants", () => everybody(async (tenant) => {
  const source = new DataSource({
    type: "postgres", url, entities: [Order, Line], installExtensions: false, poolSize: 1,
    extra: { options: tenant.options },
  });
  await source.initialize();
  for (const change of tenant.changes) await source.query(change);
  for (let turn = 0; turn < turns; turn++) await work(source, tenant, turn);
  await source.destroy();
}));
