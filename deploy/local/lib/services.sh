# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# services -- Docket's own processes: how many of each, where they listen, what they are told, are they ready.

# KIND COUNT LISTENS RING: how many by default, does it serve clients, may it hold the key ring for personal data.
# The front is nginx (front.sh), at most one.
SERVICES='intake 1 yes yes
router 2 no no
desk 1 yes yes
sla 1 no no
notifier 1 no yes
analytics 1 yes no
front 1 yes no'

service_kinds() { # REPLY_NAMES
    mapfile -t REPLY_NAMES < <(cut -d' ' -f1 <<<"$SERVICES")
}
service_field() { awk -v kind="$1" -v field="$2" '$1 == kind { print $field }' <<<"$SERVICES"; } # KIND 2..4

service_count() { shape "$1" "$(service_field "$1" 2)"; } # KIND: REPLY

service_program() { printf '%s/docket-%s' "$DOCKET_BIN" "${1%-*}"; } # NAME

services_names() { # REPLY_NAMES: intake-1 router-1 router-2, of those kinds that have been built
    local kind number names=()
    service_kinds
    for kind in "${REPLY_NAMES[@]}"; do
        if [[ $kind == front ]]; then front_possible || continue; else [[ -x $DOCKET_BIN/docket-$kind ]] || continue; fi
        service_count "$kind"
        for ((number = 1; number <= REPLY; number++)); do names+=("$kind-$number"); done
    done
    REPLY_NAMES=("${names[@]}")
}

service_is() { # NAME
    service_kinds
    [[ $1 =~ ^([a-z]+)-[1-9][0-9]*$ && " ${REPLY_NAMES[*]} " == *" ${BASH_REMATCH[1]} "* ]]
}

# What comes from the caller's environment (DOCKET_CRASH, DOCKET_CLOCK ...) goes on to the service, except for what is
# an operator's; what the stack knows better goes over it.
service_start() { # NAME
    local name=$1 kind=${1%-*} program
    if [[ $kind == front ]]; then
        front_start
        return
    fi
    program=$(service_program "$name")
    [[ -x $program ]] || fail "$name: 尚未编译 is not built: $program" "deploy/local/build"
    process_clear_orphans "$name"
    port_settle "$name-ops" || true
    [[ $(service_field "$kind" 3) == no ]] || port_settle "$name" || true
    local -x DOCKET_INSTANCE=$name DOCKET_OPS_LISTEN DOCKET_KAFKA_BROKERS DOCKET_POSTGRES_URL DOCKET_REDIS_URL
    port "$name-ops"
    DOCKET_OPS_LISTEN=127.0.0.1:$REPLY
    DOCKET_KAFKA_BROKERS=$(kafka_brokers)
    DOCKET_POSTGRES_URL=$(postgres_uri "docket_$kind")
    DOCKET_REDIS_URL=$(redis_uri)
    if [[ $(service_field "$kind" 3) == yes ]]; then
        port "$name"
        local -x DOCKET_LISTEN=127.0.0.1:$REPLY
    fi
    local ring=(-u DOCKET_KEYRING)
    [[ $(service_field "$kind" 4) == no ]] || ring=("DOCKET_KEYRING=$DOCKET_HOME/secrets/keyring")
    process_launch "$name" env -u DOCKET_POSTGRES -u DOCKET_POSTGRES_ADMIN -u DOCKET_TOKEN "${ring[@]}" \
        "$program" --config "$REPOSITORY/deploy/config/$kind.conf"
}

service_ready() { # NAME: 0 ready, 1 not yet, 2 it has ended or was frozen
    process_find "$1" || return 2
    ! process_paused "$1" || return 2
    if [[ $1 == front-* ]]; then
        front_ready
        return
    fi
    port "$1-ops"
    [[ $(curl -s -o /dev/null -m 2 -w '%{http_code}' "http://127.0.0.1:$REPLY/health/ready") == 200 ]]
}

service_wait() { # NAME
    local verdict=0 limit=$((60 * ${DOCKET_STACK_PATIENCE:-1})) # DOCKET_STACK_PATIENCE: for tests, whose machine is busy
    progress_wait "$1: 启动 starting" $limit service_ready "$1" || verdict=$?
    case $verdict in
        0) return 0 ;;
        2)
            ! process_paused "$1" || fail "$1 启动时被暂停 was paused while starting" "deploy/local/stack resume $1"
            process_forget "$1"
            say_error "$1 启动失败 ended while starting"
            ;;
        *) say_error "$1: $limit 秒内未就绪 did not become ready within $limit s" ;;
    esac
    show_tail "$DOCKET_HOME/log/$1.log" "${PROCESS_LOG_FROM[$1]:-0}"
    say "  照日志所说处理，再运行 do what the log says, then: deploy/local/stack up"
    exit 1
}

# services_up: as many of each kind as the shape says: starts the missing ones, stops the surplus.
services_up() {
    local name names surplus=() started=()
    services_names
    names=("${REPLY_NAMES[@]}")
    processes_names
    for name in "${REPLY_NAMES[@]}"; do
        server_is "$name" || [[ " ${names[*]} " == *" $name "* ]] || surplus+=("$name")
    done
    ((${#surplus[@]} == 0)) || processes_stop 30 "${surplus[@]}"
    for name in "${names[@]}"; do
        process_find "$name" && continue
        service_start "$name"
        started+=("$name")
    done
    front_settle
    for name in "${names[@]}"; do
        if process_paused "$name"; then
            say_warning "$name 已暂停，保持不动 is paused and stays so: deploy/local/stack resume $name"
        else
            service_wait "$name"
        fi
    done
    if ((${#started[@]})); then
        say_done "服务已启动 services started: ${started[*]}"
    elif ((${#names[@]})); then
        say_done "服务均在运行 services are running: ${names[*]}"
    fi
    ((${#surplus[@]} == 0)) || say_done "已停止多余的 surplus stopped: ${surplus[*]}"
}
