-- What the migration of a live table remembers: applied after control.sql and gateway.sql, again without harm. docs/live.md tells how
-- its parts work together.

-- Who answers for a table of DynamoDB, and how. Every change raises landfall.catalog's version and takes effect when all live gateways
-- have acknowledged it (src/gateway/catalog.h); it is written to landfall.event.
CREATE TABLE IF NOT EXISTS landfall.phase (
    table_name     text COLLATE "C" PRIMARY KEY,
    phase          text NOT NULL CHECK (phase IN ('follow', 'dual write', 'postgres', 'decommissioned')),
    epoch          bigint NOT NULL DEFAULT 1,           -- grows with each change of the authority
    fence          text CHECK (fence IN ('postgres', 'dual write')), -- writes are held while it is there: until all read where the phase then says, or the time is up
    fence_until    timestamptz,
    reads_percent  integer NOT NULL DEFAULT 0 CHECK (reads_percent BETWEEN 0 AND 100), -- of eventual reads, from PostgreSQL, while DynamoDB has the authority
    reads_entities text[] CHECK (cardinality(reads_entities) > 0), -- whose keys these reads are of; NULL: the whole table
    shadow_percent integer NOT NULL DEFAULT 0 CHECK (shadow_percent BETWEEN 0 AND 100), -- of reads, made on both sides and compared
    region         text NOT NULL,
    endpoint       text,                                -- NULL: AWS's
    by_exports     boolean NOT NULL DEFAULT false,      -- changes come by incremental exports, not by a stream
    stream_arn     text NOT NULL,                       -- or the place of the exports: a folder, s3://bucket/prefix
    stream_view    text,                                -- NEW_AND_OLD_IMAGES, …; NULL: there is no stream
    follows_since  timestamptz NOT NULL DEFAULT now(),  -- t0: every change since is in the spool, or applied
    applies_since  timestamptz,                         -- the backfill has ended: the spool is being applied
    readable_at    timestamptz,                         -- the spool has passed the end of the backfill: rows may be read
    written_since  timestamptz,                         -- all gateways write both sides
    flipped_at     timestamptz,                         -- last change of the authority
    moved_entities text[] CHECK (moved_entities IS NULL OR phase = 'postgres'), -- of a mixed table, the others being in phase `dual write`; NULL: all
    moved_since    jsonb NOT NULL DEFAULT '{}',         -- when each entity has, by name, where it is not flipped_at
    fence_entities text[],                              -- what they will be when the change is made that the fence is for
    fence_version  bigint,                              -- of the catalog, that the fence was put up by: the change is made under this one or not at all
    CHECK ((fence IS NULL) = (fence_until IS NULL))
);

-- Entities of a table whose items have met in a transaction while the table was moving: their authority changes together.
-- An empty name: items of none.
CREATE TABLE IF NOT EXISTS landfall.met (
    table_name  text COLLATE "C" NOT NULL,
    entity      text COLLATE "C" NOT NULL,
    other       text COLLATE "C" NOT NULL CHECK (other > entity),
    first_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, entity, other)
);

-- Capture: how far each shard of a stream has been read into the spool. In the transaction of the records.
CREATE TABLE IF NOT EXISTS landfall.stream_shard (
    table_name      text COLLATE "C" NOT NULL REFERENCES landfall.phase ON DELETE CASCADE,
    stream_arn      text NOT NULL,
    shard_id        text COLLATE "C" NOT NULL,
    parent_id       text COLLATE "C",                   -- NULL: none, or trimmed before
    sequence_number text COLLATE "C",                   -- of the last record captured; NULL: none yet
    is_drained      boolean NOT NULL DEFAULT false,     -- closed, and read to its end
    captured_to     timestamptz,                        -- a read that began then found nothing more
    gap             text,                               -- what was trimmed before it could be read
    PRIMARY KEY (table_name, stream_arn, shard_id)
);

