# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# redis -- one Redis (`redis`), or a Redis Cluster of three (`redis-1` to `redis-3`). It keeps nothing on disk: Docket
# must bear that Redis vanishes, so the stack's Redis forgets everything when it stops.

redis_names() { # REPLY_NAMES
    shape redis-cluster 0
    if ((REPLY)); then REPLY_NAMES=(redis-1 redis-2 redis-3); else REPLY_NAMES=(redis); fi
}

redis_command() { # NAME ARGUMENT...
    local name=$1
    shift
    port "$name"
    REDISCLI_AUTH=$(secret redis) timeout 5 redis-cli --no-auth-warning -h 127.0.0.1 -p "$REPLY" "$@"
}

redis_start() { # NAME
    local name=$1 home=$DOCKET_HOME/redis/$1 password
    command -v redis-server >/dev/null || fail "没有 Redis is missing: redis-server" "deploy/local/install"
    mkdir -p -- "$home"
    process_clear_orphans "$name"
    port_settle "$name" || SERVERS_MOVED=yes
    port "$name"
    password=$(secret redis)
    (
        umask 077
        cat >"$home/redis.conf" <<CONF
bind 127.0.0.1
port $REPLY
dir $home
requirepass $password
masterauth $password
appendonly no
save ""
maxmemory 1gb
maxmemory-policy noeviction
set-proc-title no
enable-debug-command local
CONF
    )
    if [[ $name != redis ]]; then
        rm -f -- "$home/nodes.conf" # all three forget together, see redis_join
        port "$name-bus"
        printf '%s\n' "cluster-enabled yes" "cluster-config-file nodes.conf" "cluster-node-timeout 2000" \
            "cluster-port $REPLY" >>"$home/redis.conf"
    fi
    process_launch "$name" redis-server "$home/redis.conf"
}

redis_ready() { [[ $(redis_command "$1" ping 2>/dev/null) == PONG ]]; } # NAME

# redis_join: makes the cluster of three nodes that do not know one another, or gives a node that came back empty its
# old slots' worth of a new start: an empty node cannot rejoin, so then all three begin anew.
redis_join() {
    local name nodes=() known
    redis_names
    [[ ${REPLY_NAMES[0]} != redis ]] || return 0
    known=$(redis_command redis-1 cluster info | tr -d '\r' | sed -n 's/^cluster_state://p;s/^cluster_known_nodes://p' | xargs)
    if [[ $known == 'ok 3' ]]; then
        for name in redis-2 redis-3; do
            known=$(redis_command "$name" cluster info | tr -d '\r' | sed -n 's/^cluster_state://p;s/^cluster_known_nodes://p' | xargs)
            [[ $known == 'ok 3' ]] || break
        done
        [[ $known != 'ok 3' ]] || return 0
    fi
    for name in "${REPLY_NAMES[@]}"; do
        redis_command "$name" flushall >/dev/null || true
        redis_command "$name" cluster reset hard >/dev/null
        port "$name"
        nodes+=("127.0.0.1:$REPLY")
    done
    REDISCLI_AUTH=$(secret redis) progress_run "Redis: 组成集群 making the cluster" \
        redis-cli --no-auth-warning --cluster create "${nodes[@]}" --cluster-yes ||
        fail "Redis: 无法组成集群 the cluster cannot be made" "deploy/local/stack down && deploy/local/stack up"
    progress_wait "Redis: 集群就绪 waiting for the cluster" 20 redis_cluster_ok ||
        fail "Redis: 集群未就绪 the cluster does not become ready" "see $DOCKET_HOME/log/redis-1.log"
}
redis_cluster_ok() {
    local name
    for name in redis-1 redis-2 redis-3; do
        redis_command "$name" cluster info 2>/dev/null | grep -q '^cluster_state:ok' || return 1
    done
}

# redis://default:password@host:port, or redis-cluster://... with every node. The user is named because redis-cli takes
# an empty one literally.
redis_uri() {
    local name list='' scheme=redis
    redis_names
    ((${#REPLY_NAMES[@]} == 1)) || scheme=redis-cluster
    for name in "${REPLY_NAMES[@]}"; do
        port "$name"
        list+=,127.0.0.1:$REPLY
    done
    printf '%s://default:%s@%s' "$scheme" "$(secret redis)" "${list#,}"
}
