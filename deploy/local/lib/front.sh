# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# front -- the one address in front of gate, desk and analytics: nginx with deploy/nginx/docket.conf, told this stack's ports.

front_nginx() { PATH=$PATH:/usr/sbin command -v nginx; }

# Runs where there is a desk, and nginx to run it with.
front_possible() { [[ -x $DOCKET_BIN/docket-desk ]] && front_nginx >/dev/null; }

# front_is_wanted: 1 also where `up --front 0` said so. Changes nothing.
front_is_wanted() {
    front_possible || return 1
    service_count front
    ((REPLY))
}

front_upstreams() { # KIND: a line for each that this stack keeps
    local number count
    service_count "$1"
    count=$REPLY
    for ((number = 1; number <= count; number++)); do
        port "$1-$number"
        printf '    server 127.0.0.1:%s max_fails=0;\n' "$REPLY"
    done
    ((count)) || printf '    server 127.0.0.1:1 down;\n'
}

front_configure() { # 1 when nothing has changed
    local home=$DOCKET_HOME/front listen intakes desks analytics
    mkdir -p "$home"
    chmod 0711 "$home"
    port front-1
    listen=$REPLY
    intakes=$(front_upstreams intake)
    desks=$(front_upstreams desk)
    analytics=$(front_upstreams analytics)
    awk -v listen="$listen" -v intakes="$intakes" -v desks="$desks" -v analytics="$analytics" '
        /# stack: one line for each intake/ { print intakes; next }
        /# stack: one line for each desk/ { print desks; next }
        /# stack: one line for each analytics/ { print analytics; next }
        /# stack: its own port/ { print "    listen 127.0.0.1:" listen ";"; next }
        { print }' "$REPOSITORY/deploy/nginx/docket.conf" >"$home/docket.conf.new"
    cat >"$home/nginx.conf" <<CONF
worker_processes 1;
worker_rlimit_nofile 16384;
pid $home/nginx.pid;
error_log stderr warn;
events { worker_connections 8192; }
http {
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path $home/body;
    proxy_temp_path $home/proxy;
    fastcgi_temp_path $home/fastcgi;
    uwsgi_temp_path $home/uwsgi;
    scgi_temp_path $home/scgi;
    include $home/docket.conf;
}
CONF
    if cmp -s "$home/docket.conf.new" "$home/docket.conf"; then
        rm -f "$home/docket.conf.new"
        return 1
    fi
    mv "$home/docket.conf.new" "$home/docket.conf"
}

front_start() {
    port_settle front-1 || true
    front_configure || true
    process_launch front-1 "$(front_nginx)" -p "$DOCKET_HOME/front" -e stderr -c "$DOCKET_HOME/front/nginx.conf" -g 'daemon off;'
}

# After services came, went or moved: the running nginx is told.
front_settle() {
    front_is_wanted && process_find front-1 || return 0
    local pid=$REPLY
    front_configure || return 0
    kill -HUP "$pid"
}

front_ready() {
    port front-1
    [[ $(curl -s -o /dev/null -m 2 -w '%{http_code}' "http://127.0.0.1:$REPLY/front/health") == 200 ]]
}
