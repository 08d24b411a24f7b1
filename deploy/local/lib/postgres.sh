# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# postgres -- the one PostgreSQL 15 of the stack: made with initdb, every durability setting left on, reached over
# 127.0.0.1 and a socket in the private directory, passwords by SCRAM. Run by root it belongs to the postgres user.

POSTGRES_BIN=${DOCKET_POSTGRES_BIN:-/usr/lib/postgresql/15/bin}

postgres_user() ( # COMMAND...: as the one who may run a server, from a directory that he may enter
    cd /
    if ((EUID == 0)); then
        exec setpriv --reuid postgres --regid postgres --init-groups -- "$@"
    else
        "$@"
    fi
)

# psql as the superuser, from standard input; stops at the first error.
postgres_super() { # DATABASE
    port postgres
    PGPASSWORD=$(secret postgres) PGOPTIONS='-c client_min_messages=warning' \
        psql -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$REPLY" -U postgres -d "$1"
}

postgres_uri() { # ROLE
    port postgres
    printf 'postgresql://%s:%s@127.0.0.1:%s/docket' "$1" "$(secret "$1")" "$REPLY"
}

# Made under another name first: a directory called `data` is always a whole one.
postgres_make() {
    local home=$DOCKET_HOME/postgres
    [[ -d $home/data ]] && return 0
    [[ -x $POSTGRES_BIN/initdb ]] || fail "没有 PostgreSQL 15 is missing: $POSTGRES_BIN/initdb" "deploy/local/install"
    ((EUID != 0)) || chown postgres:postgres "$home"
    rm -rf -- "$home/data.new" "$home/password"
    secret postgres >/dev/null
    install -m 0600 "$DOCKET_HOME/secrets/postgres" "$home/password"
    ((EUID != 0)) || chown postgres:postgres "$home/password"
    progress_run "PostgreSQL: 初始化 making the database" postgres_user "$POSTGRES_BIN/initdb" -D "$home/data.new" \
        -U postgres --auth=scram-sha-256 --pwfile="$home/password" -E UTF8 --locale=C.UTF-8 --no-instructions ||
        fail "PostgreSQL: initdb 失败 failed" "Is there room in $DOCKET_HOME ?"
    rm -f -- "$home/password"
    mv "$home/data.new" "$home/data"
}

# Written anew at each start: it names the port. fsync, full_page_writes and synchronous_commit keep their default, on.
postgres_configure() {
    local home=$DOCKET_HOME/postgres socket=$DOCKET_HOME/postgres compression=pglz
    port postgres
    ((${#socket} < 85)) || socket='' # a socket's path may have 107 bytes
    "$POSTGRES_BIN/pg_config" --configure | grep -q -- --with-lz4 && compression=lz4
    cat >"$home/postgresql.conf" <<CONF
data_directory = '$home/data'
hba_file = '$home/data/pg_hba.conf'
ident_file = '$home/data/pg_ident.conf'
listen_addresses = '127.0.0.1'
port = $REPLY
unix_socket_directories = '$socket'
unix_socket_permissions = 0777          # passwords are asked for there too
max_connections = 100
shared_buffers = 512MB
effective_cache_size = 2GB
maintenance_work_mem = 128MB
max_wal_size = 4GB
min_wal_size = 512MB
checkpoint_timeout = 15min
wal_compression = $compression
random_page_cost = 1.1
$(grep '^dynamic_shared_memory_type' "$home/data/postgresql.conf")   # what initdb found to work here
track_commit_timestamp = on             # when a ticket became visible, to the millisecond
jit = off                               # our statements are short
autovacuum_naptime = 10s
log_line_prefix = '%m [%p] %q%u@%d '
log_timezone = 'UTC'
timezone = 'UTC'
CONF
    chmod 0644 "$home/postgresql.conf"
}

# postgres_clear: after a crash, ends the backends that outlive their postmaster, and takes its lock files away. PostgreSQL
# looks only whether that pid exists; a zombie that nobody reaped yet, or a stranger who got the number, would stop it.
postgres_clear() {
    local data=$DOCKET_HOME/postgres/data directory pid
    process_clear_orphans postgres
    while read -r directory; do
        pid=${directory#/proc/}
        pid=${pid%/cwd}
        [[ $(<"/proc/$pid/comm") == postgres ]] || continue
        kill -KILL "$pid" || true
        while process_began "$pid"; do sleep 0.01; done
    done 2>/dev/null < <(find /proc -mindepth 2 -maxdepth 2 -name cwd -lname "$data" 2>/dev/null)
    rm -f -- "$data/postmaster.pid" "$DOCKET_HOME/postgres"/.s.PGSQL.*
}

postgres_start() {
    postgres_make
    postgres_clear
    port_settle postgres || SERVERS_MOVED=yes
    postgres_configure
    local as=()
    ((EUID != 0)) || as=(setpriv --reuid postgres --regid postgres --init-groups --)
    process_launch postgres "${as[@]}" "$POSTGRES_BIN/postgres" -D "$DOCKET_HOME/postgres/data" \
        -c "config_file=$DOCKET_HOME/postgres/postgresql.conf"
}

postgres_ready() {
    port postgres
    "$POSTGRES_BIN/pg_isready" -q -t 2 -U postgres -d postgres -h 127.0.0.1 -p "$REPLY" || return 1
}

# The database and its owner. CREATEROLE because migrations make the services' roles; BYPASSRLS because it moves data
# of every tenant, and in PostgreSQL 15 only a superuser may give that away.
postgres_prepare() {
    postgres_super postgres <<SQL || fail "PostgreSQL: 无法建立数据库 cannot make the database docket" "see $DOCKET_HOME/log/postgres.log"
DO \$\$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'docket_migrator') THEN
        CREATE ROLE docket_migrator;
    END IF;
END \$\$;
ALTER ROLE docket_migrator LOGIN CREATEROLE BYPASSRLS PASSWORD '$(secret docket_migrator)';
SELECT 'CREATE DATABASE docket OWNER docket_migrator'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'docket') \gexec
SQL
}

# After the migrations: every role they made may log in, each with a password of its own.
postgres_let_roles_in() {
    local role
    for role in $(postgres_super docket <<<"\\t on
\\a
SELECT rolname FROM pg_roles WHERE rolname LIKE 'docket\\_%' AND rolname <> 'docket_migrator' ORDER BY 1;"); do
        printf "ALTER ROLE %s LOGIN PASSWORD '%s';\n" "$role" "$(secret "$role")"
    done | postgres_super docket
}
