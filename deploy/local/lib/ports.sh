# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# ports -- private, free, and the same ones every time: chosen when first asked for, kept in $DOCKET_HOME/ports.

PORTS_FROM=20000 # below Linux's ephemeral range, so that no outgoing connection sits on one
PORTS_COUNT=12000

# port_taken PORT: does anybody listen there? Read from /proc, so nobody is disturbed by a connection.
port_taken() {
    local hex
    printf -v hex '%04X' "$1"
    grep -qsE "^ *[0-9]+: [0-9A-F]+:$hex [0-9A-F:]+ 0A " /proc/net/tcp /proc/net/tcp6
}

# port_promised PORT: is it written down by some stack of this machine, running or not?
port_promised() {
    local file
    for file in "$DOCKET_HOME/ports" "${TMPDIR:-/var/tmp}"/docket-*/ports /var/tmp/docket-*/ports; do
        [[ -r $file ]] && grep -qE " $1\$" "$file" && return 0
    done
    return 1
}

# port NAME: REPLY is the port of that process, chosen now if it has none yet.
port() {
    table_get "$DOCKET_HOME/ports" "$1" || port_choose "$1"
}

port_choose() {
    local candidate tries
    for ((tries = 0; tries < 200; tries++)); do
        candidate=$((PORTS_FROM + (RANDOM * 32768 + RANDOM) % PORTS_COUNT))
        port_taken "$candidate" && continue
        port_promised "$candidate" && continue
        table_set "$DOCKET_HOME/ports" "$1" "$candidate"
        REPLY=$candidate
        return 0
    done
    fail "找不到空闲端口 no free port between $PORTS_FROM and $((PORTS_FROM + PORTS_COUNT))"
}

# port_settle NAME: called before NAME is started. Returns 1 after the port had to move because a stranger sits on
# it; whoever was told the old one must be started again.
port_settle() {
    local name=$1 was
    port "$name"
    was=$REPLY
    port_taken "$was" || return 0
    port_choose "$name"
    say_warning "$name: 端口 port $was 被占用 is taken by another program; 改用 moves to $REPLY"
    return 1
}
