/* What the files of delivering share. */
#pragma once

#include "log/log.h"
#include "metrics/metrics.h"
#include "notifier/delivering/delivering.h"
#include "notifier/delivering/verdict.h"
#include "postgres/connection.h"

enum {
    CLAIM_DESTINATIONS = 64, /* in one transaction */
    CLAIM_ROWS = 1024,
    RECORD_ROWS = 1024,
    LOOK_ROWS = 1000,
    ZONES_MAX = 64
};

typedef enum TaskEnd { TASK_TRIED, TASK_RELEASED /* never begun */ } TaskEnd;

/* A claimed row; the rows of one digest hang together by `rest`. */
typedef struct Task {
    struct Task *next;  /* in the line it stands in */
    struct Task **self; /* while it is under way: what points to it */
    struct Task *rest;
    Delivering *owner;
    Destination *destination;
    LetterRow row;
    int64_t revision; /* of the documents that decided it */
    int32_t lease_no;
    uint32_t attempts;
    int64_t expires_ms, due_ms; /* wall clock */
    int64_t lease_end_ms;       /* monotonic */
    bool folded;
    Str fold, personal, email, person_name, locale, zone, tenant;
    size_t bytes;
    /* Under way. */
    Arena *arena;
    const Catalog *catalog;
    Letter letter;
    /* How it ended. */
    TaskEnd end;
    Verdict verdict;
    int status;
    char *reason; /* NULL: none */
    bool dead;    /* its destination is gone for good */
    char data[];  /* what the texts point into */
} Task;

typedef struct TaskLine {
    Task *first, *last;
    size_t n;
} TaskLine;

typedef enum DeliveringWork {
    DELIVERING_IDLE,
    DELIVERING_LOOKS,
    DELIVERING_CLAIMS,
    DELIVERING_GATHERS,
    DELIVERING_EXPIRES
} DeliveringWork;

struct Delivering {
    Loop *loop;
    DeliveringSettings settings;
    DeliveringParts parts;
    Destinations *destinations;
    Connection *claims, *records;
    LoopTimer *wake, *stalled_timer;
    bool draining, freeing, pumping;

    /* claiming.c: one thing at a time on its connection. */
    DeliveringWork work;
    bool look_due;
    int64_t look_at_ms, looked_ms, expire_at_ms; /* monotonic */
    int64_t look_tenant;
    Buf look_destination;
    Destination *asked[CLAIM_DESTINATIONS];
    int asked_for[CLAIM_DESTINATIONS];
    size_t asked_n;
    int64_t lease_end_ms;
    TaskLine leaders; /* of digests whose other rows are to be claimed */
    TaskLine gathering;
    Params params[2];
    int64_t retry_at_ms;

    /* sending.c */
    Destination **stalled;
    size_t stalled_n, stalled_room;
    Task *under_way;
    size_t running;
    Arena *spare[64];
    size_t spare_n;
    struct {
        Str name;
        Zone *zone;
    } zones[ZONES_MAX];
    size_t zones_n;

    /* recording.c */
    TaskLine ended, recording;
    bool recording_runs, telling_failing;
    bool again;   /* nobody knows whether the last try was committed */
    bool second;  /* what runs is the second look for what the first did not find */
    size_t found; /* ... by the first */
    int64_t record_at_ms;
    Params record_params[5];
    Destination **changed;
    size_t changed_n, changed_room;

    Metric *outcomes[NOTIFY_WAYS][4], *doubts, *late, *released, *tries, *seconds, *held, *gone,
        *looks;
};

void task_line_add(TaskLine *l, Task *t);
Task *task_line_take(TaskLine *l);
void task_free(Task *t); /* with its rest */

/* Whatever can be begun is begun. */
void delivering_pump(Delivering *d);

void claiming_pump(Delivering *d);
int claiming_lease_ms(const Delivering *d, int way);

/* A row, or a whole digest, is claimed. */
void sending_add(Delivering *d, Task *t);
void sending_pump(Delivering *d, Destination *to);
void sending_pump_stalled(Delivering *d);
/* Everything that waits in here for this destination goes back. */
void sending_release(Delivering *d, Destination *to, int64_t lease_before_ms);
void sending_done(Delivering *d);

/* It has ended: its row says so soon. */
void recording_add(Delivering *d, Task *t);
void recording_pump(Delivering *d);

/* Whom a task is for. 0; -EINVAL: nobody, or no address; -ENOKEY: not now. */
int person_open(Delivering *d, const Task *t, Arena *arena, LetterPerson *ret, Buf *ret_problem);
