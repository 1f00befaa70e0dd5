// Tables by the AWS SDK for JavaScript: made, described, listed, changed, waited for, tagged and deleted, and what it says of mistakes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ddb from '@aws-sdk/client-dynamodb';
import { attribute, eventually, gatewayForTests, key, tableOf } from './gateway.mjs';

const gateway = await gatewayForTests();
const client = gateway.client(ddb.DynamoDBClient);
const send = (Command, input) => client.send(new Command(input));
const waits = { client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };

async function create(request) {
  const { TableDescription } = await send(ddb.CreateTableCommand, request);
  await ddb.waitUntilTableExists(waits, { TableName: request.TableName });
  return TableDescription;
}

const describe = async (TableName) => (await send(ddb.DescribeTableCommand, { TableName })).Table;

test('a table with both kinds of indexes is described as it was made', async () => {
  const made = await create(tableOf('described', {
    AttributeDefinitions: [attribute('other'), attribute('number', 'N'), attribute('bytes', 'B')],
    GlobalSecondaryIndexes: [{ IndexName: 'by-other', KeySchema: [key('other'), key('number', 'RANGE')], Projection: { ProjectionType: 'ALL' } }],
    LocalSecondaryIndexes: [{ IndexName: 'by-bytes', KeySchema: [key('pk'), key('bytes', 'RANGE')],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['note'] } }],
    StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' },
    Tags: [{ Key: 'team', Value: 'court' }],
    DeletionProtectionEnabled: true,
  }));
  const table = await describe('described');
  assert.equal(table.TableStatus, 'ACTIVE');
  assert.equal(table.TableArn, made.TableArn);
  assert.match(table.TableArn, /^arn:aws:dynamodb:[^:]+:\d{12}:table\/described$/);
  assert.ok(table.CreationDateTime instanceof Date && Math.abs(Date.now() - table.CreationDateTime) < 60_000);
  assert.deepEqual(table.KeySchema, [key('pk'), key('sk', 'RANGE')]);
  assert.deepEqual(new Set(table.AttributeDefinitions.map((each) => `${each.AttributeName}:${each.AttributeType}`)),
    new Set(['pk:S', 'sk:S', 'other:S', 'number:N', 'bytes:B']));
  assert.equal(table.BillingModeSummary.BillingMode, 'PAY_PER_REQUEST');
  assert.equal(table.GlobalSecondaryIndexes[0].IndexStatus, 'ACTIVE');
  assert.deepEqual(table.LocalSecondaryIndexes[0].Projection, { ProjectionType: 'INCLUDE', NonKeyAttributes: ['note'] });
  assert.deepEqual(table.StreamSpecification, { StreamEnabled: true, StreamViewType: 'NEW_AND_OLD_IMAGES' });
  assert.ok(table.LatestStreamArn.startsWith(`${table.TableArn}/stream/`));
  assert.equal(table.DeletionProtectionEnabled, true);
  const { Tags } = await send(ddb.ListTagsOfResourceCommand, { ResourceArn: table.TableArn });
  assert.deepEqual(Tags, [{ Key: 'team', Value: 'court' }]);
});

test('a protected table is not deleted before the protection is off', async () => {
  await create(tableOf('protected', { DeletionProtectionEnabled: true }));
  await assert.rejects(send(ddb.DeleteTableCommand, { TableName: 'protected' }), { name: 'ValidationException' });
  await send(ddb.UpdateTableCommand, { TableName: 'protected', DeletionProtectionEnabled: false });
  await ddb.waitUntilTableExists(waits, { TableName: 'protected' });
  await send(ddb.DeleteTableCommand, { TableName: 'protected' });
  await ddb.waitUntilTableNotExists(waits, { TableName: 'protected' });
  await assert.rejects(describe('protected'), ddb.ResourceNotFoundException);
});

test('mistakes come as the classes of errors that the SDK knows', async () => {
  await create(tableOf('mistakes'));
  await assert.rejects(send(ddb.CreateTableCommand, tableOf('mistakes')), (error) => {
    assert.ok(error instanceof ddb.ResourceInUseException && error instanceof ddb.DynamoDBServiceException);
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.match(error.$metadata.requestId, /^[0-9A-Z]{52}$/);
    assert.equal(error.$fault, 'client');
    return true;
  });
  await assert.rejects(describe('nowhere'), ddb.ResourceNotFoundException);
  await assert.rejects(send(ddb.GetItemCommand, { TableName: 'nowhere', Key: { pk: { S: 'a' }, sk: { S: 'b' } } }),
    ddb.ResourceNotFoundException);
  await assert.rejects(send(ddb.DeleteTableCommand, { TableName: 'nowhere' }), ddb.ResourceNotFoundException);
  await assert.rejects(send(ddb.CreateTableCommand, { ...tableOf('no'), TableName: 'a' }), { name: 'ValidationException' });
  await assert.rejects(send(ddb.UpdateTimeToLiveCommand,
    { TableName: 'nowhere', TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } }), ddb.ResourceNotFoundException);
});

test('all tables are listed, page by page', async () => {
  const names = ['list-a', 'list-b', 'list-c', 'list-d', 'list-e'];
  for (const name of names) await create(tableOf(name));
  const listed = [];
  for await (const page of ddb.paginateListTables({ client, pageSize: 2 }, {})) {
    assert.ok(page.TableNames.length <= 2);
    listed.push(...page.TableNames);
  }
  assert.deepEqual(listed.filter((name) => name.startsWith('list-')), names);
  const rest = await send(ddb.ListTablesCommand, { ExclusiveStartTableName: 'list-c', Limit: 2 });
  assert.deepEqual(rest, { ...rest, TableNames: ['list-d', 'list-e'] });
});

