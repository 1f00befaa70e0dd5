# A PostgreSQL of a script's own, sourced by others: `private_postgres_start FOLDER` starts one in FOLDER, with a socket there and
# no network, and sets PGHOST and PGUSER; `private_postgres_stop` stops it. initdb refuses root: then an unprivileged user runs it.

private_postgres_bin() {
    if [ -n "${LANDFALL_PG_BIN:-}" ]; then
        echo "$LANDFALL_PG_BIN"
    elif newest=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1) && [ -x "$newest/initdb" ]; then
        echo "$newest"
    else
        dirname "$(command -v initdb)"
    fi
}

private_postgres_as_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        runuser -u "$(id -un postgres 2>/dev/null || echo nobody)" -- "$@"
    fi
}

private_postgres_start() {
    private_postgres_folder=$1
    pg_bin=$(private_postgres_bin)
    mkdir -p "$1/server"
    chmod 755 "$1"
    [ "$(id -u)" -ne 0 ] || chown "$(id -un postgres 2>/dev/null || echo nobody)" "$1/server"
    (
        cd "$1/server"
        private_postgres_as_owner "$pg_bin/initdb" -D data -U landfall -A trust -E UTF8 --locale=C.UTF-8 --no-sync >initdb.log
        private_postgres_as_owner "$pg_bin/pg_ctl" -D data -w -l log start \
            -o "-k $1/server -c listen_addresses='' -c fsync=off -c timezone=UTC" >/dev/null
    )
    export PGHOST="$1/server" PGUSER=landfall
}

private_postgres_stop() {
    [ -f "$private_postgres_folder/server/data/postmaster.pid" ] || return 0
    (cd "$private_postgres_folder/server" && private_postgres_as_owner "$pg_bin/pg_ctl" -D data -m immediate stop >/dev/null)
}
