// Streams by the AWS SDK for JavaScript: found, described, read from every kind of iterator; records in the order of their changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ddb from '@aws-sdk/client-dynamodb';
import * as streams from '@aws-sdk/client-dynamodb-streams';
import { eventually, gatewayForTests, tableOf } from './gateway.mjs';

const gateway = await gatewayForTests();
const client = gateway.client(ddb.DynamoDBClient);
const reader = gateway.client(streams.DynamoDBStreamsClient);
const send = (Command, input) => client.send(new Command(input));
const ask = (Command, input) => reader.send(new Command(input));
const keyOf = (sk, pk = 'p') => ({ pk: { S: pk }, sk: { S: sk } });

async function createWithStream(TableName, StreamViewType = 'NEW_AND_OLD_IMAGES') {
  await send(ddb.CreateTableCommand, tableOf(TableName, { StreamSpecification: { StreamEnabled: true, StreamViewType } }));
  await ddb.waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
  return (await send(ddb.DescribeTableCommand, { TableName })).Table.LatestStreamArn;
}

async function shardsOf(StreamArn) {
  const shards = [];
  let ExclusiveStartShardId;
  do {
    const { StreamDescription } = await ask(streams.DescribeStreamCommand, { StreamArn, ExclusiveStartShardId, Limit: 2 });
    shards.push(...StreamDescription.Shards);
    ExclusiveStartShardId = StreamDescription.LastEvaluatedShardId;
  } while (ExclusiveStartShardId);
  return shards;
}

async function iteratorOf(StreamArn, ShardId, ShardIteratorType, SequenceNumber) {
  return (await ask(streams.GetShardIteratorCommand, { StreamArn, ShardId, ShardIteratorType, SequenceNumber })).ShardIterator;
}

// All records of all shards from TRIM_HORIZON, once there are `count`.
async function recordsOf(StreamArn, count) {
  const cursors = [];
  for (const { ShardId } of await shardsOf(StreamArn)) cursors.push({ ShardId, next: await iteratorOf(StreamArn, ShardId, 'TRIM_HORIZON') });
  const records = [];
  return eventually(`${count} records`, async () => {
    for (const cursor of cursors) {
      const { Records, NextShardIterator } = await ask(streams.GetRecordsCommand, { ShardIterator: cursor.next });
      records.push(...Records.map((record) => ({ ...record, ShardId: cursor.ShardId })));
      cursor.next = NextShardIterator;
    }
    return records.length >= count && records;
  });
}

test('every change is a record, in order, with its images', async () => {
  const arn = await createWithStream('orders');
  await send(ddb.PutItemCommand, { TableName: 'orders', Item: { ...keyOf('1'), v: { N: '1' } } });
  await send(ddb.UpdateItemCommand, { TableName: 'orders', Key: keyOf('1'), UpdateExpression: 'SET v = :v', ExpressionAttributeValues: { ':v': { N: '2' } } });
  await send(ddb.PutItemCommand, { TableName: 'orders', Item: { ...keyOf('1'), v: { N: '2' } } }); // changes nothing: no record
  await send(ddb.DeleteItemCommand, { TableName: 'orders', Key: keyOf('1') });
  await send(ddb.TransactWriteItemsCommand, { TransactItems: ['2', '3'].map((sk) => ({ Put: { TableName: 'orders', Item: keyOf(sk) } })) });
  await send(ddb.BatchWriteItemCommand, { RequestItems: { orders: [{ DeleteRequest: { Key: keyOf('2') } }] } });
  const records = await recordsOf(arn, 6);
  const old = { ...keyOf('1'), v: { N: '2' } };
  const ofKey = (sk) => records.filter(({ dynamodb }) => dynamodb.Keys.sk.S === sk);
  assert.deepEqual(ofKey('1').map((record) => [record.eventName, record.dynamodb.OldImage?.v.N, record.dynamodb.NewImage?.v.N]),
    [['INSERT', undefined, '1'], ['MODIFY', '1', '2'], ['REMOVE', '2', undefined]]);
  assert.deepEqual(ofKey('2').map((record) => record.eventName), ['INSERT', 'REMOVE']);
  assert.deepEqual(ofKey('3').map((record) => record.eventName), ['INSERT']);
  const removed = ofKey('1')[2];
  assert.deepEqual(removed.dynamodb.OldImage, old);
  assert.equal(removed.eventSource, 'aws:dynamodb');
  assert.equal(removed.dynamodb.StreamViewType, 'NEW_AND_OLD_IMAGES');
  assert.ok(Math.abs(Date.now() - removed.dynamodb.ApproximateCreationDateTime) < 60_000);
  assert.equal(new Set(records.map((record) => record.eventID)).size, 6);
  const numbers = ofKey('1').map((record) => BigInt(record.dynamodb.SequenceNumber));
  assert.ok(numbers[0] < numbers[1] && numbers[1] < numbers[2]);
});