test('an index is added to a table with items, filled, used and dropped', async () => {
  await create(tableOf('indexed'));
  for (let i = 0; i < 30; i++) {
    await send(ddb.PutItemCommand, { TableName: 'indexed', Item: { pk: { S: `p${i}` }, sk: { S: 's' }, colour: { S: i % 3 ? 'red' : 'blue' } } });
  }
  await send(ddb.UpdateTableCommand, {
    TableName: 'indexed', AttributeDefinitions: [attribute('colour')],
    GlobalSecondaryIndexUpdates: [{ Create: { IndexName: 'colours', KeySchema: [key('colour')], Projection: { ProjectionType: 'KEYS_ONLY' } } }],
  });
  const indexOf = async () => (await describe('indexed')).GlobalSecondaryIndexes?.[0];
  await eventually('the index is filled', async () => (await indexOf())?.IndexStatus === 'ACTIVE');
  await send(ddb.PutItemCommand, { TableName: 'indexed', Item: { pk: { S: 'late' }, sk: { S: 's' }, colour: { S: 'blue' } } });
  const query = { TableName: 'indexed', IndexName: 'colours', KeyConditionExpression: 'colour = :c', ExpressionAttributeValues: { ':c': { S: 'blue' } } };
  const { Count, Items } = await send(ddb.QueryCommand, query);
  assert.equal(Count, 11);
  assert.deepEqual(Object.keys(Items[0]).sort(), ['colour', 'pk', 'sk']);
  await send(ddb.UpdateTableCommand, { TableName: 'indexed', GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'colours' } }] });
  await eventually('the index is gone', async () => !(await indexOf()));
  await assert.rejects(send(ddb.QueryCommand, query), { name: 'ValidationException' });
});

test('throughput and billing mode change', async () => {
  await create({ ...tableOf('throughput'), BillingMode: 'PROVISIONED', ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 2 } });
  assert.equal((await describe('throughput')).ProvisionedThroughput.ReadCapacityUnits, 3);
  await send(ddb.UpdateTableCommand, { TableName: 'throughput', ProvisionedThroughput: { ReadCapacityUnits: 7, WriteCapacityUnits: 2 } });
  await ddb.waitUntilTableExists(waits, { TableName: 'throughput' });
  assert.equal((await describe('throughput')).ProvisionedThroughput.ReadCapacityUnits, 7);
  await send(ddb.UpdateTableCommand, { TableName: 'throughput', BillingMode: 'PAY_PER_REQUEST' });
  await ddb.waitUntilTableExists(waits, { TableName: 'throughput' });
  assert.equal((await describe('throughput')).BillingModeSummary.BillingMode, 'PAY_PER_REQUEST');
});

test('tags are added, listed and taken away', async () => {
  const { TableArn: ResourceArn } = await create(tableOf('tagged'));
  const tags = async () => (await send(ddb.ListTagsOfResourceCommand, { ResourceArn })).Tags;
  await send(ddb.TagResourceCommand, { ResourceArn, Tags: [{ Key: 'a', Value: '1' }, { Key: 'b', Value: '2' }] });
  await send(ddb.TagResourceCommand, { ResourceArn, Tags: [{ Key: 'a', Value: 'é"\\' }] });
  assert.deepEqual(new Map((await tags()).map((tag) => [tag.Key, tag.Value])), new Map([['a', 'é"\\'], ['b', '2']]));
  await send(ddb.UntagResourceCommand, { ResourceArn, TagKeys: ['a', 'none'] });
  assert.deepEqual(await tags(), [{ Key: 'b', Value: '2' }]);
});

test('expired items go', async () => {
  await create(tableOf('expiring'));
  await send(ddb.UpdateTimeToLiveCommand, { TableName: 'expiring', TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true } });
  await eventually('time to live is on', async () => {
    const { TimeToLiveDescription } = await send(ddb.DescribeTimeToLiveCommand, { TableName: 'expiring' });
    assert.equal(TimeToLiveDescription.AttributeName, 'expires');
    return TimeToLiveDescription.TimeToLiveStatus === 'ENABLED';
  });
  const now = Math.floor(Date.now() / 1000);
  const put = (sk, expires) => send(ddb.PutItemCommand, { TableName: 'expiring', Item: { pk: { S: 'p' }, sk: { S: sk }, expires: { N: `${expires}` } } });
  await put('stays', now + 3600);
  await put('goes', now - 60);
  const left = async () => (await send(ddb.ScanCommand, { TableName: 'expiring' })).Items.map((item) => item.sk.S);
  await eventually('the expired item is gone', async () => (await left()).length === 1, 60);
  assert.deepEqual(await left(), ['stays']);
});

test('limits, endpoints and backups are told', async () => {
  await create(tableOf('told'));
  assert.ok((await send(ddb.DescribeLimitsCommand, {})).AccountMaxReadCapacityUnits > 0);
  assert.ok((await send(ddb.DescribeEndpointsCommand, {})).Endpoints[0].CachePeriodInMinutes > 0);
  const { ContinuousBackupsDescription } = await send(ddb.DescribeContinuousBackupsCommand, { TableName: 'told' });
  assert.ok(ContinuousBackupsDescription.ContinuousBackupsStatus);
});
