// lib-dynamodb, JavaScript's own values as items; and how the SDK's retries meet a gateway that is over its limits.
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import * as ddb from '@aws-sdk/client-dynamodb';
import * as lib from '@aws-sdk/lib-dynamodb';
import { Gateway, gatewayForTests, tableOf } from './gateway.mjs';

const gateway = await gatewayForTests();
const client = gateway.client(ddb.DynamoDBClient);
const documents = lib.DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true }, unmarshallOptions: { wrapNumbers: false } });
const TableName = 'documents';
await client.send(new ddb.CreateTableCommand(tableOf(TableName)));
await ddb.waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });

test('values of JavaScript come back as they were', async () => {
  const Item = { pk: 'a', sk: '1', text: 'ü', number: 1.5, big: 12345678901234567890n, yes: true, nothing: null, list: [1, 'x', { deep: [] }], map: { 'a b': -0.25 },
    texts: new Set(['a', 'b']), numbers: new Set([1, 2]), bytes: Uint8Array.from([1, 2, 3]) };
  await documents.send(new lib.PutCommand({ TableName, Item }));
  const got = (await documents.send(new lib.GetCommand({ TableName, Key: { pk: 'a', sk: '1' } }))).Item;
  assert.deepEqual(got, { ...Item, big: 12345678901234567890n });
});

test('a number beyond a double comes whole, when asked so', async () => {
  const exact = lib.DynamoDBDocumentClient.from(gateway.client(ddb.DynamoDBClient), { unmarshallOptions: { wrapNumbers: true } });
  const value = lib.NumberValue.from('1234567890.1234567890123456789012345678');
  await exact.send(new lib.PutCommand({ TableName, Item: { pk: 'exact', sk: '1', value } }));
  assert.equal((await exact.send(new lib.GetCommand({ TableName, Key: { pk: 'exact', sk: '1' } }))).Item.value.toString(), value.toString());
});

test('update, query, scan and their pages', async () => {
  for (let i = 0; i < 7; i++) await documents.send(new lib.PutCommand({ TableName, Item: { pk: 'many', sk: `${i}`, i } }));
  const { Attributes } = await documents.send(new lib.UpdateCommand({ TableName, Key: { pk: 'many', sk: '3' }, UpdateExpression: 'SET i = i + :ten',
    ExpressionAttributeValues: { ':ten': 10 }, ReturnValues: 'UPDATED_NEW' }));
  assert.deepEqual(Attributes, { i: 13 });
  const found = [];
  for await (const page of lib.paginateQuery({ client: documents, pageSize: 2 }, { TableName, KeyConditionExpression: 'pk = :pk', ScanIndexForward: false,
    ExpressionAttributeValues: { ':pk': 'many' } })) found.push(...page.Items.map((item) => item.i));
  assert.deepEqual(found, [6, 5, 4, 13, 2, 1, 0]);
  const scanned = [];
  for await (const page of lib.paginateScan({ client: documents }, { TableName, FilterExpression: 'i > :two', ExpressionAttributeValues: { ':two': 2 } }))
    scanned.push(...page.Items);
  assert.equal(scanned.length, 4);
});

test('batches and transactions', async () => {
  await documents.send(new lib.BatchWriteCommand({ RequestItems: { [TableName]: ['x', 'y'].map((sk) => ({ PutRequest: { Item: { pk: 'batch', sk, n: [sk] } } })) } }));
  const { Responses } = await documents.send(new lib.BatchGetCommand({ RequestItems: { [TableName]: { Keys: [{ pk: 'batch', sk: 'x' }, { pk: 'batch', sk: 'y' }] } } }));
  assert.deepEqual(Responses[TableName].map((item) => item.n).sort(), [['x'], ['y']]);
  await documents.send(new lib.TransactWriteCommand({ TransactItems: [{ Delete: { TableName, Key: { pk: 'batch', sk: 'x' } } },
    { Put: { TableName, Item: { pk: 'batch', sk: 'z' } } }] }));
  const got = await documents.send(new lib.TransactGetCommand({ TransactItems: ['x', 'z'].map((sk) => ({ Get: { TableName, Key: { pk: 'batch', sk } } })) }));
  assert.deepEqual(got.Responses.map((response) => response.Item), [undefined, { pk: 'batch', sk: 'z' }]);
});

// One connection of one worker: while another client holds it, requests are throttled, and the SDK tries again by itself.
test('what is throttled is tried again', async () => {
  const small = await Gateway.start('--max-connections', '1', '--jobs', '1');
  const impatient = small.client(ddb.DynamoDBClient, { maxAttempts: 1 }), patient = small.client(ddb.DynamoDBClient, { maxAttempts: 8 });
  const { hostname, port } = new URL(small.endpoint);
  const holder = net.connect({ host: hostname, port: Number(port) });
  await new Promise((resolve) => holder.once('connect', resolve));
  holder.write('POST / HTTP/1.1\r\n');
  await assert.rejects(impatient.send(new ddb.ListTablesCommand({})), { name: 'ThrottlingException' });
  patient.middlewareStack.add((next) => async (args) => {
    const result = await next(args);
    holder.destroy(); // once the first attempt has its answer
    return result;
  }, { step: 'deserialize', priority: 'low', name: 'let go' });
  const { $metadata } = await patient.send(new ddb.ListTablesCommand({}));
  assert.ok($metadata.attempts > 1, `${$metadata.attempts} attempts`);
  await small.stop();
});
