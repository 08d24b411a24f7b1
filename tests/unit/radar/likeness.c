/* Tokens, likeness, groups and their names, in Chinese and English. */
#include "radar/likeness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "radar/telling.h"
#include "radar/tokens.h"

static uint64_t dice_state;

static uint32_t dice(uint32_t sides) {
    uint64_t z = dice_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % sides);
}

static void same_tokens(const char *text, const char *want) {
    CLEANUP(buf_done) Buf got = {0};
    Str rest = str(text);
    Token t;
    while (token_next(&rest, &t)) {
        if (got.n) buf_addc(&got, '|');
        buf_add(&got, t.text, t.n);
    }
    assert_string_equal(got.n ? got.p : "", want);
}

static void texts_are_words_and_single_characters(void **state) {
    (void)state;
    same_tokens("Order 20251124-7788 NOT received!!", "order|0|0|not|received");
    same_tokens("订单20251124号，还没收到货。", "订|单|0|号|还|没|收|到|货");
    same_tokens("ＡＢｃ１２ iPhone15Pro", "abc|0|iphone|0|pro");
    same_tokens("Größe naïve Ёлка", "größe|naïve|Ёлка");
    same_tokens("😀👍  \t—…", "");
    same_tokens("\xff\xe4\xba好\xe5\xa5", "好");
    same_tokens("", "");
}

static double alike(const char *a, const char *b) {
    Likeness x, y;
    likeness_of(str(a), &x);
    likeness_of(str(b), &y);
    return likeness_share(&x, &y);
}

static void what_differs_in_numbers_and_marks_is_the_same(void **state) {
    (void)state;
    assert_true(alike("订单 20251124001 一直没有发货，请尽快处理！",
                      "订单20251199之后一直没有发货 请尽快处理") > 0.6);
    assert_true(
        alike("订单 11 一直没有发货，请尽快处理！", "订单 99887 一直没有发货 请尽快处理。") == 1);
    assert_true(alike("My order #123 has NOT arrived.", "my order 9 has not arrived") == 1);
    assert_true(alike("手机屏幕碎了要求换货", "酒店房间很干净早餐不错") == 0);
    assert_true(alike("", "订单") == 0);
    assert_true(alike("!!", "!!") == 0);
    assert_true(alike("好", "好") == 1);
}

/* The estimate against sets of pairs that are counted one by one. */
static void the_share_is_jaccards(void **state) {
    (void)state;
    double squares = 0;
    enum { ROUNDS = 400, LENGTH = 60 };
    dice_state = 31;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t a[LENGTH], b[LENGTH], changed = dice(LENGTH);
        CLEANUP(buf_done) Buf x = {0}, y = {0};
        for (int i = 0; i < LENGTH; i++) {
            a[i] = b[i] = 1000000 + (uint32_t)round * 1000 + (uint32_t)i;
            if (dice(LENGTH) < changed) b[i] = 9000000 + dice(1000000);
        }
        for (int i = 0; i < LENGTH; i++) {
            static const char letters[] = "abcdefghij";
            for (uint32_t v = a[i]; v; v /= 10)
                buf_addc(&x, letters[v % 10]);
            for (uint32_t v = b[i]; v; v /= 10)
                buf_addc(&y, letters[v % 10]);
            buf_addc(&x, ' ');
            buf_addc(&y, ' ');
        }
        int same = 0;
        for (int i = 0; i + 1 < LENGTH; i++)
            same += a[i] == b[i] && a[i + 1] == b[i + 1];
        double share = same / (2.0 * (LENGTH - 1) - same);
        Likeness l, m;
        likeness_of(buf_str(&x), &l);
        likeness_of(buf_str(&y), &m);
        double off = likeness_share(&l, &m) - share;
        squares += off * off;
        assert_true(fabs(off) < 0.3);
    }
    assert_true(sqrt(squares / ROUNDS) < 0.0625 * 1.1);
}

/* ---- Groups ---- */

static const char *const templates[] = {
    "您好，我的订单 %u 已经付款三天了还没有发货，请尽快安排，谢谢",
    "手机 %u 充电的时候屏幕发热严重，并且自动重启，要求退换货",
    "The parcel %u was left in the rain and everything inside is soaked, I want a refund",
    "优惠券 %u 下单的时候无法使用，提示系统繁忙请稍后再试",
};

