/* Account -- a tenant's account at an SMS gateway, as `docket notify secret set` takes it. Pure.
 *
 *   {"gateway": "aliyun", "key_id": "LTAI...", "key_secret": "...", "sign_name": "某某商城"}
 *   {"gateway": "tencent", "key_id": "AKID...", "key_secret": "...", "sign_name": "某某商城",
 *    "app_id": "1400006666", "region": "ap-guangzhou"}
 *
 * `region` may be absent; `endpoint` ("https://dysmsapi.aliyuncs.com") names another address than
 * the gateway's public one: scheme, host and port alone. */
#pragma once

#include "base/arena.h"
#include "base/text.h"

typedef enum SmsGateway { SMS_ALIYUN, SMS_TENCENT } SmsGateway;

typedef struct SmsAccount {
    SmsGateway gateway;
    Str endpoint; /* "https://sms.tencentcloudapi.com" */
    Str host;     /* of the endpoint, with its port if it names one: as the header Host has it */
    Str key_id, key_secret;
    Str sign_name;
    Str app_id, region; /* Tencent's; absent for Aliyun */
} SmsAccount;

const char *sms_gateway_name(SmsGateway g); /* "aliyun" */

/* 0 and *ret, which points into the arena; or -EINVAL and what is wrong in *problem (no value). */
int sms_account_parse(Str json, Arena *arena, SmsAccount *ret, Buf *problem);
