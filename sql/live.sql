-- What the migration of a live table remembers: applied after control.sql and gateway.sql, again without harm. docs/live.md tells how
-- its parts work together.

-- Who answers for a table of DynamoDB, and how. Every change raises landfall.catalog's version and takes effect when all live gateways
-- have acknowledged it (src/gateway/catalog.h); it is written to landfall.event.
CREATE TABLE IF NOT EXISTS landfall.phase (
    table_name     text COLLATE "C" PRIMARY KEY,
    phase          text NOT NULL CHECK (phase IN ('follow', 'dual write', 'postgres', 'decommissioned')),
    epoch          bigint NOT NULL DEFAULT 1,           -- grows with each change of the authority
    fence          text CHECK (fence IN ('postgres', 'dual write')), -- writes are held until the phase is this one, or the time is up
    fence_until    timestamptz,
    reads_percent  integer NOT NULL DEFAULT 0 CHECK (reads_percent BETWEEN 0 AND 100), -- of eventual reads, from PostgreSQL, while DynamoDB has the authority
    shadow_percent integer NOT NULL DEFAULT 0 CHECK (shadow_percent BETWEEN 0 AND 100), -- of reads, made on both sides and compared
    region         text NOT NULL,
    endpoint       text,                                -- NULL: AWS's
    stream_arn     text NOT NULL,
    follows_since  timestamptz NOT NULL DEFAULT now(),  -- t0: every change since is in the spool, or applied
    applies_since  timestamptz,                         -- the backfill has ended: the spool is being applied
    readable_at    timestamptz,                         -- the spool has passed the end of the backfill: rows may be read
    flipped_at     timestamptz,                         -- last change of the authority
    CHECK ((fence IS NULL) = (fence_until IS NULL))
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
    marked_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    settled_at  timestamptz,                            -- an outcome is unknown: what was sent cannot land after this time
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
-- Counts of reads by gateway, table and kind, for `status`.
CREATE TABLE IF NOT EXISTS landfall.read_count (
    gateway     uuid NOT NULL,
    table_name  text COLLATE "C" NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('dynamodb', 'postgres', 'fallback', 'shadowed', 'different')),
    reads       bigint NOT NULL,
    PRIMARY KEY (gateway, table_name, kind)
);

-- Reverse sync: how far the changes of each shard (landfall.change) are in DynamoDB.
CREATE TABLE IF NOT EXISTS landfall.reverse_position (
    table_name  text COLLATE "C" NOT NULL REFERENCES landfall.phase ON DELETE CASCADE,
    shard       integer NOT NULL,
    number      bigint NOT NULL,
    PRIMARY KEY (table_name, shard)
);
-- Keys that reverse sync has sent, or is about to: told apart from late writers by them; those of unknown outcome are sent again when
-- the time is up. Rows go after an hour.
CREATE TABLE IF NOT EXISTS landfall.reverse_sent (
    table_name  text COLLATE "C" NOT NULL,
    h           bytea NOT NULL,
    sk          bytea NOT NULL,
    image       bytea,                                  -- hash of the item (item/hash.h); NULL: deleted
    sent_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    again_at    timestamptz                             -- NULL: DynamoDB has confirmed it
);
CREATE INDEX IF NOT EXISTS reverse_sent_key ON landfall.reverse_sent (table_name, h, sk);
CREATE INDEX IF NOT EXISTS reverse_sent_at ON landfall.reverse_sent (sent_at);

-- Changes of DynamoDB, after the authority went to PostgreSQL, that reverse sync has not made: somebody still writes there.
CREATE TABLE IF NOT EXISTS landfall.late_write (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    table_name  text COLLATE "C" NOT NULL,
    key         json NOT NULL,
    item        json,                                   -- NULL: removed
    changed_at  timestamptz NOT NULL,
    resolved_at timestamptz,
    resolution  text CHECK (resolution IN ('taken', 'dropped'))
);
