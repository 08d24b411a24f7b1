/* Statements -- the SQL of delivering; columns and parameters as their readers and writers count
 * them. */
#pragma once

#include "postgres/client.h"

extern const PostgresStatement delivering_fence; /* $1 tenants */
extern const PostgresStatement delivering_look;  /* $1 tenant, $2 destination: behind; $3 rows */
extern const PostgresStatement delivering_claim; /* see claiming.c */
extern const PostgresStatement delivering_gather;
extern const PostgresStatement delivering_expire;
extern const PostgresStatement delivering_record; /* see recording.c */
extern const PostgresStatement delivering_fail;
extern const PostgresStatement delivering_revive;
extern const PostgresStatement delivering_tell_owner;
