-- What gateways share through the database: applied by `landfall serve`, in one transaction, again without harm, after control.sql.
-- Items of tables without a map are in the schema `dynamodb`, one table each, which outlives the scaffolding.

CREATE SCHEMA IF NOT EXISTS dynamodb;

-- Tables of DynamoDB that are served here; `version` grows with every change of any of them.
CREATE TABLE IF NOT EXISTS landfall.catalog (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version     bigint NOT NULL
);
INSERT INTO landfall.catalog (version) VALUES (1) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS landfall.dynamodb_table (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text COLLATE "C" NOT NULL UNIQUE,
    table_id    uuid NOT NULL DEFAULT gen_random_uuid(),
    status      text NOT NULL CHECK (status IN ('CREATING', 'ACTIVE', 'UPDATING', 'DELETING')),
    is_mapped   boolean NOT NULL DEFAULT false,         -- its items are rows of the map's tables
    definition  json NOT NULL,                          -- a CreateTable request that would make the table as it is now
    ttl_attribute text,                                 -- NULL: nothing expires
    stream_label  text,                                 -- of the stream, also of one switched off; NULL: there never was one
    version     bigint NOT NULL,                        -- of landfall.catalog when it last changed
    created_at  timestamptz NOT NULL DEFAULT now(),
    on_demand_at timestamptz,                           -- when it last became PAY_PER_REQUEST
    increased_at timestamptz,                           -- of the provisioned throughput, as the next two
    decreased_at timestamptz,
    decreases_today integer NOT NULL DEFAULT 0,
    class_changed_at timestamptz,
    ttl_is_filling boolean NOT NULL DEFAULT false,      -- items from before TTL was switched on get their time, as far as here:
    ttl_position_h bytea,
    ttl_position_sk bytea,
    restored_from json,                                 -- the RestoreSummary of DescribeTable
    restoring   bigint,                                 -- landfall.backup whose items are being copied here, as far as
    restored_h  bytea,
    restored_sk bytea,
    recovery_since timestamptz,                         -- point-in-time recovery was asked for; NULL: it is not
    recovery_days integer NOT NULL DEFAULT 35
);

-- What a definition does not say of its indexes. The slot numbers their columns in the item store.
CREATE TABLE IF NOT EXISTS landfall.dynamodb_index (
    table_id    bigint NOT NULL REFERENCES landfall.dynamodb_table ON DELETE CASCADE,
    name        text COLLATE "C" NOT NULL,
    slot        integer NOT NULL,
    status      text NOT NULL CHECK (status IN ('CREATING', 'ACTIVE', 'UPDATING', 'DELETING')),
    is_backfilling boolean NOT NULL DEFAULT false,      -- every gateway writes it; rows from before are being filled in,
    position_h  bytea,                                  -- in order of the key, as far as here
    position_sk bytea,
    PRIMARY KEY (table_id, name),
    UNIQUE (table_id, slot)
);

-- Backups: the items are in dynamodb."backup_<id>", as they were at one moment.
CREATE TABLE IF NOT EXISTS landfall.backup (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    arn         text COLLATE "C" NOT NULL UNIQUE,
    name        text NOT NULL,
    is_available boolean NOT NULL DEFAULT false,        -- the items are copied
    table_name  text COLLATE "C" NOT NULL,
    table_id    uuid NOT NULL,
    definition  json NOT NULL,                          -- of the table, as the next two
    ttl_attribute text,
    table_created_at timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    items       bigint NOT NULL DEFAULT 0,
    bytes       bigint NOT NULL DEFAULT 0
);

-- Gateways that are, or were, at work. `beat` only grows; observers time it on their own clocks.
CREATE TABLE IF NOT EXISTS landfall.gateway (
    id              uuid PRIMARY KEY,
    address         text NOT NULL,
    beat            bigint NOT NULL DEFAULT 0,
    beat_at         timestamptz NOT NULL DEFAULT now(),
    catalog_version bigint NOT NULL DEFAULT 0,          -- acknowledged: no request under an older one is left
    started_at      timestamptz NOT NULL DEFAULT now(),
    journal         uuid,                               -- with which it goes on without PostgreSQL, so that silence is no sign of its end; NULL: it refuses
    journal_place   text,                               -- for people: HOST:/FOLDER
    is_behind       boolean NOT NULL DEFAULT false      -- what its journal names may not be marked yet
);

