#!/bin/bash
# The arrows between rooms point one way only. Reads every #include of libcommon/ and services/ and compares it with this
# table: which rooms a room may use, and which room alone may include a library. One line per offence.
set -euo pipefail
cd "$(dirname "$0")/../.."

# room: rooms it may include (its own is always allowed)
allowed='
base:
log: base
config: base
metrics: base
json: base
ticket: base
conditions: base ticket
promise: base ticket
rights: base ticket
vault: base
loop: base log
events: base ticket proto
documents: base json ticket events conditions
http: base log loop metrics
kafka: base log loop metrics
redis: base log loop metrics
postgres: base log loop metrics
store: base log loop ticket events documents postgres json
runtime: base log loop config metrics http
'
# library header pattern: the room that wraps it
owners='
event2/ loop
librdkafka/ kafka
hiredis/ redis
libpq-fe.h postgres
hs.h conditions
hs/hs.h conditions
cjson/ json
yaml.h documents
openssl/ vault
sodium.h vault
unistr.h json
'
# Exceptions, each with its reason: hashing alone is no secret keeping; JSON trees are what json hands out.
exceptions='
openssl/sha.h store intake
openssl/evp.h store intake docket
cjson/ events store intake docket documents
'

fail=0
offence() {
    printf '%s\n' "$1"
    fail=1
}
words_of() { sed -n "s/^$1: *//p" <<<"$allowed"; }

while IFS=: read -r file line text; do
    case $file in
        libcommon/*) room=${file#libcommon/} && room=${room%%/*} kind=room ;;
        services/*) room=${file#services/} && room=${room%%/*} kind=service ;;
    esac
    target=$(sed -E 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]*)[>"].*/\1/' <<<"$text")
    first=${target%%/*}
    # a room's or a service's header?
    if [[ $target == */* && -d libcommon/$first ]]; then
        [[ $kind == service || $first == "$room" ]] && continue
        [[ " $(words_of "$room") " == *" $first "* ]] || offence "$file:$line: $room may not include $target"
        continue
    fi
    if [[ $target == */* && -d services/$first ]]; then
        [[ $kind == service && $first == "$room" ]] || offence "$file:$line: a service is included: $target"
        continue
    fi
    if [[ $first == proto ]]; then
        [[ $room == events ]] || offence "$file:$line: only events speaks protobuf: $target"
        continue
    fi
    # a library's header?
    while read -r pattern owner; do
        [[ -n $pattern && $target == $pattern* ]] || continue
        [[ $room == "$owner" ]] && continue
        excused=no
        while read -r header rooms; do
            [[ -n $header && $target == $header* && " $rooms " == *" $room "* ]] && excused=yes
        done <<<"$exceptions"
        [[ $excused == yes ]] || offence "$file:$line: only $owner may include $target"
    done <<<"$owners"
done < <(grep -rnE '^[[:space:]]*#[[:space:]]*include' libcommon services --include='*.c' --include='*.h')

# pure files never ask for the time themselves
pure=$(grep -rlE '^ \* Pure|Pure[:.]|PURE' libcommon services --include='*.h' | sed 's/\.h$/.c/')
for file in $pure; do
    [[ -f $file ]] || continue
    if grep -nE '\b(time|gettimeofday|clock_gettime|clock_wall_ms|clock_monotonic_ms|socket|send|recv|open|fopen)\(' "$file" >/dev/null; then
        offence "$file: says it is pure, but reads a clock or does I/O"
    fi
done
exit $fail
