// Items by the AWS SDK for JavaScript: every type, expressions, conditions, queries and scans with their pages, batches, transactions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ddb from '@aws-sdk/client-dynamodb';
import { attribute, gatewayForTests, key, tableOf } from './gateway.mjs';

const gateway = await gatewayForTests();
const client = gateway.client(ddb.DynamoDBClient);
const send = (Command, input) => client.send(new Command(input));
const TableName = 'things';
const keyOf = (pk, sk = 's') => ({ pk: { S: pk }, sk: { S: sk } });
const put = (Item, more = {}) => send(ddb.PutItemCommand, { TableName, Item, ...more });
const get = async (pk, sk, more = {}) => (await send(ddb.GetItemCommand, { TableName, Key: keyOf(pk, sk), ...more })).Item;

await send(ddb.CreateTableCommand, tableOf(TableName, {
  AttributeDefinitions: [attribute('owner'), attribute('rank', 'N')],
  GlobalSecondaryIndexes: [{ IndexName: 'owners', KeySchema: [key('owner'), key('rank', 'RANGE')], Projection: { ProjectionType: 'ALL' } }],
  LocalSecondaryIndexes: [{ IndexName: 'ranks', KeySchema: [key('pk'), key('rank', 'RANGE')], Projection: { ProjectionType: 'KEYS_ONLY' } }],
}));
await ddb.waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });

const EVERYTHING = {
  ...keyOf('everything'),
  string: { S: 'größer ✓ 😀 \u0000 "quoted" \\' },
  empty: { S: '' },
  number: { N: '-1.2345678901234567890123456789012345678' },
  extremes: { L: [{ N: `9${'0'.repeat(125)}` }, { N: `0.${'0'.repeat(129)}1` }] },
  bytes: { B: Uint8Array.from([0, 1, 254, 255]) },
  yes: { BOOL: true },
  nothing: { NULL: true },
  strings: { SS: ['a', 'b'] },
  numbers: { NS: ['1', '2.5'] },
  blobs: { BS: [Uint8Array.from([1]), Uint8Array.from([2])] },
  list: { L: [{ S: 'x' }, { L: [{ M: {} }] }] },
  map: { M: { 'a.b': { M: { c: { N: '0' } } } } },
};

test('an item of every type comes back as it was', async () => {
  await put(EVERYTHING);
  const item = await get('everything', 's', { ConsistentRead: true });
  const sets = (from) => ({ ...from, strings: new Set(from.strings.SS), numbers: new Set(from.numbers.NS), blobs: from.blobs.BS.length });
  assert.deepEqual(sets(item), sets(EVERYTHING));
});

test('each kind of update', async () => {
  await put({ ...keyOf('update'), count: { N: '1' }, tags: { SS: ['a', 'b'] }, list: { L: [{ N: '1' }] }, map: { M: {} }, former: { S: 'x' } });
  const { Attributes, ConsumedCapacity } = await send(ddb.UpdateItemCommand, {
    TableName, Key: keyOf('update'), ReturnValues: 'ALL_NEW', ReturnConsumedCapacity: 'TOTAL',
    UpdateExpression: 'SET #c = #c + :one, #l = list_append(#l, :more), #m.made = if_not_exists(#m.made, :one) REMOVE former ADD summed :one DELETE tags :tag',
    ConditionExpression: 'attribute_exists(pk) AND size(tags) = :two AND NOT contains(tags, :none) AND #c BETWEEN :one AND :two',
    ExpressionAttributeNames: { '#c': 'count', '#l': 'list', '#m': 'map' },
    ExpressionAttributeValues: { ':one': { N: '1' }, ':two': { N: '2' }, ':more': { L: [{ S: 'y' }] }, ':tag': { SS: ['a'] }, ':none': { S: 'zz' } },
  });
  assert.deepEqual(Attributes, { ...keyOf('update'), count: { N: '2' }, tags: { SS: ['b'] }, list: { L: [{ N: '1' }, { S: 'y' }] },
    map: { M: { made: { N: '1' } } }, summed: { N: '1' } });
  assert.equal(ConsumedCapacity.TableName, TableName);
  assert.equal(ConsumedCapacity.CapacityUnits, 1);
  const legacy = await send(ddb.UpdateItemCommand, { TableName, Key: keyOf('update'), ReturnValues: 'UPDATED_OLD',
    AttributeUpdates: { count: { Action: 'ADD', Value: { N: '5' } }, summed: { Action: 'DELETE' } }, Expected: { count: { ComparisonOperator: 'GT', AttributeValueList: [{ N: '0' }] } } });
  assert.deepEqual(legacy.Attributes, { count: { N: '2' }, summed: { N: '1' } });
});

