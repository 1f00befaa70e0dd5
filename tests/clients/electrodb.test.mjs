// ElectroDB over the gateway: two entities in one table, their indexes and collections, and each of its verbs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ddb from '@aws-sdk/client-dynamodb';
import { Entity, Service } from 'electrodb';
import { attribute, gatewayForTests, key, tableOf } from './gateway.mjs';

const gateway = await gatewayForTests();
const client = gateway.client(ddb.DynamoDBClient);
const table = 'electro';
const index = (name) => ({ IndexName: name, KeySchema: [key(`${name}pk`), key(`${name}sk`, 'RANGE')], Projection: { ProjectionType: 'ALL' } });
// The table of a map is there already (test_electrodb_relational.py).
if (!(await client.send(new ddb.ListTablesCommand({}))).TableNames.includes(table)) await client.send(new ddb.CreateTableCommand(tableOf(table, {
  AttributeDefinitions: ['gsi1pk', 'gsi1sk', 'gsi2pk', 'gsi2sk'].map((name) => attribute(name)), GlobalSecondaryIndexes: [index('gsi1'), index('gsi2')] })));
await ddb.waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: table });

const Employee = new Entity({
  model: { entity: 'employee', version: '1', service: 'office' },
  attributes: {
    employee: { type: 'string', default: () => `e${Math.random().toString(36).slice(2)}` },
    team: { type: ['red', 'blue'], required: true },
    office: { type: 'string', required: true },
    name: { type: 'string', required: true },
    salary: { type: 'number', default: 0 },
    skills: { type: 'set', items: 'string' },
    history: { type: 'list', items: { type: 'map', properties: { year: { type: 'number' }, title: { type: 'string' } } } },
    address: { type: 'map', properties: { street: { type: 'string' }, city: { type: 'string' } } },
    secret: { type: 'string', hidden: true },
    updated: { type: 'number', watch: '*', set: () => Date.now(), readOnly: false },
  },
  indexes: {
    byId: { pk: { field: 'pk', composite: ['employee'] }, sk: { field: 'sk', composite: [] } },
    atOffice: { collection: 'workplace', index: 'gsi1', pk: { field: 'gsi1pk', composite: ['office'] }, sk: { field: 'gsi1sk', composite: ['team', 'employee'] } },
    inTeam: { index: 'gsi2', pk: { field: 'gsi2pk', composite: ['team'] }, sk: { field: 'gsi2sk', composite: ['employee'] } },
  },
}, { client, table });

const Room = new Entity({
  model: { entity: 'room', version: '1', service: 'office' },
  attributes: { office: { type: 'string', required: true }, room: { type: 'string', required: true }, seats: { type: 'number' } },
  indexes: {
    byOffice: { pk: { field: 'pk', composite: ['office'] }, sk: { field: 'sk', composite: ['room'] } },
    atOffice: { collection: 'workplace', index: 'gsi1', pk: { field: 'gsi1pk', composite: ['office'] }, sk: { field: 'gsi1sk', composite: ['room'] } },
  },
}, { client, table });

const office = new Service({ employee: Employee, room: Room });
const person = (employee, more = {}) => ({ employee, team: 'red', office: 'bern', name: `name of ${employee}`, ...more });

test('create, get, and create again', async () => {
  const made = person('e1', { skills: ['c', 'sql'], history: [{ year: 2020, title: 'x' }], address: { city: 'Bern' }, secret: 's', salary: 5 });
  await Employee.create(made).go();
  const { data } = await Employee.get({ employee: 'e1' }).go();
  const { secret, ...shown } = made;
  assert.deepEqual({ ...data, updated: undefined, skills: [...data.skills].sort() }, { ...shown, updated: undefined });
  await assert.rejects(Employee.create(made).go(), (error) => /The conditional request failed/.test(error.message) && error.isElectroError);
  assert.equal((await Employee.get({ employee: 'nobody' }).go()).data, null);
});

test('update, patch and upsert', async () => {
  await Employee.put(person('e2', { salary: 10, skills: ['a'], history: [] })).go();
  const { data } = await Employee.update({ employee: 'e2' }).set({ name: 'other' }).add({ salary: 5, skills: ['b'] }).append({ history: [{ year: 1 }] })
    .data(({ address }, { set }) => set(address, { city: 'Basel' })).where(({ salary }, { lt }) => lt(salary, 11)).go({ response: 'all_new' });
  assert.deepEqual([data.name, data.salary, [...data.skills].sort(), data.history, data.address], ['other', 15, ['a', 'b'], [{ year: 1 }], { city: 'Basel' }]);
  await Employee.patch({ employee: 'e2' }).set({ office: 'genf' }).composite({ team: 'red' }).subtract({ salary: 1 }).remove(['address']).go();
  const patched = (await Employee.get({ employee: 'e2' }).go()).data;
  assert.deepEqual([patched.office, patched.salary, patched.address], ['genf', 14, undefined]);
  await assert.rejects(Employee.patch({ employee: 'nobody' }).set({ name: 'x' }).go(), /The conditional request failed/);
  await Employee.upsert(person('e3', { salary: 1 })).go();
  await Employee.upsert({ ...person('e3'), name: 'upserted' }).ifNotExists({ salary: 9 }).go();
  assert.equal((await Employee.get({ employee: 'e3' }).go()).data.name, 'upserted');
});