-- Who does a job that one process at a time may do; each new owner has a higher token.
CREATE TABLE IF NOT EXISTS landfall.leader (
    job         text COLLATE "C" PRIMARY KEY,
    owner       uuid,                                   -- of landfall.gateway
    token       bigint NOT NULL DEFAULT 0,
    beat        bigint NOT NULL DEFAULT 0,
    is_vacant   boolean NOT NULL                        -- nobody does it: to be taken at once
);

-- Access keys of applications. Secrets are encrypted with the key file of `serve`.
CREATE TABLE IF NOT EXISTS landfall.access_key (
    id          text COLLATE "C" PRIMARY KEY,
    secret      bytea NOT NULL,                         -- AES-256-GCM: nonce, ciphertext, tag
    grants      jsonb NOT NULL,                         -- [{"table": "Orders*", "allow": ["read", "write", "admin"]}]
    note        text NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz
);

-- Items that no entity claims, in the order in which a Scan pages: of a sort key as much as an entry of an index surely holds. Not
-- by IF NOT EXISTS, which waits for writers also when there is nothing to do.
DO $$ BEGIN
    IF to_regclass('landfall.item_in_order') IS NULL THEN
        CREATE INDEX item_in_order ON landfall.item (table_name, pk, substring(sk for 256));
    END IF;
END $$;

