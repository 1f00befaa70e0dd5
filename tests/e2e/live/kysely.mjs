// New code on the rows of a table that has moved, while old code still goes by the DynamoDB API: `node kysely.mjs COUNT THINGS`, with libpq's PGHOST, PGUSER and
// PGDATABASE. Writes things that old code writes, too, in transactions of several rows now and then; in the end prints {"written": N, "conflicts": N} as JSON.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../clients/', import.meta.url));
const { Kysely, PostgresDialect, sql } = require('kysely');
const { Pool } = require('pg');

const [count, things] = process.argv.slice(2).map(Number);
const FIBERS = 4, RETRYABLE = new Set(['40001', '40P01']); // serialization failure, deadlock
const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ max: FIBERS }) }) }).withSchema('things');
const pick = (limit) => Math.floor(Math.random() * limit);
const thing = () => String(pick(things));

const kinds = {
  upsert: (of, label) => {
    const row = { thing_id: thing(), entity_name: 'Thing', count: pick(7), label };
    return of.insertInto('thing').values(row).onConflict((conflict) => conflict.column('thing_id').doUpdateSet({ label, count: row.count })).execute();
  },
  update: (of, label) => of.updateTable('thing').set({ label }).where('thing_id', '=', thing()).execute(),
  count: (of) => of.updateTable('thing').set({ count: sql`count + 1` }).where('thing_id', '=', thing()).execute(),
  several: (of, label) => of.updateTable('thing').set({ label }).where('thing_id', 'in', [thing(), thing(), thing()]).execute(),
  remove: (of) => of.deleteFrom('thing').where('thing_id', '=', thing()).execute(),
};
const names = Object.keys(kinds);
const any = (of, label) => kinds[names[pick(names.length)]](of, label);

let left = count, written = 0, conflicts = 0;
async function fiber(number) {
  while (left-- > 0) {
    const label = `by SQL ${number} ${left}`;
    try {
      if (pick(3)) await any(db, label);
      else await db.transaction().execute(async (transaction) => { await any(transaction, label); await any(transaction, label); });
      written += 1;
    } catch (error) {
      if (!RETRYABLE.has(error.code)) throw error;
      conflicts += 1;
    }
  }
}

await Promise.all(Array.from({ length: FIBERS }, (_, number) => fiber(number)));
await db.destroy();
process.stdout.write(`${JSON.stringify({ written, conflicts })}\n`);
