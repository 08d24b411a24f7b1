# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# progress -- what people see: colours, aligned columns, one line for whatever takes longer than 2 s, and why
# something failed. Reports go to standard error, so that `stack env` and tables stay clean on standard output.
# Chinese first, English beside it.

if [[ -t 2 && -z ${NO_COLOR:-} ]]; then
    BOLD=$'\e[1m' DIM=$'\e[2m' RED=$'\e[31m' GREEN=$'\e[32m' YELLOW=$'\e[33m' PLAIN=$'\e[0m'
else
    BOLD='' DIM='' RED='' GREEN='' YELLOW='' PLAIN=''
fi

say() { printf '%s\n' "$*" >&2; }
say_done() { printf '%s✓%s %s\n' "$GREEN" "$PLAIN" "$*" >&2; }
say_warning() { printf '%s!%s %s\n' "$YELLOW" "$PLAIN" "$*" >&2; }
say_error() { printf '%s✗ %s%s\n' "$RED" "$*" "$PLAIN" >&2; }

# fail WHAT [REMEDY...]: one line that says what is wrong, further lines that say what to do; ends the program.
fail() {
    say_error "$1"
    shift
    local line
    for line in "$@"; do say "  $line"; done
    exit 1
}

# show_tail FILE [FROM]: the last words of a log, indented, of what was written behind byte FROM.
show_tail() {
    say "  ${DIM}$1:${PLAIN}"
    tail -c "+$((${2:-0} + 1))" -- "$1" | tail -n 12 | cut -c1-300 | sed 's/^/    | /' >&2
}

# pad TEXT WIDTH: fills up to WIDTH columns; a Chinese character takes three bytes and two columns.
pad() {
    local text=$1 width=$2 LC_ALL=C.UTF-8
    local characters=${#text}
    LC_ALL=C
    local columns=$((characters + (${#text} - characters) / 2))
    ((columns < width)) || width=$columns
    printf '%s%*s' "$text" $((width - columns)) ''
}

now_ms() {
    local now=${EPOCHREALTIME/[.,]/}
    REPLY=${now%???}
}

# The line that moves: redrawn in place on a terminal; elsewhere at 2 s, and then every 10 s.
progress_started_ms=0 progress_shown_s=0
progress_begin() {
    now_ms
    progress_started_ms=$REPLY progress_shown_s=0
}
progress_tick() { # LABEL
    now_ms
    local seconds=$(((REPLY - progress_started_ms) / 1000))
    ((seconds >= 2 && seconds > progress_shown_s)) || return 0
    if [[ -t 2 ]]; then
        printf '\r\e[K%s… %s %d s%s' "$DIM" "$1" "$seconds" "$PLAIN" >&2
    elif ((progress_shown_s == 0 || seconds >= progress_shown_s + 10)); then
        say "… $1 $seconds s"
    else
        return 0
    fi
    progress_shown_s=$seconds
}
progress_end() {
    if [[ -t 2 ]] && ((progress_shown_s > 0)); then printf '\r\e[K' >&2; fi
}

# progress_wait LABEL SECONDS CONDITION...: 0 once the condition holds, 1 when the time is over, 2 as soon as the
# condition says by returning 2 that it never will.
progress_wait() {
    local label=$1 limit_ms=$(($2 * 1000)) verdict
    shift 2
    progress_begin
    while :; do
        verdict=0
        "$@" || verdict=$?
        now_ms
        if ((verdict == 0 || verdict == 2 || REPLY - progress_started_ms >= limit_ms)); then break; fi
        progress_tick "$label"
        sleep 0.05
    done
    progress_end
    return "$verdict"
}

# progress_run LABEL COMMAND...: quiet when it succeeds; its output when it does not, and its exit code.
progress_run() {
    local label=$1 output verdict=0 pid
    shift
    output=$(mktemp "${TMPDIR:-/tmp}/docket-output.XXXXXX")
    progress_begin
    "$@" >"$output" 2>&1 </dev/null &
    pid=$!
    # shellcheck disable=SC2064  # a command in the background does not hear Ctrl-C by itself
    trap "kill $pid 2>/dev/null; wait $pid; rm -f -- '$output'; exit 130" INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        progress_tick "$label"
        sleep 0.05
    done
    wait "$pid" || verdict=$?
    trap - INT TERM
    progress_end
    if ((verdict != 0)); then
        say_error "$label: 失败 failed (exit $verdict)"
        sed 's/^/    | /' "$output" >&2
    fi
    rm -f -- "$output"
    return "$verdict"
}