test('a failed condition is ConditionalCheckFailedException with the item', async () => {
  await put({ ...keyOf('condition'), version: { N: '3' } });
  const stale = { ConditionExpression: 'version = :v', ExpressionAttributeValues: { ':v': { N: '2' } }, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
  const fails = (error) => {
    assert.ok(error instanceof ddb.ConditionalCheckFailedException);
    assert.equal(error.message, 'The conditional request failed');
    assert.deepEqual(error.Item, { ...keyOf('condition'), version: { N: '3' } });
    return true;
  };
  await assert.rejects(put({ ...keyOf('condition'), version: { N: '9' } }, stale), fails);
  await assert.rejects(send(ddb.DeleteItemCommand, { TableName, Key: keyOf('condition'), ...stale }), fails);
  await assert.rejects(send(ddb.UpdateItemCommand, { TableName, Key: keyOf('condition'), UpdateExpression: 'REMOVE version', ...stale }), fails);
  const { ReturnValuesOnConditionCheckFailure, ...quiet } = stale;
  await assert.rejects(put(keyOf('condition'), quiet), (error) => error instanceof ddb.ConditionalCheckFailedException && error.Item === undefined);
  assert.deepEqual(await get('condition'), { ...keyOf('condition'), version: { N: '3' } });
});

test('wrong requests are ValidationException with its text', async () => {
  const rejects = (promise, message) => assert.rejects(promise, { name: 'ValidationException', message });
  await rejects(send(ddb.GetItemCommand, { TableName, Key: { pk: { S: 'x' } } }), 'The provided key element does not match the schema');
  await rejects(put({ ...keyOf('x'), n: { N: 'one' } }), /The parameter cannot be converted to a numeric value/);
  await rejects(put(keyOf('x', '')), /The AttributeValue for a key attribute cannot contain an empty string value/);
  await rejects(put({ ...keyOf('x'), big: { S: 'x'.repeat(400 * 1024) } }), 'Item size has exceeded the maximum allowed size');
  await rejects(send(ddb.UpdateItemCommand, { TableName, Key: keyOf('x'), UpdateExpression: 'SET pk = :v', ExpressionAttributeValues: { ':v': { S: 'y' } } }),
    /Cannot update attribute pk. This attribute is part of the key/);
  await rejects(send(ddb.QueryCommand, { TableName, KeyConditionExpression: 'sk = :v', ExpressionAttributeValues: { ':v': { S: 'y' } } }),
    /Query condition missed key schema element: pk/);
});

test('queries: conditions of the sort key, both directions, filters, projections, indexes and pages', async () => {
  for (let i = 0; i < 20; i++) {
    await put({ ...keyOf('query', `s${String(i).padStart(2, '0')}`), rank: { N: `${20 - i}` }, owner: { S: i % 2 ? 'odd' : 'even' }, fat: { S: 'x'.repeat(100) } });
  }
  const query = async (more) => (await send(ddb.QueryCommand, {
    TableName, KeyConditionExpression: 'pk = :p', ...more, ExpressionAttributeValues: { ':p': { S: 'query' }, ...more.ExpressionAttributeValues } }));
  const sks = ({ Items }) => Items.map((item) => item.sk.S);
  assert.equal((await query({})).Count, 20);
  assert.deepEqual(sks(await query({ ScanIndexForward: false, Limit: 2 })), ['s19', 's18']);
  assert.deepEqual(sks(await query({ KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b', ExpressionAttributeValues: { ':a': { S: 's03' }, ':b': { S: 's05' } } })),
    ['s03', 's04', 's05']);
  assert.equal((await query({ KeyConditionExpression: 'pk = :p AND begins_with(sk, :a)', ExpressionAttributeValues: { ':a': { S: 's1' } } })).Count, 10);
  const filtered = await query({ FilterExpression: '#o = :o', ExpressionAttributeNames: { '#o': 'owner' }, ExpressionAttributeValues: { ':o': { S: 'odd' } } });
  assert.deepEqual([filtered.Count, filtered.ScannedCount], [10, 20]);
  assert.deepEqual(Object.keys((await query({ ProjectionExpression: 'sk, #r', ExpressionAttributeNames: { '#r': 'rank' } })).Items[0]).sort(), ['rank', 'sk']);
  assert.equal((await query({ Select: 'COUNT' })).Items, undefined);
  assert.deepEqual(sks(await query({ IndexName: 'ranks', Limit: 3 })), ['s19', 's18', 's17']);

  const found = [];
  for await (const page of ddb.paginateQuery({ client, pageSize: 3 }, { TableName, IndexName: 'owners', KeyConditionExpression: '#o = :o AND #r > :r',
    ExpressionAttributeNames: { '#o': 'owner', '#r': 'rank' }, ExpressionAttributeValues: { ':o': { S: 'even' }, ':r': { N: '2' } } })) {
    assert.ok(page.Items.length <= 3);
    if (page.LastEvaluatedKey) assert.deepEqual(Object.keys(page.LastEvaluatedKey).sort(), ['owner', 'pk', 'rank', 'sk']);
    found.push(...sks(page));
  }
  assert.deepEqual(found, ['s16', 's14', 's12', 's10', 's08', 's06', 's04', 's02', 's00']);
});

test('a page ends at 1 MB', async () => {
  for (let i = 0; i < 5; i++) await put({ ...keyOf('megabytes', `${i}`), fat: { S: 'x'.repeat(300_000) } });
  const first = await send(ddb.QueryCommand, { TableName, KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': { S: 'megabytes' } } });
  assert.equal(first.Count, 4);
  assert.deepEqual(first.LastEvaluatedKey, keyOf('megabytes', '3'));
});

test('four scanners see every item once', async () => {
  const request = { RequestItems: { [TableName]: [...Array(25).keys()].map((i) => ({ PutRequest: { Item: { ...keyOf(`scan${i}`), scanned: { BOOL: true } } } })) } };
  await send(ddb.BatchWriteItemCommand, request);
  const segment = async (Segment) => {
    const found = [];
    for await (const page of ddb.paginateScan({ client, pageSize: 5 }, { TableName, Segment, TotalSegments: 4, FilterExpression: 'scanned = :yes',
      ExpressionAttributeValues: { ':yes': { BOOL: true } } })) found.push(...page.Items.map((item) => item.pk.S));
    return found;
  };
  const found = (await Promise.all([0, 1, 2, 3].map(segment))).flat();
  assert.equal(found.length, 25);
  assert.equal(new Set(found).size, 25);
});

test('batches', async () => {
  const other = 'batch-other';
  await send(ddb.CreateTableCommand, { TableName: other, KeySchema: [key('id')], AttributeDefinitions: [attribute('id', 'B')], BillingMode: 'PAY_PER_REQUEST' });
  await ddb.waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: other });
  await put(keyOf('batch-goes'));
  const id = (byte) => ({ id: { B: Uint8Array.from([byte]) } });
  const written = await send(ddb.BatchWriteItemCommand, { ReturnConsumedCapacity: 'TOTAL', RequestItems: {
    [TableName]: [{ PutRequest: { Item: { ...keyOf('batch'), v: { N: '1' } } } }, { DeleteRequest: { Key: keyOf('batch-goes') } }],
    [other]: [{ PutRequest: { Item: { ...id(7), v: { N: '2' } } } }] } });
  assert.deepEqual(written.UnprocessedItems, {});
  assert.equal(written.ConsumedCapacity.length, 2);
  const read = await send(ddb.BatchGetItemCommand, { RequestItems: {
    [TableName]: { Keys: [keyOf('batch'), keyOf('batch-goes')], ProjectionExpression: 'v', ConsistentRead: true }, [other]: { Keys: [id(7), id(8)] } } });
  assert.deepEqual(read.Responses, { [TableName]: [{ v: { N: '1' } }], [other]: [{ ...id(7), v: { N: '2' } }] });
  assert.deepEqual(read.UnprocessedKeys, {});
  await assert.rejects(send(ddb.BatchGetItemCommand, { RequestItems: { [TableName]: { Keys: [keyOf('a'), keyOf('a')] } } }),
    { name: 'ValidationException', message: 'Provided list of item keys contains duplicates' });
  await assert.rejects(send(ddb.BatchWriteItemCommand, { RequestItems: { nowhere: [{ DeleteRequest: { Key: id(1) } }] } }), ddb.ResourceNotFoundException);
});

test('16 MB of a batch come in parts, and what is missing is named', async () => {
  const keys = [...Array(50).keys()].map((i) => keyOf('large', `${i}`));
  for (const each of keys) await put({ ...each, fat: { S: 'x'.repeat(390_000) } });
  const read = await send(ddb.BatchGetItemCommand, { RequestItems: { [TableName]: { Keys: keys } } });
  const [came, missing] = [read.Responses[TableName], read.UnprocessedKeys[TableName].Keys];
  assert.equal(came.length + missing.length, 50);
  assert.equal(new Set([...came, ...missing].map((each) => each.sk.S)).size, 50);
  assert.ok(came.length >= 40 && missing.length > 0);
});

test('a transaction writes all or nothing, and says why not', async () => {
  await put({ ...keyOf('account', 'a'), balance: { N: '10' } });
  await put({ ...keyOf('account', 'b'), balance: { N: '0' } });
  const move = (amount) => ({ TransactItems: [
    { Update: { TableName, Key: keyOf('account', 'a'), UpdateExpression: 'SET balance = balance - :n', ConditionExpression: 'balance >= :n',
      ExpressionAttributeValues: { ':n': { N: `${amount}` } }, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' } },
    { Update: { TableName, Key: keyOf('account', 'b'), UpdateExpression: 'SET balance = balance + :n', ExpressionAttributeValues: { ':n': { N: `${amount}` } } } },
    { Put: { TableName, Item: { ...keyOf('transfer', `${amount}`) }, ConditionExpression: 'attribute_not_exists(pk)' } },
    { ConditionCheck: { TableName, Key: keyOf('account', 'closed'), ConditionExpression: 'attribute_not_exists(pk)' } }] });
  await send(ddb.TransactWriteItemsCommand, move(7));
  await assert.rejects(send(ddb.TransactWriteItemsCommand, move(7)), (error) => {
    assert.ok(error instanceof ddb.TransactionCanceledException);
    assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ['ConditionalCheckFailed', 'None', 'ConditionalCheckFailed', 'None']);
    assert.deepEqual(error.CancellationReasons[0].Item, { ...keyOf('account', 'a'), balance: { N: '3' } });
    assert.match(error.message, /^Transaction cancelled, please refer cancellation reasons for specific reasons \[ConditionalCheckFailed, None, ConditionalCheckFailed, None\]$/);
    return true;
  });
  const { Responses } = await send(ddb.TransactGetItemsCommand, { TransactItems: ['a', 'b', 'none'].map((sk) => ({ Get: { TableName, Key: keyOf('account', sk) } })) });
  assert.deepEqual(Responses.map((response) => response.Item?.balance.N), ['3', '7', undefined]);
});

test('a transaction with its token happens once', async () => {
  const request = { ClientRequestToken: 'once', TransactItems: [
    { Update: { TableName, Key: keyOf('token'), UpdateExpression: 'ADD hits :one', ExpressionAttributeValues: { ':one': { N: '1' } } } }] };
  await send(ddb.TransactWriteItemsCommand, request);
  await send(ddb.TransactWriteItemsCommand, request);
  assert.deepEqual((await get('token')).hits, { N: '1' });
  request.TransactItems[0].Update.ExpressionAttributeValues = { ':one': { N: '2' } };
  await assert.rejects(send(ddb.TransactWriteItemsCommand, request), ddb.IdempotentParameterMismatchException);
});

test('many writers of one counter count right', async () => {
  await Promise.all([...Array(100)].map(() => send(ddb.UpdateItemCommand, { TableName, Key: keyOf('counter'),
    UpdateExpression: 'SET hits = if_not_exists(hits, :zero) + :one', ExpressionAttributeValues: { ':zero': { N: '0' }, ':one': { N: '1' } } })));
  assert.deepEqual((await get('counter')).hits, { N: '100' });
});

test('what was put and deleted comes back by ALL_OLD, with the size of its collection', async () => {
  await put({ ...keyOf('old'), v: { N: '1' } });
  const over = await put({ ...keyOf('old'), v: { N: '2' } }, { ReturnValues: 'ALL_OLD', ReturnItemCollectionMetrics: 'SIZE', ReturnConsumedCapacity: 'INDEXES' });
  assert.deepEqual(over.Attributes.v, { N: '1' });
  assert.deepEqual(over.ItemCollectionMetrics.ItemCollectionKey, { pk: { S: 'old' } });
  assert.ok(over.ConsumedCapacity.Table.CapacityUnits >= 1);
  const gone = await send(ddb.DeleteItemCommand, { TableName, Key: keyOf('old'), ReturnValues: 'ALL_OLD' });
  assert.deepEqual(gone.Attributes.v, { N: '2' });
  assert.equal((await send(ddb.DeleteItemCommand, { TableName, Key: keyOf('old'), ReturnValues: 'ALL_OLD' })).Attributes, undefined);
});