test('queries by index with sort key operators, filters and pages', async () => {
  await Employee.put([...Array(30).keys()].map((i) => person(`b${String(i).padStart(2, '0')}`, { team: 'blue', office: 'chur', salary: i }))).go();
  const { data } = await Employee.query.inTeam({ team: 'blue' }).go({ pages: 'all', limit: 4 });
  assert.equal(data.length, 30);
  const begins = await Employee.query.atOffice({ office: 'chur' }).begins({ team: 'blue', employee: 'b1' }).go();
  assert.equal(begins.data.length, 10);
  const between = await Employee.query.atOffice({ office: 'chur', team: 'blue' }).between({ employee: 'b05' }, { employee: 'b07' }).go();
  assert.deepEqual(between.data.map((each) => each.employee), ['b05', 'b06', 'b07']);
  const filtered = await Employee.query.atOffice({ office: 'chur' }).where(({ salary }, { gte }) => gte(salary, 25)).go({ order: 'desc' });
  assert.deepEqual(filtered.data.map((each) => each.salary), [29, 28, 27, 26, 25]);
  const first = await Employee.query.atOffice({ office: 'chur' }).go({ limit: 12 });
  const second = await Employee.query.atOffice({ office: 'chur' }).go({ limit: 12, cursor: first.cursor });
  assert.deepEqual(second.data.map((each) => each.employee)[0], 'b12');
  assert.equal((await Employee.scan.where(({ office: at }, { eq }) => eq(at, 'chur')).go({ pages: 'all' })).data.length, 30);
  assert.equal((await Employee.match({ office: 'chur', team: 'blue' }).go()).data.length, 30);
  assert.deepEqual(Object.keys((await Employee.query.atOffice({ office: 'chur' }).go({ attributes: ['name'], limit: 1 })).data[0]), ['name']);
});

test('a collection spans both entities', async () => {
  await Room.put([{ office: 'zug', room: 'a', seats: 2 }, { office: 'zug', room: 'b' }]).go();
  await Employee.put(person('z1', { office: 'zug' })).go();
  const { data } = await office.collections.workplace({ office: 'zug' }).go();
  assert.deepEqual(data.room.map((each) => each.room), ['a', 'b']);
  assert.deepEqual(data.employee.map((each) => each.employee), ['z1']);
});

test('batches and deletes', async () => {
  const keys = ['d1', 'd2', 'd3'].map((employee) => ({ employee }));
  await Employee.put(keys.map(({ employee }) => person(employee))).go();
  const got = await Employee.get([...keys, { employee: 'nobody' }]).go({ preserveBatchOrder: true });
  assert.deepEqual(got.data.map((each) => each?.employee), ['d1', 'd2', 'd3', undefined]);
  assert.equal((await Employee.delete(keys[0]).go({ response: 'all_old' })).data.employee, 'd1');
  await assert.rejects(Employee.remove(keys[0]).go(), /The conditional request failed/);
  await Employee.delete(keys.slice(1)).go();
  assert.deepEqual((await Employee.get(keys).go()).data, []);
});

test('transactions', async () => {
  const hire = () => office.transaction.write(({ employee, room }) => [
    employee.create(person('t1')).commit(),
    room.upsert({ office: 'bern', room: 'r1', seats: 1 }).commit(),
    room.check({ office: 'nowhere', room: 'x' }).where(({ seats }, { notExists }) => notExists(seats)).commit(),
  ]).go();
  assert.equal((await hire()).canceled, false);
  const again = await hire();
  assert.equal(again.canceled, true);
  assert.deepEqual(again.data.map((each) => each.code), ['ConditionalCheckFailed', 'None', 'None']);
  const { data } = await office.transaction.get(({ employee, room }) => [employee.get({ employee: 't1' }).commit(), room.get({ office: 'bern', room: 'r1' }).commit(),
    room.get({ office: 'bern', room: 'none' }).commit()]).go();
  assert.deepEqual(data.map((each) => each.item?.office), ['bern', 'bern', undefined]);
});
