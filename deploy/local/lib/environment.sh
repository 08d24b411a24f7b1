# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# environment -- the shell assignments of `stack env`: how people and programs find this stack.

environment_line() { printf "export %s='%s'\n" "$1" "${2//\'/\'\\\'\'}"; } # NAME VALUE

environment_print() {
    local token=''
    [[ ! -s $DOCKET_HOME/secrets/token ]] || token=$(<"$DOCKET_HOME/secrets/token")
    environment_line DOCKET_HOME "$DOCKET_HOME"
    environment_line DOCKET_BIN "$DOCKET_BIN"
    table_get "$DOCKET_HOME/ports" intake-1 || true # chosen by `up`; this command takes no lock and writes nothing
    environment_line DOCKET_INTAKE_URL "http://127.0.0.1:$REPLY"
    table_get "$DOCKET_HOME/ports" desk-1 || true
    environment_line DOCKET_DESK_URL "http://127.0.0.1:$REPLY"
    table_get "$DOCKET_HOME/ports" analytics-1 || true
    environment_line DOCKET_ANALYTICS_URL "http://127.0.0.1:$REPLY"
    if front_is_wanted; then table_get "$DOCKET_HOME/ports" front-1 || true; else table_get "$DOCKET_HOME/ports" desk-1 || true; fi
    environment_line DOCKET_URL "http://127.0.0.1:$REPLY"
    environment_line DOCKET_TOKEN "$token"
    environment_line DOCKET_KAFKA "$(kafka_brokers)"
    environment_line DOCKET_POSTGRES "$(postgres_uri docket_operator)"
    environment_line DOCKET_POSTGRES_ADMIN "$(postgres_uri docket_migrator)"
    environment_line DOCKET_REDIS "$(redis_uri)"
    environment_line DOCKET_KEYRING "$DOCKET_HOME/secrets/keyring"
    case ":$PATH:" in
        *":$DOCKET_BIN:"*) ;;
        *) printf "export PATH='%s':\"\$PATH\"\n" "$DOCKET_BIN" ;;
    esac
}

environment_export() {
    local lines
    lines=$(environment_print)
    eval "$lines"
}