-- Which life of the server this is. An unlogged table is empty after a crash or a promotion, and the next gateway to notice fills it. Ids of
-- transactions that never reached the disk are given again then, so that pg_xact_status speaks of one life only.
CREATE UNLOGGED TABLE IF NOT EXISTS landfall.server_life (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    began_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO landfall.server_life DEFAULT VALUES ON CONFLICT DO NOTHING;

-- ClientRequestToken of transactions, for ten minutes.
CREATE TABLE IF NOT EXISTS landfall.request_token (
    token       text COLLATE "C" PRIMARY KEY,
    fingerprint bytea NOT NULL,                         -- SHA-256 of the request without its token
    answered_at timestamptz NOT NULL DEFAULT now(),
    by_dynamodb boolean NOT NULL DEFAULT false          -- which has done it, while it had the authority
);
CREATE INDEX IF NOT EXISTS request_token_answered_at ON landfall.request_token (answered_at);

-- Changes of tables with a stream, as writers insert them: the id is drawn while the item's row is locked, hence ordered per key, but
-- not in commit order. src/gateway/stream/sequencer.h makes the partitions, and drops them a day later.
CREATE SEQUENCE IF NOT EXISTS landfall.change_id AS bigint CACHE 1;
CREATE TABLE IF NOT EXISTS landfall.change_in (
    id          bigint NOT NULL DEFAULT nextval('landfall.change_id'),
    table_id    bigint NOT NULL,
    label       text NOT NULL,                          -- of the stream
    h           bytea NOT NULL,                         -- of the partition key, as in the item store: the shard follows from it
    sk          bytea NOT NULL,
    old_item    json,                                   -- NULL: there was none
    new_item    json,                                   -- NULL: deleted
    entity      text,                                   -- of a map, of whose row SQL changed; the images are then
    old_row     bytea,                                  -- records of its fields (src/gateway/store/relational_triggers.h)
    new_row     bytea,
    by_ttl      boolean NOT NULL DEFAULT false,
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE IF NOT EXISTS landfall.change_in_0 PARTITION OF landfall.change_in FOR VALUES FROM (0) TO (1048576);

-- The same changes in commit order: what streams are read by. Numbers have no gaps.
CREATE TABLE IF NOT EXISTS landfall.change (
    number      bigint NOT NULL,
    table_id    bigint NOT NULL,
    shard       integer NOT NULL,
    id          bigint NOT NULL,                        -- of landfall.change_in
    PRIMARY KEY (table_id, shard, number)
);

-- How far the sequencer is. All changes up to `position` have their numbers, of which `number` is the last. All up to mark_id are settled, committed
-- or not, once all transactions with an id below mark_xid have ended.
CREATE TABLE IF NOT EXISTS landfall.sequencer (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position    bigint NOT NULL DEFAULT 0,
    number      bigint NOT NULL DEFAULT 0,
    trimmed     bigint NOT NULL DEFAULT 0,              -- the last number whose change is gone
    mark_id     bigint NOT NULL DEFAULT 0,
    mark_xid    xid8 NOT NULL DEFAULT '0'
);
INSERT INTO landfall.sequencer DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Keys of indexes in items that no entity of a map claims. PostgreSQL can look into no JSON that has U+0000 somewhere, so that is
-- U+0001 here: who compares must look at the item itself. A backslash is written otherwise first, so that \\u0000 is not taken for one.
CREATE OR REPLACE FUNCTION landfall.item_text(item json, attribute text, type text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN replace(replace(item::text, '\\', '\u005c'), '\u0000', '\u0001')::json -> attribute ->> type;

-- What triggers of mapped tables call (src/gateway/store/relational_triggers.h).
CREATE OR REPLACE FUNCTION landfall.has_stream(dynamodb_table text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM landfall.dynamodb_table t
                   WHERE t.name = dynamodb_table AND t.definition -> 'StreamSpecification' ->> 'StreamEnabled' = 'true');

-- The key bytes of a number, as number_key in src/codec/number.h makes them; NULL where DynamoDB has no such number.
CREATE OR REPLACE FUNCTION landfall.number_key(number numeric) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$
    DECLARE
        plain text;
        digits text;
        magnitude integer;
        pairs text := '';
        inverted integer := CASE WHEN number < 0 THEN 255 ELSE 0 END;
    BEGIN
        IF number = 0 THEN
            RETURN '\x80';
        ELSIF number = 'NaN' OR abs(number) >= 1E126 OR abs(number) < 1E-130 THEN
            RETURN NULL;
        END IF;
        plain := abs(number)::text;
        digits := rtrim(ltrim(replace(plain, '.', ''), '0'), '0');
        magnitude := CASE WHEN abs(number) >= 1 THEN length(split_part(plain, '.', 1)) - 1
                          ELSE length(ltrim(split_part(plain, '.', 2), '0')) - length(split_part(plain, '.', 2)) - 1 END;
        digits := rpad(digits, length(digits) + length(digits) % 2, '0');
        FOR i IN 1 .. length(digits) BY 2 LOOP
            pairs := pairs || lpad(to_hex((substr(digits, i, 2)::integer + 1) # inverted), 2, '0');
        END LOOP;
        RETURN decode(CASE WHEN number < 0 THEN '7f' ELSE '81' END || lpad(to_hex((magnitude + 130) # inverted), 2, '0') || pairs
                      || CASE WHEN number < 0 THEN 'ff' ELSE '' END, 'hex');
    END $$;

-- A row's change, or under another key its removal and its coming. A row without a key is no item.
CREATE OR REPLACE FUNCTION landfall.put_change(dynamodb_table text, entity text, old_h bytea, old_sk bytea, old_row bytea,
                                               new_h bytea, new_sk bytea, new_row bytea) RETURNS void
    LANGUAGE sql
    AS $$
        INSERT INTO landfall.change_in (table_id, label, h, sk, entity, old_row, new_row)
        SELECT t.id, t.stream_label, coalesce(o.h, n.h), coalesce(o.sk, n.sk), put_change.entity, o.image, n.image
        FROM (SELECT put_change.old_h, put_change.old_sk, put_change.old_row
              WHERE put_change.old_h IS NOT NULL AND put_change.old_sk IS NOT NULL) AS o (h, sk, image)
        FULL JOIN (SELECT put_change.new_h, put_change.new_sk, put_change.new_row
                   WHERE put_change.new_h IS NOT NULL AND put_change.new_sk IS NOT NULL) AS n (h, sk, image)
            ON n.h = o.h AND n.sk = o.sk
        CROSS JOIN landfall.dynamodb_table t
        WHERE t.name = put_change.dynamodb_table AND landfall.has_stream(t.name) AND o.image IS DISTINCT FROM n.image
        ORDER BY n.image IS NOT NULL
    $$;