/* A word more in front, one behind: as people copy what others wrote. */
static void write_one(size_t which, char *ret, size_t room) {
    static const char *const before[] = {"", "客服你好。", "hello, ", "急！急！"};
    static const char *const behind[] = {"", "！！！", " 在线等", " please help"};
    char middle[256];
    const char *form = templates[which];
    const char *mark = strchr(form, '%');
    (void)snprintf(middle, sizeof(middle), "%.*s%u%s", (int)(mark - form), form, dice(1000000),
                   mark + 2);
    (void)snprintf(ret, room, "%s%s%s", before[dice(4)], middle, behind[dice(4)]);
}

static void random_text(char *ret, size_t room) {
    static const char *const words[] = {"物流", "发票", "地址", "颜色", "尺码", "味道", "客服",
                                        "包装", "质量", "价格", "安装", "售后", "赠品", "退款",
                                        "很好", "太慢", "不符", "破损", "开具", "修改", "错误",
                                        "希望", "已经", "联系", "但是", "没有", "回复", "一直"};
    size_t n = 0;
    for (uint32_t i = 0; i < 8 + dice(10) && n + 8 < room; i++)
        n += (size_t)snprintf(ret + n, room - n, "%s", words[dice(28)]);
}

static void copies_find_their_group_among_many_others(void **state) {
    (void)state;
    CLEANUP(like_groups_freep) LikeGroups *g = like_groups_new(5000, 0.5);
    uint64_t ids[4] = {0};
    int astray = 0, copies = 0, mixed = 0;
    char text[1024];
    Likeness l;
    dice_state = 32;
    for (int i = 0; i < 4000; i++) {
        bool copy = dice(4) == 0;
        size_t which = dice(4);
        if (copy)
            write_one(which, text, sizeof(text));
        else
            random_text(text, sizeof(text));
        likeness_of(str(text), &l);
        LikeGroup found = like_groups_add(g, &l);
        assert_true(found.id > 0 && found.texts > 0 && found.begun == (found.texts == 1));
        if (copy) {
            copies++;
            if (!ids[which]) ids[which] = found.id;
            astray += found.id != ids[which];
        } else {
            for (int k = 0; k < 4; k++)
                mixed += found.id == ids[k];
        }
    }
    assert_int_equal(mixed, 0);
    if (astray * 50 > copies) fail_msg("%d of %d astray", astray, copies);
}

static void what_has_too_little_in_common_begins_a_group(void **state) {
    (void)state;
    int tried = 0;
    dice_state = 36;
    for (int i = 0; i < 3000; i++) {
        CLEANUP(like_groups_freep) LikeGroups *g = like_groups_new(4, 0.5);
        char one[1024], other[2048];
        Likeness l, m;
        random_text(one, sizeof(one));
        random_text(other, sizeof(other));
        memcpy(other, one,
               strlen(other) < strlen(one) ? strlen(other) / 2 / 6 * 6 : strlen(one) / 2 / 6 * 6);
        likeness_of(str(one), &l);
        likeness_of(str(other), &m);
        double share = likeness_share(&l, &m);
        (void)like_groups_add(g, &l);
        LikeGroup found = like_groups_add(g, &m);
        if (share < 0.5) assert_true(found.begun);
        tried += share > 0.3 && share < 0.5;
    }
    assert_true(tried > 100);
}

static void beyond_the_limit_the_longest_unmet_is_forgotten(void **state) {
    (void)state;
    CLEANUP(like_groups_freep) LikeGroups *g = like_groups_new(3, 0.5);
    static const char *const texts[] = {"苹果手机坏了", "快递员态度恶劣", "发票抬头开错",
                                        "门锁打不开"};
    Likeness l[4];
    uint64_t ids[4];
    for (int i = 0; i < 4; i++) {
        likeness_of(str(texts[i]), &l[i]);
        ids[i] = like_groups_add(g, &l[i]).id;
        if (i == 2) assert_int_equal(like_groups_add(g, &l[0]).texts, 2); /* met again */
    }
    assert_int_equal(like_groups_count(g), 3);
    assert_int_equal(like_groups_add(g, &l[0]).id, ids[0]);
    assert_int_equal(like_groups_add(g, &l[3]).id, ids[3]);
    assert_true(like_groups_add(g, &l[1]).begun);
    assert_true(like_groups_add(g, &l[2]).begun);
    /* Thousands through little room: every link is mended. */
    char text[1024];
    dice_state = 33;
    for (int i = 0; i < 5000; i++) {
        Likeness one;
        random_text(text, sizeof(text));
        likeness_of(str(text), &one);
        (void)like_groups_add(g, &one);
        assert_int_equal(like_groups_add(g, &one).texts > 1, 1);
        assert_int_equal(like_groups_count(g), 3);
    }
    Likeness nothing;
    likeness_of(STR("……"), &nothing);
    assert_int_equal(like_groups_add(g, &nothing).id, 0);
}

