/* Gateway -- signed requests to the clouds that send SMS: Aliyun's ACS3-HMAC-SHA256 and Tencent's
 * TC3-HMAC-SHA256. Pure.
 *
 * Every result lives in the arena. Header lines are "Name: value"; `Host` is not among them, the
 * client sends it: it must be `host`, byte for byte. Texts are UTF-8. Both clouds allow some
 * minutes (Tencent five) between their clock and ours. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

typedef struct GatewayKey {
    Str id, secret;
    Str token; /* of a temporary key; absent otherwise */
} GatewayKey;

typedef struct GatewayPair {
    Str name, value;
} GatewayPair;

enum { GATEWAY_LINES_MAX = 8, GATEWAY_PAIRS_MAX = 64, GATEWAY_NONCE_BYTES = 16 };

typedef struct GatewayRequest { /* a POST */
    Str target;                 /* path and query */
    Str lines[GATEWAY_LINES_MAX];
    size_t lines_n;
} GatewayRequest;

/* Parameters in the query, no body, no content type. */
typedef struct AliyunCall {
    Str host;            /* "dysmsapi.aliyuncs.com" */
    Str action, version; /* "SendSms", "2017-05-25" */
    const GatewayPair *pairs;
    size_t pairs_n;
    uint8_t nonce[GATEWAY_NONCE_BYTES]; /* random, new for every try */
    int64_t now_ms;
} AliyunCall;

/* 0, or -EINVAL: too many pairs. */
int aliyun_sign(const GatewayKey *key, const AliyunCall *call, Arena *arena, GatewayRequest *ret);

/* Parameters as JSON in the body. */
typedef struct TencentCall {
    Str host;            /* "sms.tencentcloudapi.com" */
    Str service;         /* "sms" */
    Str action, version; /* "SendSms", "2021-01-11" */
    Str region;          /* "ap-guangzhou" */
    Str body;
    int64_t now_ms;
} TencentCall;

void tencent_sign(const GatewayKey *key, const TencentCall *call, Arena *arena,
                  GatewayRequest *ret);