test('each view type shows what it should', async () => {
  for (const [view, images] of Object.entries({ KEYS_ONLY: [], NEW_IMAGE: ['NewImage'], OLD_IMAGE: ['OldImage'], NEW_AND_OLD_IMAGES: ['NewImage', 'OldImage'] })) {
    const TableName = `view-${view}`;
    const arn = await createWithStream(TableName, view);
    await send(ddb.PutItemCommand, { TableName, Item: keyOf('1') });
    await send(ddb.PutItemCommand, { TableName, Item: { ...keyOf('1'), v: { BOOL: true } } });
    const [, modified] = await recordsOf(arn, 2);
    assert.deepEqual(Object.keys(modified.dynamodb).filter((name) => name.endsWith('Image')).sort(), images, view);
  }
});

test('each type of iterator begins where it says', async () => {
  const arn = await createWithStream('iterators');
  const put = (sk) => send(ddb.PutItemCommand, { TableName: 'iterators', Item: keyOf(sk) });
  for (const sk of ['1', '2', '3']) await put(sk);
  const records = await recordsOf(arn, 3);
  const { ShardId } = records[0];
  const sks = (from) => from.map((record) => record.dynamodb.Keys.sk.S);
  const readAll = async (iterator, count) => {
    const found = [];
    await eventually(`${count} records`, async () => {
      const page = await ask(streams.GetRecordsCommand, { ShardIterator: iterator, Limit: 1 });
      assert.ok(page.Records.length <= 1);
      found.push(...page.Records);
      iterator = page.NextShardIterator;
      return found.length >= count;
    });
    return sks(found);
  };
  const second = records[1].dynamodb.SequenceNumber;
  const latest = await iteratorOf(arn, ShardId, 'LATEST');
  assert.deepEqual(await readAll(await iteratorOf(arn, ShardId, 'TRIM_HORIZON'), 3), ['1', '2', '3']);
  assert.deepEqual(await readAll(await iteratorOf(arn, ShardId, 'AT_SEQUENCE_NUMBER', second), 2), ['2', '3']);
  assert.deepEqual(await readAll(await iteratorOf(arn, ShardId, 'AFTER_SEQUENCE_NUMBER', second), 1), ['3']);
  await put('4');
  assert.deepEqual(await readAll(latest, 1), ['4']);
  await assert.rejects(ask(streams.GetShardIteratorCommand, { StreamArn: arn, ShardId, ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' }), { name: 'ValidationException' });
  await assert.rejects(ask(streams.GetRecordsCommand, { ShardIterator: `${latest.slice(0, -3)}xyz` }), (error) => /Iterator|Validation/.test(error.name));
});

test('streams are listed, and one that is turned off stays readable', async () => {
  const arn = await createWithStream('turned-off');
  await send(ddb.PutItemCommand, { TableName: 'turned-off', Item: keyOf('1') });
  assert.ok((await recordsOf(arn, 1)).length === 1);
  await send(ddb.UpdateTableCommand, { TableName: 'turned-off', StreamSpecification: { StreamEnabled: false } });
  await ddb.waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName: 'turned-off' });
  await send(ddb.PutItemCommand, { TableName: 'turned-off', Item: keyOf('2') });
  const { Streams } = await ask(streams.ListStreamsCommand, { TableName: 'turned-off' });
  assert.deepEqual(Streams.map((stream) => [stream.StreamArn, stream.TableName]), [[arn, 'turned-off']]);
  const { StreamDescription } = await ask(streams.DescribeStreamCommand, { StreamArn: arn });
  assert.match(StreamDescription.StreamStatus, /DISABLED|DISABLING/);
  const records = await recordsOf(arn, 1);
  assert.deepEqual(records.map((record) => record.dynamodb.Keys.sk.S), ['1']);
  await assert.rejects(ask(streams.DescribeStreamCommand, { StreamArn: arn.replace('turned-off', 'elsewhere') }), streams.ResourceNotFoundException);
});

test('writers at the same time: per key no change is lost, doubled or out of order', async () => {
  const arn = await createWithStream('busy');
  const hit = (pk) => send(ddb.UpdateItemCommand, { TableName: 'busy', Key: keyOf('s', pk), UpdateExpression: 'ADD hits :one', ExpressionAttributeValues: { ':one': { N: '1' } } });
  await Promise.all([...Array(200).keys()].map((i) => hit(`p${i % 5}`)));
  const records = await recordsOf(arn, 200);
  assert.equal(records.length, 200);
  for (let pk = 0; pk < 5; pk++) {
    const hits = records.filter((record) => record.dynamodb.Keys.pk.S === `p${pk}`).map((record) => Number(record.dynamodb.NewImage.hits.N));
    assert.deepEqual(hits, [...Array(40).keys()].map((i) => i + 1));
  }
});

test('an expired item goes with the mark of the service', async () => {
  const arn = await createWithStream('expiring');
  await send(ddb.UpdateTimeToLiveCommand, { TableName: 'expiring', TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } });
  await send(ddb.PutItemCommand, { TableName: 'expiring', Item: { ...keyOf('1'), expires: { N: `${Math.floor(Date.now() / 1000) - 10}` } } });
  const [, removed] = await recordsOf(arn, 2);
  assert.equal(removed.eventName, 'REMOVE');
  assert.deepEqual(removed.userIdentity, { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' });
});