-- A chain of exports is one shard, 'exports'; its number is the last window that was captured whole, and how much was of the next
-- (src/move/follow/chain_position.h), and captured_to is the end of that window. This is the export that Landfall itself has asked for.
CREATE TABLE IF NOT EXISTS landfall.export_request (
    table_name      text COLLATE "C" PRIMARY KEY REFERENCES landfall.phase ON DELETE CASCADE,
    from_time       timestamptz NOT NULL,
    to_time         timestamptz NOT NULL,
    token           text NOT NULL DEFAULT gen_random_uuid()::text, -- ClientToken: asked again with it, it is the same export
    export_arn      text,                               -- NULL: not known to have been asked for
    asked_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Records captured and not yet applied. A child shard is read after its parent, so ids are in order for each key.
CREATE TABLE IF NOT EXISTS landfall.spool (
    table_name      text COLLATE "C" NOT NULL REFERENCES landfall.phase ON DELETE CASCADE,
    id              bigint GENERATED ALWAYS AS IDENTITY,
    shard_id        text COLLATE "C" NOT NULL,
    sequence_number text COLLATE "C" NOT NULL,
    key             json NOT NULL,                      -- DynamoDB JSON, as the next
    item            json,                               -- NULL: removed, or the stream has no new images
    is_removed      boolean NOT NULL,
    is_expiry       boolean NOT NULL,
    changed_at      timestamptz NOT NULL,               -- by DynamoDB, to the second
    captured_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (table_name, id)
);

-- Keys whose item in PostgreSQL may not be that of DynamoDB, while DynamoDB has the authority: written by a gateway, or being repaired.
-- Whoever wants to write a key first owns its mark.
CREATE TABLE IF NOT EXISTS landfall.dirty_key (
    table_name  text COLLATE "C" NOT NULL,
    h           bytea NOT NULL,                         -- as in landfall.item, as the next
    sk          bytea NOT NULL,
    key         json NOT NULL,
    token       bigint NOT NULL,                        -- of landfall.mark_token; a takeover has a higher one
    owner       uuid NOT NULL,                          -- landfall.gateway
    attempt     bigint,                                 -- at taking it, by its owner
    marked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at  timestamptz,                            -- an outcome is unknown: what was sent cannot land after this time
    is_left     boolean NOT NULL DEFAULT false,         -- nobody works under it: the next writer of the key, or the repairer, takes it over
    repaired_at timestamptz,                            -- the item has been read and written since; once more when nothing can land
    refused     text,                                   -- why a gateway cannot write the row, because of others that refer to it: the follower takes the mark over
    PRIMARY KEY (table_name, h, sk)
);
CREATE SEQUENCE IF NOT EXISTS landfall.mark_token AS bigint CACHE 1;

-- Reads whose answers differed and went on to differ when they were made again after the lag.
CREATE TABLE IF NOT EXISTS landfall.shadow_difference (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    table_name  text COLLATE "C" NOT NULL,
    operation   text NOT NULL,
    request     json NOT NULL,
    dynamodb    json NOT NULL,                          -- both answers
    postgres    json NOT NULL
);
-- Start keys that PostgreSQL gave out while DynamoDB had the authority, for an hour: of scans and indexes, whose order is each side's own.
CREATE TABLE IF NOT EXISTS landfall.page (
    table_name  text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,                         -- of the key and of what is read (src/gateway/read_page.h)
    given_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, fingerprint)
);
CREATE INDEX IF NOT EXISTS page_given_at ON landfall.page (given_at);
-- Counts of reads by gateway, table and kind, for `status`.
CREATE TABLE IF NOT EXISTS landfall.read_count (
    gateway     uuid NOT NULL,
    table_name  text COLLATE "C" NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('dynamodb', 'postgres', 'fallback', 'shadowed', 'different')),
    reads       bigint NOT NULL,
    PRIMARY KEY (gateway, table_name, kind)
);

