# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# servers -- PostgreSQL, Redis and Kafka as one set: names, start, is it ready, and why not.

servers_names() { # REPLY_NAMES: in the order of the status table
    local names=(postgres)
    redis_names
    names+=("${REPLY_NAMES[@]}")
    kafka_names
    REPLY_NAMES=("${names[@]}" "${REPLY_NAMES[@]}")
}

server_is() { [[ $1 == postgres || $1 =~ ^(redis|kafka)(-[1-3])?$ ]]; }

server_start() { # NAME
    case $1 in
        postgres) postgres_start ;;
        redis*) redis_start "$1" ;;
        kafka*) kafka_start "$1" ;;
    esac
}

# 0 ready, 1 not yet, 2 it has ended and never will be.
server_ready() { # NAME
    process_find "$1" || return 2
    case $1 in
        postgres) postgres_ready ;;
        redis*) redis_ready "$1" ;;
        kafka*) kafka_ready "$1" ;;
    esac
}

server_wait() { # NAME
    local name=$1 verdict=0 why remedy limit=$((90 * ${DOCKET_STACK_PATIENCE:-1}))
    ! process_paused "$name" || fail "$name 已暂停 is paused" "deploy/local/stack resume $name"
    progress_wait "$name: 启动 starting" $limit server_ready "$name" || verdict=$?
    ((verdict)) || return 0
    why='已退出 it ended'
    ((verdict == 2)) || why="$limit 秒内未就绪 it did not become ready within $limit s"
    say_error "$name 未能启动 did not come up: $why"
    show_tail "$DOCKET_HOME/log/$name.log" "${PROCESS_LOG_FROM[$name]:-0}"
    ((verdict != 2)) || process_forget "$name"
    remedy='deploy/local/stack down --purge && deploy/local/stack up'
    say "  日志若指出原因，先照做 First do what the log asks for (room on the disk, memory, permissions)."
    say "  数据损坏则重建，本地数据会丢失 If its files are damaged, begin anew; this deletes the stack's data:"
    say "    ${BOLD}$remedy${PLAIN}"
    exit 1
}

# servers_up: starts whichever is not running, all at once, and returns when every one answers. SERVERS_MOVED is set
# when a port had to change.
servers_up() {
    local at name names started=()
    servers_names
    names=("${REPLY_NAMES[@]}")
    SERVERS_MOVED=
    # The slowest first, last in the list: Kafka formats its directory while initdb makes PostgreSQL's.
    for ((at = ${#names[@]} - 1; at >= 0; at--)); do
        name=${names[at]}
        process_find "$name" && continue
        server_start "$name"
        started=("$name" "${started[@]}")
    done
    for name in "${names[@]}"; do server_wait "$name"; done
    redis_join
    postgres_prepare
    if ((${#started[@]})); then
        say_done "服务器已启动 servers started: ${started[*]}"
    else
        say_done "服务器均在运行 servers are running: ${names[*]}"
    fi
}
