#!/bin/sh
# Takes every data set under a folder the whole way and back: datasets.sh LANDFALL DIR.
#
# A set is a sub-folder with data and table.json, one table or several (of export-samples: the full JSON exports). Each goes through
# inspect, plan, migrate up, backfill, verify and export, with its own database; then tools/compare_items.py, which has none of
# Landfall's code, compares the export with the source. Exit status 1 when any set fails or differs.
set -eu

tools=$(cd "$(dirname "$0")" && pwd)
. "$tools/private_postgres.sh"

if [ $# -ne 2 ] || [ ! -d "$2" ]; then
    echo "usage: datasets.sh LANDFALL DIR (make datasets DIR=…)" >&2
    exit 2
fi
landfall=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
sets=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'private_postgres_stop; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

source_of() {
    [ -d "$1/full-json" ] && echo "$1/full-json" || echo "$1"
}

count_of() {
    sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$2"
}

# Runs one command of landfall in the set's folder; its output goes to NAME.out, errors to `log`.
step() {
    name=$1
    shift
    "$landfall" "$name" "$@" >"$name.out" 2>>log && return 0
    echo "  $set: landfall $name exited with $?" >>"$work/failures"
    sed 's/^/    /' log >>"$work/failures"
    return 1
}

take_the_whole_way() {
    step inspect "$1" --json --report report.html && step plan && step migrate up && step backfill "$1" --json || return 1
    verified=0
    step verify "$1" --reread --json || verified=1
    step export -o back && return $verified
}

compare() {
    if python3 "$tools/compare_items.py" "$1" back >compare.out 2>&1; then
        compared=equal
    else
        compared=DIFFERENT
        sed "s/^/    /" compare.out >>"$work/failures"
    fi
}

run_set() {
    mkdir "$work/$set"
    cd "$work/$set"
    compared=-
    "$pg_bin/createdb" -T template0 "$set"
    export PGDATABASE="$set"
    result=failed
    take_the_whole_way "$1" && result=equal
    [ ! -d back ] || compare "$1"
    tables=$(grep -o '"entity":' inspect.out 2>/dev/null | wc -l)
    printf '%-22s %8s %7s %9s  %-8s %s\n' "$set" "$(count_of items backfill.out)" "$tables" "$(count_of unclaimed backfill.out)" "$result" "$compared"
    [ "$result$compared" = equalequal ]
}

private_postgres_start "$work"
printf '%-22s %8s %7s %9s  %-8s %s\n' set items tables unclaimed verify compare
status=0
for folder in "$sets"/*/; do
    set=$(basename "$folder")
    run_set "$(source_of "${folder%/}")" || status=1
done
[ ! -f "$work/failures" ] || { echo; cat "$work/failures"; }
exit $status