-- Reverse sync: keys whose item has changed and is not yet in DynamoDB. Triggers (src/move/reverse_triggers.h) write them, whoever changes
-- a row; a key is taken away when the item that it had after that has been sent. In no order: what is sent is what is there by then.
CREATE TABLE IF NOT EXISTS landfall.reverse_change (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name  text COLLATE "C" NOT NULL,
    key         json NOT NULL,                          -- DynamoDB JSON that has the key's attributes, and perhaps others
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    refused     text                                    -- why DynamoDB cannot hold the item
);
-- Keys that reverse sync has sent, or is about to: told apart from late writers by them; those of unknown outcome are sent again when
-- the time is up. Rows go an hour after the follower has passed them; where it follows a stream, after 25 hours in any case.
CREATE TABLE IF NOT EXISTS landfall.reverse_sent (
    table_name  text COLLATE "C" NOT NULL,
    h           bytea NOT NULL,
    sk          bytea NOT NULL,
    image       bytea,                                  -- hash of the item (move/follow/late_writes.h); NULL: deleted
    key         json,                                   -- DynamoDB JSON, as that of landfall.reverse_change
    batch       bigint,                                 -- that it was sent in
    sent_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    again_at    timestamptz                             -- NULL: DynamoDB has answered, or the key waits to be sent again
);
CREATE SEQUENCE IF NOT EXISTS landfall.reverse_batch AS bigint;
CREATE INDEX IF NOT EXISTS reverse_sent_again_at ON landfall.reverse_sent (again_at) WHERE again_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS reverse_sent_key ON landfall.reverse_sent (table_name, h, sk);
CREATE INDEX IF NOT EXISTS reverse_sent_at ON landfall.reverse_sent (sent_at);

-- Changes of DynamoDB, after the authority went to PostgreSQL, that reverse sync has not made: somebody still writes there.
CREATE TABLE IF NOT EXISTS landfall.late_write (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name  text COLLATE "C" NOT NULL,
    key         json NOT NULL,
    item        json,                                   -- NULL: removed, or the stream has no new images
    is_removed  boolean NOT NULL,
    changed_at  timestamptz NOT NULL,
    resolved_at timestamptz,
    resolution  text CHECK (resolution IN ('taken', 'dropped'))
);

-- What the triggers of reverse sync call (src/move/reverse_triggers.h).
CREATE OR REPLACE FUNCTION landfall.is_reversed(dynamodb_table text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM landfall.phase p WHERE p.table_name = dynamodb_table AND p.phase = 'postgres');

CREATE OR REPLACE FUNCTION landfall.is_reversed(dynamodb_table text, entity text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM landfall.phase p WHERE p.table_name = dynamodb_table AND p.phase = 'postgres'
        AND (p.moved_entities IS NULL OR entity = ANY (p.moved_entities)));

CREATE OR REPLACE FUNCTION landfall.note_reverse(dynamodb_table text, old_key json, new_key json) RETURNS void
    LANGUAGE sql
    AS $$
        INSERT INTO landfall.reverse_change (table_name, key)
        SELECT dynamodb_table, k.key::json FROM (SELECT old_key::text UNION SELECT new_key::text) AS k (key) WHERE k.key IS NOT NULL
    $$;

-- Of what no entity claims the item itself stands for its key. In a mixed table reverse sync sees whether the key has moved.
CREATE OR REPLACE FUNCTION landfall.note_reverse_item() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            INSERT INTO landfall.reverse_change (table_name, key)
            SELECT OLD.table_name, OLD.item WHERE landfall.is_reversed(OLD.table_name);
        ELSE
            INSERT INTO landfall.reverse_change (table_name, key)
            SELECT NEW.table_name, NEW.item WHERE landfall.is_reversed(NEW.table_name);
        END IF;
        RETURN NULL;
    END $$;

CREATE OR REPLACE FUNCTION landfall.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $$
    BEGIN
        IF landfall.is_reversed(TG_ARGV[0], TG_ARGV[1]) THEN
            RAISE EXCEPTION 'TRUNCATE does not tell reverse sync which items of table % it removes', TG_ARGV[0]
                USING HINT = 'Use DELETE, or `landfall decommission` first.';
        END IF;
        RETURN NULL;
    END $$;
