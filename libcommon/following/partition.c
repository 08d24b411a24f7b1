/* Source: org.apache.kafka.common.utils.Utils.murmur2 (MurmurHash2 by A. Appleby, public domain).
 */
#include "following/partition.h"

#include <stdio.h>
#include <string.h>

static uint32_t murmur2(const unsigned char *data, size_t n) {
    const uint32_t m = 0x5bd1e995;
    uint32_t h = 0x9747b28cU ^ (uint32_t)n;
    for (; n >= 4; data += 4, n -= 4) {
        uint32_t k = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
                     (uint32_t)data[3] << 24;
        k *= m;
        k ^= k >> 24;
        k *= m;
        h = h * m ^ k;
    }
    for (size_t i = n; i-- > 0;)
        h ^= (uint32_t)data[i] << (8 * i);
    if (n) h *= m;
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

int32_t partition_of_ticket(int64_t ticket_id, int partitions) {
    char key[24];
    int n = snprintf(key, sizeof(key), "%lld", (long long)ticket_id);
    return (int32_t)((murmur2((const unsigned char *)key, (size_t)n) & 0x7fffffff) %
                     (uint32_t)partitions);
}
