# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# status -- the table of what runs.

status_row() { # NAME PID STATE COLOUR PORT MEMORY SINCE
    printf '%s%s%s%s%s' "$(pad "$1" 12)" "$(pad "$2" 10)" "$4" "$(pad "$3" 18)" "$STATUS_PLAIN"
    printf '%s%s%s\n' "$(pad "$5" 10)" "$(pad "$6" 12)" "$7"
}

# The memory of a process with its children, each shared page counted once.
status_memory() { # PID: REPLY
    local pids
    mapfile -t pids < <(process_tree "$1")
    REPLY=$(for pid in "${pids[@]}"; do cat "/proc/$pid/smaps_rollup" 2>/dev/null || true; done |
        awk '/^Pss:/ { sum += $2 } END { printf "%.0f MiB", sum / 1024 }')
}

status_since() { # PID: REPLY
    local boot began
    boot=$(awk '/^btime/ { print $2 }' /proc/stat)
    process_began "$1" || REPLY=0
    began=$((boot + REPLY / $(getconf CLK_TCK)))
    printf -v REPLY '%(%m-%d %H:%M:%S)T' "$began"
}

status_port() { # NAME: REPLY
    table_get "$DOCKET_HOME/ports" "$1" || table_get "$DOCKET_HOME/ports" "$1-ops" || REPLY=-
}

# Prints the table; 1 when something that should run does not, or does not answer.
status_print() {
    local name pid state colour verdict=0 green='' yellow='' red='' port
    STATUS_PLAIN=''
    if [[ -t 1 && -z ${NO_COLOR:-} ]]; then green=$'\e[32m' yellow=$'\e[33m' red=$'\e[31m' STATUS_PLAIN=$'\e[0m'; fi
    local names=()
    servers_names
    names=("${REPLY_NAMES[@]}")
    services_names
    names+=("${REPLY_NAMES[@]}")
    processes_names
    for name in "${REPLY_NAMES[@]}"; do [[ " ${names[*]} " == *" $name "* ]] || names+=("$name"); done

    status_row '名称 name' '进程 pid' '状态 state' '' '端口 port' '内存 memory' '自 since'
    for name in "${names[@]}"; do
        status_port "$name"
        port=$REPLY
        if process_find "$name"; then
            pid=$REPLY
            process_letter "$pid" || REPLY=Z
            if [[ $REPLY == T ]]; then
                state='暂停 paused' colour=$yellow verdict=1
            elif if server_is "$name"; then server_ready "$name"; else service_ready "$name"; fi; then
                state='运行 running' colour=$green
            else
                state='未就绪 not ready' colour=$yellow verdict=1
            fi
            status_memory "$pid"
            local memory=$REPLY
            status_since "$pid"
            status_row "$name" "$pid" "$state" "$colour" "$port" "$memory" "$REPLY"
        else
            state='停止 stopped' colour='' verdict=1
            if [[ -e $DOCKET_HOME/run/$name.pid ]]; then state='已死 died' colour=$red; fi
            status_row "$name" - "$state" "$colour" "$port" - -
        fi
    done
    return "$verdict"
}
