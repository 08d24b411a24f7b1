# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# processes -- start, find, signal. Everything is known by a mark in its environment, so that it is found even when
# its pid file is gone or stale, and no stranger who got the same pid is ever signalled.

declare -A PROCESS_LOG_FROM=() # where in log/NAME.log this command's own start of NAME begins

process_mark() { REPLY="DOCKET_STACK_PROCESS=$DOCKET_HOME:$1"; }

# process_began PID: REPLY is the start time in clock ticks since boot; 1 when there is no such process or it is a
# zombie, which holds nothing any more once its last thread is gone.
process_began() {
    local line rest threads
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    rest=${line##*) } # the name in front may contain anything
    read -r -a rest <<<"$rest"
    if [[ ${rest[0]} == [ZX] ]]; then
        threads=("/proc/$1/task/"*)
        ((${#threads[@]} > 1)) || return 1
    fi
    REPLY=${rest[19]}
}

process_letter() { # PID: R, S, D, T ...
    local line
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    line=${line##*) }
    REPLY=${line:0:1}
}

# process_marked NAME: the pids that carry its mark, in REPLY_PIDS: the process, its children, and orphans.
process_marked() {
    local file pid
    REPLY_PIDS=()
    process_mark "$1"
    for file in $(grep -lzxFs -e "$REPLY" /proc/[0-9]*/environ || true); do
        pid=${file#/proc/}
        pid=${pid%/environ}
        if process_began "$pid"; then REPLY_PIDS+=("$pid"); fi
    done
}

# process_find NAME: REPLY is its pid; 1 when it is not running.
process_find() {
    local name=$1 pid began parent words
    if { read -r pid <"$DOCKET_HOME/run/$name.pid" && read -r began <"$DOCKET_HOME/run/$name.start"; } 2>/dev/null &&
        process_began "$pid" && [[ $REPLY == "$began" ]]; then
        REPLY=$pid
        return 0
    fi
    process_marked "$name"
    for pid in "${REPLY_PIDS[@]}"; do # children inherit the mark; the process itself is the one whose parent has none
        parent=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status" 2>/dev/null) || continue
        [[ " ${REPLY_PIDS[*]} " == *" $parent "* ]] && continue
        { read -r -d '' words <"/proc/$pid/cmdline"; } 2>/dev/null || true
        [[ $words == 'postgres: '* ]] && continue # a backend that outlives its postmaster for a moment
        process_record "$name" "$pid"
        REPLY=$pid
        return 0
    done
    return 1
}

# process_clear_orphans NAME: what a dead server left behind would keep the new one from its memory and port.
process_clear_orphans() {
    local pid
    process_marked "$1"
    ((${#REPLY_PIDS[@]})) || return 0
    kill -KILL -- "${REPLY_PIDS[@]}" 2>/dev/null || true
    for pid in "${REPLY_PIDS[@]}"; do
        while process_began "$pid"; do sleep 0.01; done
    done
}

process_record() { # NAME PID
    process_began "$2" || REPLY=0
    printf '%s\n' "$REPLY" >"$DOCKET_HOME/run/$1.start"
    printf '%s\n' "$2" >"$DOCKET_HOME/run/$1.pid.new"
    mv "$DOCKET_HOME/run/$1.pid.new" "$DOCKET_HOME/run/$1.pid"
}

process_forget() { rm -f -- "$DOCKET_HOME/run/$1.pid" "$DOCKET_HOME/run/$1.start"; }

# process_launch NAME COMMAND...: a session of its own, no descriptor or directory of the caller's, its words in
# log/NAME.log.
process_launch() {
    local name=$1 pid log=$DOCKET_HOME/log/$1.log
    shift
    PROCESS_LOG_FROM[$name]=$(stat -c %s "$log" 2>/dev/null || echo 0)
    process_mark "$name"
    (
        local fd files
        exec </dev/null >>"$log" 2>&1
        cd "$DOCKET_HOME" || exit
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            ((fd < 3)) || eval "exec $fd>&-"
        done
        files=$(ulimit -Hn)
        [[ $files != unlimited && $files -lt 65536 ]] || files=65536
        ulimit -n "$files"
        # All on one machine: what accepts goes before what works off and what follows. A storm then changes how long
        # tickets wait, not how long their senders do.
        case $name in
            router-* | sla-* | notifier-* | analytics-* | postgres) renice -n 5 -p "$BASHPID" >/dev/null || true ;;
        esac
        exec env "$REPLY" setsid -- "$@"
    ) &
    pid=$!
    process_record "$name" "$pid"
    disown "$pid" 2>/dev/null || true
}

# process_tree PID: the process and all its descendants, parents first, one a line.
process_tree() {
    local child
    printf '%s\n' "$1"
    for child in $(pgrep -P "$1" || true); do process_tree "$child"; done
}

# process_signal_tree SIGNAL PID: for what must hit a server with all its children (PostgreSQL's backends).
process_signal_tree() {
    local pids
    mapfile -t pids < <(process_tree "$2")
    kill -s "$1" -- "${pids[@]}" 2>/dev/null || true
}

process_paused() { process_find "$1" && process_letter "$REPLY" && [[ $REPLY == T ]]; } # NAME

process_gone() { ! process_find "$1"; }

# processes_stop SECONDS NAME...: all of them together; what has not gone by then is killed and named.
processes_stop() {
    local limit=$1 name signal
    shift
    local running=()
    for name in "$@"; do
        if process_find "$name"; then
            signal=TERM
            [[ $name == postgres ]] && signal=INT # PostgreSQL's TERM waits for its clients
            process_signal_tree CONT "$REPLY"
            kill -s "$signal" "$REPLY" 2>/dev/null || true
            running+=("$name")
        else
            process_forget "$name"
        fi
    done
    ((${#running[@]})) || return 0
    progress_wait "停止 stopping ${running[*]}" "$limit" processes_all_gone "${running[@]}" || true
    for name in "${running[@]}"; do
        if process_find "$name"; then
            say_warning "$name: $limit 秒内没有结束，强制终止 did not end within $limit s and is killed"
            process_kill "$name"
        fi
        process_forget "$name"
    done
}
processes_all_gone() {
    local name
    for name in "$@"; do process_gone "$name" || return 1; done
}

# process_kill NAME: SIGKILL, children included, and gone when this returns.
process_kill() {
    local pids=() pid
    process_find "$1" || return 1
    mapfile -t pids < <(process_tree "$REPLY")
    kill -KILL -- "${pids[@]}" 2>/dev/null || true
    for pid in "${pids[@]}"; do
        while process_began "$pid"; do sleep 0.01; done
    done
}

# processes_names: REPLY_NAMES is everything of this stack that has a pid file or is found running.
processes_names() {
    local file names=()
    for file in "$DOCKET_HOME"/run/*.pid; do
        [[ -e $file ]] || continue
        file=${file##*/}
        names+=("${file%.pid}")
    done
    process_mark ''
    mapfile -t REPLY_NAMES < <(
        {
            ((${#names[@]} == 0)) || printf '%s\n' "${names[@]}"
            grep -zhaFs -e "$REPLY" /proc/[0-9]*/environ | tr '\0' '\n' | awk -v mark="$REPLY" \
                'index($0, mark) == 1 { print substr($0, length(mark) + 1) }'
        } | sort -u
    )
}
