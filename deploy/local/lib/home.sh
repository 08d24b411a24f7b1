# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# home -- the private directory of one clone's stack: what it is called, its lock, its secrets, its shape.
#
#   $DOCKET_HOME/ports          NAME PORT, one a line
#                shape          NAME COUNT: how many of what `up` keeps alive
#                clone          the repository it was made from
#                run/NAME.pid   the process id; run/NAME.start says when that process began
#                log/NAME.log
#                secrets/       passwords, the demo tenant's token, the key ring; nobody else may read
#                postgres/ redis/ kafka/

# home_default REPOSITORY: one directory per user and clone.
home_default() {
    local sum
    sum=$(printf '%s' "$1" | cksum)
    printf '%s/docket-%s-%s\n' "${TMPDIR:-/var/tmp}" "$(id -u)" "${sum%% *}"
}

home_exists() { [[ -d $DOCKET_HOME/run ]]; }

home_demand() {
    home_exists || fail "本地环境尚未启动 This stack has never been up: $DOCKET_HOME" \
        "启动 start it: deploy/local/stack up"
}

# The name is guessable and /var/tmp is everybody's: take only a directory that is ours.
home_make() {
    local parent blocked=''
    [[ $DOCKET_HOME != *[[:space:]\'\"\\]* ]] ||
        fail "DOCKET_HOME contains a space or a quote: $DOCKET_HOME" "Kafka and PostgreSQL want a plain path."
    mkdir -p -- "$DOCKET_HOME" || fail "cannot make $DOCKET_HOME" "Set DOCKET_HOME to a directory you may write to."
    [[ -O $DOCKET_HOME && ! -L $DOCKET_HOME ]] ||
        fail "$DOCKET_HOME 不属于当前用户 does not belong to you" "Set DOCKET_HOME to a directory of your own."
    # `down --purge` removes this directory, so it may not be one with somebody's things in it.
    [[ -e $DOCKET_HOME/clone || -z $(ls -A -- "$DOCKET_HOME") ]] ||
        fail "$DOCKET_HOME 已有其他内容 holds other things already" "Set DOCKET_HOME to a directory that is new or empty."
    # After `eval "$(stack env)"` in one clone, another clone's stack would work on the first one's directory.
    if [[ ! -e $DOCKET_HOME/clone ]]; then
        printf '%s\n' "$REPOSITORY" >"$DOCKET_HOME/clone"
    elif [[ $(<"$DOCKET_HOME/clone") != "$REPOSITORY" ]]; then
        say_warning "DOCKET_HOME=$DOCKET_HOME 属于 belongs to the clone $(<"$DOCKET_HOME/clone")"
    fi
    chmod 0711 "$DOCKET_HOME" # the postgres user passes through
    (
        umask 077
        mkdir -p "$DOCKET_HOME"/{run,log,secrets,redis,kafka}
    )
    mkdir -p "$DOCKET_HOME/postgres"
    chmod 0711 "$DOCKET_HOME/postgres"
    if ((EUID == 0)); then
        parent=$DOCKET_HOME
        while [[ $parent != / ]]; do
            postgres_user test -x "$parent" || blocked=$parent
            parent=$(dirname "$parent")
        done
        [[ -z $blocked ]] || fail "postgres 用户无法进入 the postgres user cannot pass through $blocked" \
            "PostgreSQL refuses to run as root. Set DOCKET_HOME (or TMPDIR) to a path that others may" \
            "traverse, such as /var/tmp/docket."
    fi
}

# One command at a time. The lock lies beside what `down --purge` removes, inside the directory: whoever waited for a
# directory that is gone takes the lock anew.
home_lock() {
    local waited=0
    while :; do
        home_make
        exec 9>"$DOCKET_HOME/lock"
        if ! flock -n 9; then
            ((waited)) || say "${DIM}… 等待另一个 stack 命令结束 waiting for another stack command${PLAIN}"
            waited=1
            flock -w 600 9 || fail "另一个 stack 命令已占用十分钟 another stack command has held $DOCKET_HOME/lock for 10 minutes"
        fi
        [[ $DOCKET_HOME/lock -ef /proc/self/fd/9 ]] && return 0
    done
}

home_purge() { rm -rf -- "$DOCKET_HOME"; }

# secret NAME: made on the first call, the same ever after. 32 hexadecimal digits need no quoting anywhere.
secret() {
    local file=$DOCKET_HOME/secrets/$1
    if [[ ! -s $file ]]; then
        (
            umask 077
            od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$file.new"
            mv "$file.new" "$file"
        )
    fi
    cat "$file"
}

# A small table in a file, NAME VALUE on each line: ports and shape.
table_get() { # FILE NAME: REPLY; 1 where the table has no such name
    local name value
    REPLY=
    [[ -f $1 ]] || return 1
    while read -r name value; do
        if [[ $name == "$2" ]]; then
            REPLY=$value
            return 0
        fi
    done <"$1"
    return 1
}
table_set() { # FILE NAME VALUE
    local name value
    {
        if [[ -f $1 ]]; then
            while read -r name value; do
                [[ $name == "$2" ]] || printf '%s %s\n' "$name" "$value"
            done <"$1"
        fi
        printf '%s %s\n' "$2" "$3"
    } >"$1.new"
    mv "$1.new" "$1"
}

# shape NAME DEFAULT: how many of it this stack keeps.
shape() { table_get "$DOCKET_HOME/shape" "$1" || REPLY=$2; }
shape_set() { table_set "$DOCKET_HOME/shape" "$1" "$2"; }
