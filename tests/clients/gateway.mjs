// What the tests with Node clients share: `landfall serve`, and SDK clients of it whose answers are recorded and checked against
// api/operations.yaml at the end (tests/tools/check_replies). LANDFALL and CHECK_REPLIES name the binaries.
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import { after } from 'node:test';

export const REGION = 'us-east-1';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LANDFALL = process.env.LANDFALL ?? path.join(ROOT, 'build/landfall');
const CHECK_REPLIES = process.env.CHECK_REPLIES ?? path.join(ROOT, 'build/tests/tools/check_replies');
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

async function bytesOf(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export class Gateway {
  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), 'landfall-clients-'));
    this.record = path.join(this.folder, 'replies');
    this.clients = [];
  }

  // One that somebody else started.
  static at(endpoint) {
    return Object.assign(new Gateway(), { endpoint });
  }

  static async start(...options) {
    const gateway = new Gateway();
    gateway.process = spawn(LANDFALL, ['serve', '--ephemeral', '--json', '--listen', '127.0.0.1:0', ...options],
      { stdio: ['ignore', 'pipe', 'inherit'] });
    gateway.ended = new Promise((resolve) => gateway.process.once('exit', (code) => resolve(code)));
    for await (const line of createInterface(gateway.process.stdout)) {
      gateway.endpoint = JSON.parse(line).endpoint;
      return gateway;
    }
    throw new Error('landfall serve did not start');
  }

  // Of any class of SDK clients.
  client(Client, options = {}) {
    const client = new Client({ endpoint: this.endpoint, region: REGION, credentials, ...options });
    client.middlewareStack.add((next) => (args) => this.keep(next, args), { step: 'deserialize', priority: 'low', name: 'record' });
    this.clients.push(client);
    return client;
  }

  async keep(next, args) {
    const result = await next(args);
    const body = await bytesOf(result.response.body);
    if (result.response.statusCode === 200) appendFileSync(this.record, `${args.request.headers['x-amz-target']}\t${body}\n`);
    result.response.body = Readable.from([body]);
    return result;
  }

  checkReplies() {
    const { status, stdout, stderr } = spawnSync(CHECK_REPLIES, [this.record], { encoding: 'utf8' });
    assert.equal(status, 0, `${stdout}${stderr}`);
  }

  async stop() {
    for (const client of this.clients) client.destroy();
    this.process?.kill('SIGTERM');
    if (this.process) assert.equal(await this.ended, 0, 'the gateway ended well');
    this.checkReplies();
    rmSync(this.folder, { recursive: true });
  }
}

// For a whole file of tests: a gateway of their own, or the one that GATEWAY_URL names.
export async function gatewayForTests(...options) {
  const gateway = process.env.GATEWAY_URL ? Gateway.at(process.env.GATEWAY_URL) : await Gateway.start(...options);
  after(() => gateway.stop());
  return gateway;
}

// Waits until `ask` gives something true, and gives that.
export async function eventually(what, ask, seconds = 60) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = await ask();
    if (found) return found;
  }
  throw new Error(`after ${seconds} s still not: ${what}`);
}

export const key = (name, type = 'HASH') => ({ AttributeName: name, KeyType: type });
export const attribute = (name, type = 'S') => ({ AttributeName: name, AttributeType: type });

// pk and sk, strings; `more` is what the request has besides.
export function tableOf(name, more = {}) {
  return {
    TableName: name,
    KeySchema: [key('pk'), key('sk', 'RANGE')],
    BillingMode: 'PAY_PER_REQUEST',
    ...more,
    AttributeDefinitions: [attribute('pk'), attribute('sk'), ...(more.AttributeDefinitions ?? [])],
  };
}
