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
holidays: base promise
rights: base ticket
vault: base
digest: base
signing: base
secrets: base json signing vault
backoff: base
html: base
template: base html
mail: base
filetype: base
loop: base log
workers: base loop
events: base digest ticket proto
documents: base json ticket events conditions rights promise holidays template
http: base log loop metrics
kafka: base log loop metrics workers
redis: base digest log loop metrics
postgres: base log loop metrics
outgoing: base loop
lives: base ticket conditions promise events documents
facts: base ticket promise events
sketches: base
forecast: base
staffing: base
radar: base forecast
publish: base log loop metrics events kafka
following: base log loop metrics events kafka
store: base digest log loop ticket events documents lives postgres json
access: base digest ticket rights documents store postgres
keyring: base log loop vault
runtime: base log loop config metrics http
'
# start of a library's header: the rooms that wrap it
owners='
event2/ loop
librdkafka/ kafka
hiredis/ redis
libpq-fe.h postgres
hs.h conditions
hs/hs.h conditions
cjson/ json
yaml.h documents
openssl/ vault digest signing
sodium.h vault
unistr.h json
gumbo.h html
idn2.h mail
magic.h filetype
curl/ outgoing
libical/ holidays
xxhash.h sketches radar
zstd.h analytics
'
# Exceptions, each with its reason: JSON trees are what the room json hands out, so whoever asks for one walks it.
exceptions='
cjson/ events store intake docket documents desk notifier
'

fail=0
offence() {
    printf '%s\n' "$1"
    fail=1
}

declare -A may owner excused
while IFS=: read -r room rooms; do [[ -z $room ]] || may[$room]=" $rooms "; done <<<"$allowed"
while read -r pattern rooms; do [[ -z $pattern ]] || owner[$pattern]=" $rooms "; done <<<"$owners"
while read -r pattern rooms; do [[ -z $pattern ]] || excused[$pattern]=" $rooms "; done <<<"$exceptions"

directive='^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"]([^>"]*)[>"]'
read_lines=0
while IFS=: read -r file line text; do
    case $file in
        libcommon/*) room=${file#libcommon/} && room=${room%%/*} kind=room ;;
        services/*) room=${file#services/} && room=${room%%/*} kind=service ;;
    esac
    read_lines=$((read_lines + 1))
    if [[ ! $text =~ $directive ]]; then
        offence "$file:$line: an include that this check cannot read: $text"
        continue
    fi
    target=${BASH_REMATCH[1]}
    first=${target%%/*}
    if [[ $kind == room && -z ${may[$room]:-} ]]; then
        offence "$file:$line: the room $room is not in the table of tests/layout/includes.sh"
    elif [[ $target == *_internal.h && $first != "$room" ]]; then
        offence "$file:$line: $target is its room's own"
    elif [[ $target == */* && -d libcommon/$first ]]; then
        [[ $kind == service || $first == "$room" || ${may[$room]} == *" $first "* ]] || offence "$file:$line: $room may not include $target"
    elif [[ $target == */* && -d services/$first ]]; then
        [[ $kind == service && $first == "$room" ]] || offence "$file:$line: a service is included: $target"
    elif [[ $first == proto ]]; then
        # the doors: their meaning is the business of events, and of services that carry messages on
        [[ $kind == service || ${may[$room]} == *" proto "* ]] || offence "$file:$line: $room does not speak protobuf: $target"
    else
        for pattern in "${!owner[@]}"; do
            [[ $target == "$pattern"* ]] || continue
            [[ ${owner[$pattern]} == *" $room "* || ${excused[$pattern]:-} == *" $room "* ]] || offence "$file:$line: only${owner[$pattern]}may include $target"
        done
    fi
done < <(git grep -nE '^[[:space:]]*#[[:space:]]*include' -- 'libcommon/*.c' 'libcommon/*.h' 'services/*.c' 'services/*.h')
((read_lines > 0)) || offence 'no include found: is this check still looking in the right place?'

# Pure files, those whose header says so in its opening comment, never ask for the time and never do I/O themselves.
mapfile -t pure < <(git ls-files 'libcommon/*.h' 'services/*.h' |
    xargs awk 'FNR == 1 { open = 1 } open && /(^| )Pure[.:,]/ { print FILENAME; open = 0 } /\*\// { open = 0 }')
((${#pure[@]})) || offence 'no header says that it is pure: is this check still looking at the right words?'
for header in "${pure[@]}"; do
    [[ -f ${header%.h}.c ]] || continue
    while IFS= read -r line; do offence "$line: but ${header##*/} says: pure"; done < <(
        grep -HnoE '\b(time|gettimeofday|clock_gettime|clock_wall_ms|clock_monotonic_ms|socket|connect|send|recv|open|fopen|getenv)\(' "${header%.h}.c"
    )
done
exit $fail
