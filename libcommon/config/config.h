/* Config -- one table describes a service's settings; a file and the environment fill its struct.
 *
 * The file holds `key = value` lines; `#` begins a comment at the start of a line or behind a
 * space; quotes around a value are optional. DOCKET_<KEY IN CAPITALS> in the environment overrides
 * the file ("pool.size" and "pool_size" are both DOCKET_POOL_SIZE). Text keys become owned
 * `char *` (never NULL), numbers `int64_t`, CONFIG_BOOL `bool`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

typedef enum ConfigType {
    CONFIG_STRING,
    CONFIG_SECRET, /* text that is never shown */
    CONFIG_INT,
    CONFIG_BOOL,     /* true false yes no on off */
    CONFIG_DURATION, /* int64_t milliseconds: 250ms 5s 2m 1h 7d; a bare 0 is fine */
    CONFIG_BYTES,    /* int64_t: 4096 64KiB 16MiB 1GiB */
    CONFIG_ADDRESS,  /* host:port or [::1]:port; `min` is the lowest port: 1 to connect, 0 to listen
                      */
    CONFIG_ADDRESSES, /* host:port[,host:port...], `min` as above */
    CONFIG_URL,       /* scheme://[user[:password]@]host[:port][/path], scheme out of `schemes` */
    CONFIG_FILE,      /* a path; unless empty it must be a readable regular file */
    CONFIG_CHOICE     /* text, one of the words in `choices` */
} ConfigType;

/* Fill it with designators: `{.name = "linger", .type = CONFIG_DURATION, ...}`. */
typedef struct ConfigKey {
    const char *name; /* lower case, digits, _ and . */
    ConfigType type;
    size_t offset;        /* of the field in the struct */
    const char *fallback; /* text form; NULL: the key is required */
    int64_t min, max;     /* of numbers, both inclusive; max 0: no upper bound */
    const char *help;     /* one line */
    const char *schemes;  /* CONFIG_URL: "postgresql postgres"; NULL: any that we know */
    const char *choices;  /* CONFIG_CHOICE: "logfmt json" */
} ConfigKey;

/* Fills *ret_struct (which must be zeroed). `file` may be NULL: environment and fallbacks only.
 * 0, or -EINVAL with one line per problem in *ret_problem, each with place, reason and remedy:
 *   deploy/config/intake.conf:12: unknown key `lissten`; did you mean `listen`?
 * On failure the struct needs no config_done(). */
int config_load(const ConfigKey *keys, size_t n, const char *file, void *ret_struct,
                Buf *ret_problem);
/* Frees the texts inside; safe on a zeroed struct, and twice. */
void config_done(const ConfigKey *keys, size_t n, void *cfg);
/* A file that config_load() would read back, with help and defaults as comments; passwords in URLs
 * and secrets are shown as ***. With cfg NULL: the fallbacks. */
void config_print(const ConfigKey *keys, size_t n, const void *cfg, FILE *to);

/* Pure pieces, for `docket` and tests. */
int config_parse_duration(Str text, int64_t *ret_ms); /* -EINVAL, -ERANGE */
int config_parse_bytes(Str text, int64_t *ret);       /* -EINVAL, -ERANGE */
/* "127.0.0.1:80" or "[::1]:80" -> host without brackets (ret_host holds 256 bytes) and port. */
int config_parse_address(Str text, char *ret_host, uint16_t *ret_port);
void config_mask_url(Str url, Buf *ret); /* the password replaced by *** */
