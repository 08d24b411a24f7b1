# shellcheck shell=bash disable=SC2034,SC2153  # parts of ../stack share their variables
# bootstrap -- what fresh servers need before the services start: schema, topics, the key ring, the demo tenant.
# Everything here is a call of the operator's tool, and may be called again.

BOOTSTRAP_DEMO=$REPOSITORY/deploy/demo/shop.yaml

bootstrap_possible() { [[ -x $DOCKET_BIN/docket ]]; }

bootstrap() {
    environment_export
    bootstrap_step "数据库结构 migrating the database" bootstrap_tool migrate
    postgres_let_roles_in
    bootstrap_step "消息主题 making the topics" bootstrap_tool topics --file "$REPOSITORY/deploy/topics.conf"
    [[ -s $DOCKET_KEYRING ]] || bootstrap_step "密钥环 making the key ring" bootstrap_tool keys init --ring "$DOCKET_KEYRING"
    [[ -s $DOCKET_HOME/secrets/token || ${DOCKET_STACK_DEMO:-1} == 0 ]] || bootstrap_demo
}

# Once in the life of a stack: what somebody changes in the demo tenant afterwards stays as it is. Not where
# DOCKET_STACK_DEMO=0: tests make tenants of their own.
bootstrap_demo() {
    local token words=$DOCKET_HOME/log/token.log
    bootstrap_step "演示租户 making the demo tenant" bootstrap_tool tenant create demo --title 示例商城 --if-missing
    [[ ! -f $BOOTSTRAP_DEMO ]] ||
        bootstrap_step "演示配置 applying the demo shop" bootstrap_tool apply --tenant demo "$BOOTSTRAP_DEMO"
    bootstrap_step "演示来源 making its source" \
        bootstrap_tool source create --tenant demo --name storefront --channels web,api,app --if-missing
    bootstrap_step "演示用户 making its users" bootstrap_demo_users
    token=$(bootstrap_tool token create --tenant demo --role administrator --label stack 2>"$words") || {
        show_tail "$words"
        fail "无法建立令牌 docket token create failed"
    }
    (
        umask 077
        printf '%s\n' "$token" >"$DOCKET_HOME/secrets/token.new"
        mv "$DOCKET_HOME/secrets/token.new" "$DOCKET_HOME/secrets/token"
    )
}

# People to sign in as: every agent, one of them a lead, and one of each other role. One random password for them all, in
# $DOCKET_HOME/secrets/demo-password.
bootstrap_demo_users() {
    local password role
    password=$(secret demo-password)
    bootstrap_user --email lin.xiaowan@demo.example --agent lin.xiaowan --role lead || return
    bootstrap_user --agents demo.example || return
    for role in manager administrator auditor; do
        bootstrap_user --email "$role@demo.example" --name "$role" --role "$role" || return
    done
    bootstrap_user --email customer@demo.example --role customer
}

bootstrap_user() { # OPTION...; $password is the caller's
    bootstrap_tool user create --tenant demo --if-missing "$@" <<<"$password"
}

bootstrap_tool() { "$DOCKET_BIN/docket" "$@"; }

bootstrap_step() { # LABEL COMMAND...
    progress_run "$@" || fail "未能准备好 the stack is not ready for its services: docket ${*:3}" \
        "服务器保持运行，修正后再运行 the servers stay up; when it is mended: deploy/local/stack up"
}
