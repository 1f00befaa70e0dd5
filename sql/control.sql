-- The control schema: what Landfall remembers in the target database. Applied by `landfall migrate up` before any migration, in one
-- transaction, again without harm; the contract migration drops it whole. Every name is qualified: search_path is empty.

CREATE SCHEMA IF NOT EXISTS landfall;

CREATE TABLE IF NOT EXISTS landfall.control (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version     integer NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO landfall.control (version) VALUES (1) ON CONFLICT DO NOTHING;

-- The maps that loads were made with, as written.
CREATE TABLE IF NOT EXISTS landfall.map (
    hash        text COLLATE "C" PRIMARY KEY,           -- hexadecimal SHA-256 of yaml
    yaml        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Migrations applied, with the SHA-256 of their file; public.schema_migrations holds the versions for dbmate.
CREATE TABLE IF NOT EXISTS landfall.migration (
    version     text COLLATE "C" PRIMARY KEY,
    name        text NOT NULL,
    checksum    text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

-- One backfill: a source and a map. `fingerprint` is the SHA-256 of the source's file names, sizes and MD5s.
CREATE TABLE IF NOT EXISTS landfall.load (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint text COLLATE "C" NOT NULL UNIQUE,
    source      text NOT NULL,                          -- the path, for people
    map_hash    text COLLATE "C" NOT NULL REFERENCES landfall.map,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz                             -- all chunks loaded
);

-- Chunks loaded. The row is written in the transaction of the chunk's items: there or not there, never half.
CREATE TABLE IF NOT EXISTS landfall.segment (
    load_id     bigint NOT NULL REFERENCES landfall.load ON DELETE CASCADE,
    file        text COLLATE "C" NOT NULL,
    chunk       bigint NOT NULL,
    is_last     boolean NOT NULL,                       -- of its file
    table_name  text COLLATE "C" NOT NULL,              -- of DynamoDB
    items       bigint NOT NULL,                        -- read from the chunk, rejects not counted
    unclaimed   bigint NOT NULL,                        -- of these, into landfall.item
    rejected    bigint NOT NULL,
    sums        bytea NOT NULL,                         -- source sums by parity segment, see src/move/parity.h
    loaded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (load_id, file, chunk)
);

-- How far in the source's time a table of DynamoDB is: the full export that was loaded, and the windows (incremental exports) that
-- were applied since, whose row is written when all their changes are there.
CREATE TABLE IF NOT EXISTS landfall.window (
    table_name  text COLLATE "C" NOT NULL,
    from_time   timestamptz,                            -- inclusive; NULL: a full export
    to_time     timestamptz NOT NULL,                   -- exclusive; of a full export the instant that it shows
    export      text NOT NULL,                          -- its folder, for people
    applied_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, to_time)
);

-- Items that no entity claims, whole. Keys are order-preserving bytes; h is the first half of SHA-256 of pk.
CREATE TABLE IF NOT EXISTS landfall.item (
    table_name  text COLLATE "C" NOT NULL,
    h           bytea NOT NULL,
    sk          bytea NOT NULL,
    pk          bytea NOT NULL,
    item        json NOT NULL,                          -- DynamoDB JSON
    reason      text NOT NULL,
    PRIMARY KEY (table_name, h, sk)
);

-- Lines that are not items, verbatim.
CREATE TABLE IF NOT EXISTS landfall.reject (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    load_id     bigint NOT NULL REFERENCES landfall.load ON DELETE CASCADE,
    file        text NOT NULL,
    line        bigint NOT NULL,
    reason      text NOT NULL,
    content     bytea NOT NULL
);

-- Results of `landfall verify`.
CREATE TABLE IF NOT EXISTS landfall.parity_run (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    compared    bigint,
    different   bigint,
    missing     bigint,
    extra       bigint
);
CREATE TABLE IF NOT EXISTS landfall.parity_diff (
    run_id      bigint NOT NULL REFERENCES landfall.parity_run ON DELETE CASCADE,
    table_name  text NOT NULL,
    key         text NOT NULL,                          -- for people
    kind        text NOT NULL CHECK (kind IN ('different', 'missing', 'extra')),
    attributes  text[] NOT NULL                         -- that differ
);

-- Who changed what, and when.
CREATE TABLE IF NOT EXISTS landfall.event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT now(),
    who         text NOT NULL DEFAULT session_user,
    what        text NOT NULL,
    detail      jsonb NOT NULL DEFAULT '{}'
);

-- The texts of key templates, as immutable functions, because an index on an expression needs them so.
CREATE OR REPLACE FUNCTION landfall.iso8601(at timestamptz, fraction integer, suffix text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN left(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), 19 + CASE fraction WHEN 0 THEN 0 ELSE fraction + 1 END) || suffix;

CREATE OR REPLACE FUNCTION landfall.iso8601_date(day date) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_char(day::timestamp, 'YYYY-MM-DD');

CREATE OR REPLACE FUNCTION landfall.epoch(at timestamptz, units_per_second integer) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN trim_scale(extract(epoch FROM at AT TIME ZONE 'UTC') * units_per_second)::text;
