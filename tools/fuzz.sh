#!/bin/sh
# fuzz.sh BUILD_DIR [SECONDS]: runs every fuzz target for SECONDS (60), each from the seeds in tests/fuzz/corpus/NAME. What was
# learnt stays in BUILD_DIR/fuzz/NAME for the next run, findings in BUILD_DIR/fuzz/findings. Exit status 1 when there is one.
set -eu

[ $# -ge 1 ] && [ $# -le 2 ] || {
    echo "usage: tools/fuzz.sh BUILD_DIR [SECONDS]" >&2
    exit 2
}
build=$1
seconds=${2:-60}
root=$(cd "$(dirname "$0")/.." && pwd)

[ -f "$build/build.ninja" ] ||
    CC=clang meson setup "$build" "$root" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
ninja -C "$build" fuzz

findings=$build/fuzz/findings
mkdir -p "$findings"
failed=
for target in "$build"/tests/fuzz/fuzz_*; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    name=${target##*/fuzz_}
    mkdir -p "$build/fuzz/$name"
    log=$build/fuzz/$name.log
    if UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$findings/$name-" "$build/fuzz/$name" "$root/tests/fuzz/corpus/$name" >"$log" 2>&1; then
        echo "$name: $(tail -n 1 "$log")"
    else
        echo "$name: FINDING, see $log and $findings" >&2
        tail -n 40 "$log" >&2
        failed="$failed $name"
    fi
done
[ -z "$failed" ]
