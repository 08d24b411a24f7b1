/* docket keys -- the key ring for personal data: make it, add a key, look at it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docket/command.h"
#include "vault/vault.h"

static int failed(const Buf *problem) {
    (void)fprintf(stderr, "docket keys: %s\n", problem->p ? problem->p : "unknown trouble");
    return 2;
}

static int keys_run(int argc, char **argv) {
    static const struct option options[] = {
        {"ring", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'}, {0}};
    const char *ring = getenv("DOCKET_KEYRING");
    bool json = false;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'r')
            ring = optarg;
        else if (c == 'j')
            json = true;
        else
            return 2;
    }
    const char *verb = optind < argc ? argv[optind] : "";
    if (!ring || !*ring) {
        (void)fprintf(stderr, "docket keys: which ring? Give --ring FILE or set DOCKET_KEYRING\n");
        return 2;
    }
    CLEANUP(buf_done) Buf problem = {0};
    int key;
    if (strcmp(verb, "init") == 0) {
        if (vault_ring_create(ring, &problem) < 0) return failed(&problem);
        key = 1;
    } else if (strcmp(verb, "rotate") == 0) {
        key = vault_ring_rotate(ring, &problem);
        if (key < 0) return failed(&problem);
    } else if (strcmp(verb, "show") == 0) {
        CLEANUP(vault_freep) Vault *vault = vault_open(ring, &problem);
        if (!vault) return failed(&problem);
        key = vault_active_key(vault);
    } else {
        (void)fprintf(
            stderr, "docket keys: init, rotate or show, not '%s'; see docket keys --help\n", verb);
        return 2;
    }
    if (json)
        printf("{\"ring\":\"%s\",\"active_key\":%d}\n", ring, key);
    else
        printf("密钥环 ring %s：当前密钥 active key %d\n", ring, key);
    return 0;
}

const Command keys_command = {
    .name = "keys",
    .summary = "the key ring that encrypts personal data: init, rotate, show",
    .help = "Usage: docket keys init|rotate|show [--ring FILE] [--json]\n"
            "\n"
            "  init     a new ring with one key and the hash key; an existing file is left alone\n"
            "  rotate   adds a key and makes it the one that seals; older values stay readable.\n"
            "           Every intake reads the file again within 2 s; copy it to all of them\n"
            "  show     the number of the active key\n"
            "\n"
            "  --ring FILE   default: DOCKET_KEYRING\n",
    .run = keys_run,
};
