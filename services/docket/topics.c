/* docket topics -- makes the topics of deploy/topics.conf that are not there yet. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docket/command.h"
#include "kafka/admin.h"

enum { TOPICS_MAX = 64 };

typedef struct TopicList {
    KafkaTopic topics[TOPICS_MAX];
    size_t n;
} TopicList;

static void topic_list_done(TopicList *list) {
    for (size_t i = 0; i < list->n; i++)
        free((char *)list->topics[i].name);
}

/* One line: name partitions retention_hours max_message_bytes. 0, or -EINVAL with the reason in
 * *ret_reason. */
static int topic_parse(char *line, KafkaTopic *ret, const char **ret_reason) {
    char *words[5], *rest = NULL;
    int n = 0;
    for (char *word = strtok_r(line, " \t\r\n", &rest); word;
         word = strtok_r(NULL, " \t\r\n", &rest)) {
        if (n == 4) {
            *ret_reason = "more than four columns";
            return -EINVAL;
        }
        words[n++] = word;
    }
    if (n != 4) {
        *ret_reason = "four columns are needed: name partitions retention_hours max_message_bytes";
        return -EINVAL;
    }
    int64_t partitions, hours, bytes;
    if (str_to_i64(str(words[1]), &partitions) < 0 || partitions < 1 || partitions > 1000) {
        *ret_reason = "partitions must be a number from 1 to 1000";
        return -EINVAL;
    }
    if (str_to_i64(str(words[2]), &hours) < 0 || hours < 1 || hours > 87600) {
        *ret_reason = "retention_hours must be a number from 1 to 87600";
        return -EINVAL;
    }
    if (str_to_i64(str(words[3]), &bytes) < 0 || bytes < 1024 || bytes > 64 << 20) {
        *ret_reason = "max_message_bytes must be a number from 1024 to 67108864";
        return -EINVAL;
    }
    *ret = (KafkaTopic){.name = xstrdup(words[0]),
                        .partitions = (int)partitions,
                        .retention_ms = hours * 3600 * 1000,
                        .max_message_bytes = bytes};
    return 0;
}

static int topics_read(const char *file, TopicList *ret) {
    FILE *in = fopen(file, "re");
    if (!in) {
        (void)fprintf(stderr, "docket topics: %s: %s\n", file, strerror(errno));
        return -errno;
    }
    char line[512];
    int number = 0, r = 0;
    while (r == 0 && fgets(line, sizeof(line), in)) {
        const char *reason = NULL;
        number++;
        line[strcspn(line, "#")] = 0;
        if (line[strspn(line, " \t\r\n")] == 0) continue;
        if (ret->n == TOPICS_MAX) reason = "more topics than 64";
        if (reason || topic_parse(line, &ret->topics[ret->n], &reason) < 0) {
            (void)fprintf(stderr, "docket topics: %s:%d: %s\n", file, number, reason);
            r = -EINVAL;
        } else
            ret->n++;
    }
    (void)fclose(in);
    return r;
}

static int topics_run(int argc, char **argv) {
    static const struct option options[] = {
        {"file", required_argument, NULL, 'f'}, {"kafka", required_argument, NULL, 'k'}, {0}};
    const char *file = NULL, *brokers = NULL;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'f')
            file = optarg;
        else if (c == 'k')
            brokers = optarg;
        else
            return 2;
    }
    if (!file) {
        (void)fprintf(stderr, "docket topics: which list? Give --file deploy/topics.conf\n");
        return 2;
    }
    CLEANUP(topic_list_done) TopicList list = {0};
    if (topics_read(file, &list) < 0) return 2;
    if (!brokers) brokers = command_environment("DOCKET_KAFKA", "the brokers, host:port,host:port");

    CLEANUP(buf_done) Buf problem = {0};
    KafkaTopicOutcome outcomes[TOPICS_MAX];
    CLEANUP(kafka_admin_freep)
    KafkaAdmin *admin =
        kafka_admin_new(&(KafkaAdminSettings){.brokers = brokers, .timeout_ms = 20000}, &problem);
    if (!admin || kafka_admin_create_topics(admin, list.topics, list.n, outcomes, &problem) < 0) {
        (void)fprintf(stderr, "docket topics: %s\n",
                      problem.p ? problem.p : "Kafka did not answer");
        return 2;
    }
    for (size_t i = 0; i < list.n; i++)
        printf("%-26s %3d 分区 partitions   %s\n", list.topics[i].name, list.topics[i].partitions,
               outcomes[i] == KAFKA_TOPIC_CREATED ? "已建立 created" : "已存在 exists");
    return 0;
}

const Command topics_command = {
    .name = "topics",
    .summary = "make the Kafka topics that are missing",
    .help = "Usage: docket topics --file deploy/topics.conf [--kafka BROKERS]\n"
            "\n"
            "Each line of the file: name partitions retention_hours max_message_bytes; # begins a "
            "comment.\n"
            "Topics that exist are left as they are. Replication is three where there are three "
            "brokers.\n"
            "\n"
            "  --kafka BROKERS   default: DOCKET_KAFKA\n",
    .run = topics_run,
};