/* ---- Names ---- */

static void a_group_is_named_by_what_others_do_not_say(void **state) {
    (void)state;
    CLEANUP(background_freep) Background *b = background_new();
    static char room[40][1024];
    dice_state = 34;
    for (int i = 0; i < 3000; i++) {
        random_text(room[0], sizeof(room[0]));
        background_add(b, str(room[0]));
    }
    assert_int_equal(background_texts(b), 3000);
    static const char *const telling[] = {"没有发货", "屏幕发热", "parcel", "无法使用"};
    for (size_t which = 0; which < 4; which++) {
        CLEANUP(buf_done) Buf name = {0};
        Str texts[40];
        for (int i = 0; i < 40; i++) {
            write_one(which, room[i], sizeof(room[i]));
            background_add(b, str(room[i]));
            texts[i] = str(room[i]);
        }
        background_name(b, texts, 40, &name);
        assert_true(name.n > 0 && str_is_text(buf_str(&name)));
        int parts = 1;
        for (size_t i = 0; i < name.n; i++)
            parts += name.p[i] == ' ';
        assert_true(parts <= TELLING_TERMS);
        if (!memmem(name.p, name.n, telling[which], strlen(telling[which])))
            fail_msg("named %s", name.p);
        if (memmem(name.p, name.n, "客服", 6) || memmem(name.p, name.n, "hello", 5))
            fail_msg("named %s", name.p);
    }
}

static void a_word_all_share_and_nobody_else_is_the_name(void **state) {
    (void)state;
    CLEANUP(background_freep) Background *b = background_new();
    CLEANUP(buf_done) Buf name = {0}, english = {0}, nothing = {0};
    static const char *const group[] = {"充电宝鼓包了", "买的充电宝有点烫", "充电宝不能用",
                                        "退货 充电宝"};
    static const char *const words[] = {"The Charger sparks", "sparks at night", "it sparks, help"};
    Str texts[4], more[3];
    char text[1024];
    dice_state = 35;
    for (int i = 0; i < 2000; i++) {
        random_text(text, sizeof(text));
        background_add(b, str(text));
    }
    for (int i = 0; i < 4; i++)
        texts[i] = str(group[i]);
    for (int i = 0; i < 3; i++)
        more[i] = str(words[i]);
    background_name(b, texts, 4, &name);
    assert_string_equal(name.p, "充电宝");
    background_name(b, more, 3, &english);
    assert_string_equal(english.p, "sparks");
    background_name(b, texts, 0, &nothing);
    assert_int_equal(nothing.n, 0);
}

static void what_everybody_says_names_nobody(void **state) {
    (void)state;
    CLEANUP(background_freep) Background *b = background_new();
    CLEANUP(buf_done) Buf name = {0};
    char text[2048];
    static const char *const group[] = {"请尽快处理，烤箱漏电", "烤箱会漏电，请尽快处理",
                                        "漏电的烤箱请尽快处理"};
    Str texts[3];
    dice_state = 37;
    for (int i = 0; i < 2000; i++) {
        random_text(text, sizeof(text) - 64);
        strcat(text, "，请尽快处理");
        background_add(b, str(text));
    }
    for (int i = 0; i < 3; i++)
        texts[i] = str(group[i]);
    background_name(b, texts, 3, &name);
    assert_true(str_starts(buf_str(&name), STR("烤箱")) || str_starts(buf_str(&name), STR("漏电")));
    assert_non_null(memmem(name.p, name.n, "烤箱", 6));
    assert_non_null(memmem(name.p, name.n, "漏电", 6));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_words_and_single_characters),
        cmocka_unit_test(what_differs_in_numbers_and_marks_is_the_same),
        cmocka_unit_test(the_share_is_jaccards),
        cmocka_unit_test(copies_find_their_group_among_many_others),
        cmocka_unit_test(what_has_too_little_in_common_begins_a_group),
        cmocka_unit_test(beyond_the_limit_the_longest_unmet_is_forgotten),
        cmocka_unit_test(a_group_is_named_by_what_others_do_not_say),
        cmocka_unit_test(a_word_all_share_and_nobody_else_is_the_name),
        cmocka_unit_test(what_everybody_says_names_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
