// An application on DynamoDB, as one of several processes: `node app.mjs ENDPOINT NUMBER HISTORY`. It reads, writes, writes on condition and in transactions,
// queries and deletes until SIGTERM, and writes what it asked and heard to HISTORY, a JSON object a line. SIGUSR2 lets it rest, and go on.
//
// Registers, over the SDK, are what the history is checked by: every value is written once. Orders, over ElectroDB, are there to be queried by their index.
import { createWriteStream } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../clients/', import.meta.url));
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
const { DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, TransactWriteCommand, UpdateCommand } = require('@aws-sdk/lib-dynamodb');
const { Entity } = require('electrodb');

const [endpoint, number, history] = process.argv.slice(2);
const TABLE = 'shop', REGISTERS = 24, CUSTOMERS = 12, FIBERS = 6, PAUSE_MS = 4;
const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' }, maxAttempts: 1 });
const documents = DynamoDBDocumentClient.from(client);
const lines = createWriteStream(history, { flags: 'a' });

const Order = new Entity({
  model: { entity: 'order', version: '1', service: 'shop' },
  attributes: {
    customer: { type: 'string', required: true },
    order: { type: 'string', required: true },
    status: { type: ['open', 'paid', 'sent'], required: true },
    total: { type: 'number', required: true },
    note: { type: 'string' },
  },
  indexes: {
    byCustomer: { pk: { field: 'pk', composite: ['customer'] }, sk: { field: 'sk', composite: ['order'] } },
    byStatus: { index: 'gsi1', pk: { field: 'gsi1pk', composite: ['status'] }, sk: { field: 'gsi1sk', composite: ['customer', 'order'] } },
  },
}, { client, table: TABLE });

let sequence = 0, stops = false, rests = false, running = 0, wake = null;
const pick = (count) => Math.floor(Math.random() * count);
const value = () => `${number}-${++sequence}`;
const key = (register) => ({ pk: `register#${register}`, sk: 'state' });
const now = () => Number(process.hrtime.bigint()) / 1e9;
const refusals = new Set(['ConditionalCheckFailedException', 'TransactionCanceledException', 'TransactionConflictException']);

// What each kind of request does to which registers; `answer` gives what it read.
const kinds = {
  async read() {
    const register = pick(REGISTERS);
    const ask = () => documents.send(new GetCommand({ TableName: TABLE, Key: key(register), ConsistentRead: true }));
    return { kind: 'read', registers: [register], ask, answer: (reply) => reply.Item?.value ?? null };
  },
  async glance() {
    const register = pick(REGISTERS);
    const ask = () => documents.send(new GetCommand({ TableName: TABLE, Key: key(register) }));
    return { kind: 'glance', registers: [register], ask, answer: (reply) => reply.Item?.value ?? null };
  },
  async put() {
    const register = pick(REGISTERS), written = value();
    const ask = () => documents.send(new PutCommand({ TableName: TABLE, Item: { ...key(register), value: written, size: sequence } }));
    return { kind: 'write', registers: [register], written, ask };
  },
  async update() {
    const register = pick(REGISTERS), written = value();
    const seen = (await documents.send(new GetCommand({ TableName: TABLE, Key: key(register), ConsistentRead: true }))).Item?.value;
    const ask = () => documents.send(new UpdateCommand({
      TableName: TABLE, Key: key(register), UpdateExpression: 'SET #v = :new', ExpressionAttributeNames: { '#v': 'value' },
      ConditionExpression: seen ? '#v = :seen' : 'attribute_not_exists(#v)', ExpressionAttributeValues: { ':new': written, ...(seen && { ':seen': seen }) },
    }));
    return { kind: 'write', registers: [register], written, expected: seen ?? null, ask };
  },
  async remove() {
    const register = pick(REGISTERS);
    return { kind: 'write', registers: [register], written: null, ask: () => documents.send(new DeleteCommand({ TableName: TABLE, Key: key(register) })) };
  },
  async transact() {
    const first = pick(REGISTERS), registers = [first, (first + 1 + pick(REGISTERS - 1)) % REGISTERS], written = value();
    const ask = () => documents.send(new TransactWriteCommand({
      TransactItems: registers.map((register) => ({ Put: { TableName: TABLE, Item: { ...key(register), value: written, size: sequence } } })),
    }));
    return { kind: 'write', registers, written, ask };
  },
  async order() {
    const ask = () => Order.upsert({
      customer: `c${pick(CUSTOMERS)}`, order: `o${pick(40)}`, status: ['open', 'paid', 'sent'][pick(3)], total: pick(10000) / 100, note: `by ${number}`,
    }).go();
    return { kind: 'other', registers: [], ask };
  },
  async orders() {
    return { kind: 'other', registers: [], ask: () => Order.query.byStatus({ status: ['open', 'paid', 'sent'][pick(3)] }).go({ limit: 20 }) };
  },
  async customer() {
    const ask = () => documents.send(new QueryCommand({
      TableName: TABLE, KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': `$shop#customer_c${pick(CUSTOMERS)}` }, ConsistentRead: true,
    }));
    return { kind: 'other', registers: [], ask };
  },
  async cancel() {
    return { kind: 'other', registers: [], ask: () => Order.delete({ customer: `c${pick(CUSTOMERS)}`, order: `o${pick(40)}` }).go() };
  },
};
const shares = ['read', 'read', 'read', 'glance', 'glance', 'put', 'put', 'update', 'update', 'remove', 'transact', 'order', 'order', 'orders', 'customer', 'cancel'];

// A condition that fails says nothing of what else is there, only that it did not hold.
async function run(name) {
  const request = await kinds[name]();
  const { kind, registers, written, expected } = request;
  const line = { name, kind, registers, written, expected, start: now() };
  try {
    const reply = await request.ask();
    Object.assign(line, { end: now(), outcome: 'done', read: request.answer?.(reply) });
  } catch (error) {
    const type = error.name === 'ElectroError' ? error.cause?.name ?? error.message : error.name;
    Object.assign(line, { end: now(), outcome: refusals.has(type) ? 'refused' : 'failed', error: `${type}: ${error.message}`, status: error.$metadata?.httpStatusCode });
  }
  lines.write(`${JSON.stringify(line)}\n`);
}

async function fiber() {
  while (!stops) {
    if (rests) {
      if (--running === 0) process.stdout.write('rests\n');
      await new Promise((resolve) => { wake.push(resolve); });
      running += 1;
      continue;
    }
    try {
      await run(shares[pick(shares.length)]);
    } catch (error) {
      lines.write(`${JSON.stringify({ name: 'before', kind: 'other', registers: [], outcome: 'failed', error: `${error.name}: ${error.message}` })}\n`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

wake = [];
const alive = setInterval(() => {}, 1000); // while all rest
const goOn = () => { rests = false; wake.splice(0).forEach((resolve) => resolve()); };
process.on('SIGTERM', () => { stops = true; goOn(); });
process.on('SIGUSR2', () => { if (rests) goOn(); else rests = true; });
process.stdout.write('runs\n');
running = FIBERS;
await Promise.all(Array.from({ length: FIBERS }, fiber));
await new Promise((resolve) => lines.end(resolve));
client.destroy();
clearInterval(alive);
