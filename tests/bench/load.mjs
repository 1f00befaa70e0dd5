/*
 * The careful script that teams write for this by hand, as what Landfall is compared with: load.mjs FOLDER.
 *
 * Streams the gzip files of an export of tests/bench/court.yaml's items, maps its three entities to the columns of the drafted map, and
 * loads them by COPY in batches over two connections (libpq's environment says where). A value that does not fit its column stays in
 * ddb_extra with everything that no column takes. Indexes, constraints, resuming and verifying are not its business.
 */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const CONNECTIONS = 2;
const BATCH_ROWS = 5000;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const INTEGER = /^(0|-?[1-9]\d{0,8})$/;

/* What each type of column takes of a typed value: the field's text, or undefined when it does not fit. */
const takes = {
  text: ({ S }) => (S === undefined || S.includes('\0') ? undefined : escape(S)),
  uuid: ({ S }) => (S !== undefined && UUID.test(S) ? S : undefined),
  timestamptz: ({ S }) => (S !== undefined && INSTANT.test(S) ? S : undefined),
  integer: ({ N }) => (N !== undefined && INTEGER.test(N) ? N : undefined),
  numeric: ({ N }) => N,
  boolean: ({ BOOL }) => (BOOL === undefined ? undefined : BOOL ? 't' : 'f'),
  'text[]': ({ SS }) => (SS === undefined ? undefined : escape(`{${[...SS].sort().map((text) => JSON.stringify(text)).join(',')}}`)),
  jsonb: (value) => {
    const json = jsonOf(value);
    return json.includes('\\u0000') ? undefined : escape(json);
  },
};

const tables = {
  Case: table('court."case"', ['docketNumber docket_number text', 'caption caption text', 'fee fee numeric', 'judges judges text[]',
    'status status text', 'createdAt created_at timestamptz']),
  DocketEntry: table('court.docket_entry', ['docketNumber docket_number text', 'docketEntryId docket_entry_id uuid', 'comment comment text',
    'documentTitle document_title text', 'filedBy filed_by text', 'index index integer', 'isDraft is_draft boolean', 'pages pages integer',
    'receivedAt received_at timestamptz', 'createdAt created_at timestamptz']),
  Message: table('court.message', ['docketNumber docket_number text', 'messageId message_id uuid', 'attachments attachments jsonb', 'from from text',
    'fromSection from_section text', 'isRead is_read boolean', 'message message text', 'subject subject text', 'to to text',
    'createdAt created_at timestamptz']),
};
const KEYS = new Set(['pk', 'sk', 'gsi1pk', 'entityName']);

function table(name, described) {
  const columns = described.map((line) => {
    const [attribute, column, type] = line.split(' ');
    return { attribute, column, take: takes[type] };
  });
  const names = [...columns.map(({ column }) => `"${column}"`), 'ddb_extra'];
  return { columns, copy: `COPY ${name} (${names.join(', ')}) FROM STDIN` };
}

function escape(text) {
  return /[\\\n\r\t]/.test(text)
    ? text.replace(/[\\\n\r\t]/g, (character) => ({ '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' })[character])
    : text;
}

/* Plain JSON; numbers keep their digits. */
function jsonOf(value) {
  const [[type, content]] = Object.entries(value);
  switch (type) {
    case 'N': return content;
    case 'NULL': return 'null';
    case 'NS': return `[${content.join(',')}]`;
    case 'L': return `[${content.map(jsonOf).join(',')}]`;
    case 'M': return `{${Object.entries(content).map(([name, member]) => `${JSON.stringify(name)}:${jsonOf(member)}`).join(',')}}`;
    default: return JSON.stringify(content);
  }
}

/* PostgreSQL's text and jsonb have no U+0000: such a string becomes its bytes, as Landfall writes them. */
function storable(name, value) {
  return typeof value?.S === 'string' && value.S.includes('\0') ? { S64: Buffer.from(value.S).toString('base64') } : value;
}

function rowOf(item, { columns }) {
  const taken = new Set();
  const fields = columns.map(({ attribute, take }) => {
    const value = item[attribute];
    const text = value && take(value);
    if (text !== undefined) taken.add(attribute);
    return text ?? '\\N';
  });
  const rest = Object.entries(item).filter(([name]) => !taken.has(name) && !KEYS.has(name));
  fields.push(rest.length > 0 ? escape(JSON.stringify(Object.fromEntries(rest), storable)) : '\\N');
  return fields.join('\t') + '\n';
}

async function* linesOf(path) {
  let rest = '';
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  const text = file.on('error', (error) => text.destroy(error)).pipe(createGunzip({ chunkSize: 256 * 1024 })).setEncoding('utf8');
  for await (const chunk of text) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    yield* lines;
  }
  if (rest) yield rest;
}

async function loadFile(client, path) {
  const batches = Object.fromEntries(Object.keys(tables).map((entity) => [entity, []]));
  const send = async (entity) => {
    const rows = batches[entity].splice(0);
    if (rows.length > 0) await pipeline(Readable.from([rows.join('')]), client.query(copyFrom(tables[entity].copy)));
  };
  for await (const line of linesOf(path)) {
    const { Item: item } = JSON.parse(line);
    const entity = item.entityName.S;
    if (batches[entity].push(rowOf(item, tables[entity])) >= BATCH_ROWS) await send(entity);
  }
  for (const entity of Object.keys(batches)) await send(entity);
}

async function loadFiles(files) {
  const client = new pg.Client();
  await client.connect();
  for (let path = files.pop(); path; path = files.pop()) await loadFile(client, path);
  await client.end();
}

const found = await readdir(process.argv[2], { recursive: true });
const files = found.filter((name) => name.endsWith('.json.gz')).map((name) => join(process.argv[2], name));
await Promise.all(Array.from({ length: CONNECTIONS }, () => loadFiles(files)));
