/* The look at the file, once a second. */
#include "keyring/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "log/log.h"

enum { LOOK_MS = 1000 };

struct Keyring {
    Vault *vault;
    LoopTimer *timer;
    bool refused; /* the last look; it is said once */
};

static void on_timer(void *arg) {
    Keyring *k = arg;
    CLEANUP(buf_done) Buf problem = {0};
    int r = vault_reload_if_changed(k->vault, &problem);
    if (r > 0) {
        log_info(NULL, "The key ring was read again; key %u is active", vault_active_key(k->vault));
    } else if (r < 0 && !k->refused) {
        log_error(NULL, "The key ring has changed and was refused, the old one stays: %s",
                  problem.p ? problem.p : strerror(-r));
    }
    k->refused = r < 0;
    loop_timer_arm(k->timer, LOOK_MS);
}

Keyring *keyring_open(Loop *loop, const char *file, Buf *ret_problem) {
    Vault *vault = vault_open(file, ret_problem);
    if (!vault) return NULL;
    Keyring *k = xcalloc(1, sizeof(*k));
    k->vault = vault;
    k->timer = loop_timer_new(loop, on_timer, k);
    loop_timer_arm(k->timer, LOOK_MS);
    return k;
}

Keyring *keyring_free(Keyring *k) {
    if (!k) return NULL;
    loop_timer_free(k->timer);
    vault_free(k->vault);
    free(k);
    return NULL;
}

Vault *keyring_vault(const Keyring *k) {
    return k->vault;
}
