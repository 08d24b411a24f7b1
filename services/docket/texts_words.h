/* TextsWords -- the words that texts.c puts together. In every template {p} is the product, {o} the
 * order, {d} a date, {a} an amount, {n} a small number, {h} hours, {c} the carrier, {w} its
 * waybill, {t} a town, {y} a country, {m} a means of payment, {v} a version, {s} a size, {k} a
 * coupon, {e} a device's number, {f} a phone number. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Words {
    const char *const *p;
    size_t n;
} Words;

typedef enum ProductClass {
    PRODUCT_ANY,
    PRODUCT_APPLIANCE,
    PRODUCT_DEVICE,
    PRODUCT_CLOTHES,
    PRODUCT_FRESH,
    PRODUCT_BULKY,
    PRODUCT_CLASSES
} ProductClass;

typedef enum TextLanguage { TEXT_CHINESE, TEXT_ENGLISH, TEXT_LANGUAGES } TextLanguage;

typedef struct Situation {
    uint32_t weight; /* how often, against the others */
    TextLanguage language;
    ProductClass product;
    bool abroad;      /* a foreign region, an order of the cross-border shop */
    bool general;     /* about the account or the shop, not about one product */
    bool has_device;  /* names a device */
    const char *kind; /* what a form would have set; NULL: left to the rules */
    Words subjects, bodies;
} Situation;

extern const Situation situations[];
extern const size_t situations_n;

extern const Words products[PRODUCT_CLASSES], products_english;
extern const Words openings[TEXT_LANGUAGES], contexts[TEXT_LANGUAGES], general_contexts,
    demands[TEXT_LANGUAGES], closings[TEXT_LANGUAGES];
extern const Words carriers, towns, payments, sizes, coupons, surnames, given_names, first_names,
    last_names;
extern const char *const countries[][2]; /* {"美国", "us"} */
extern const size_t countries_n;
extern const char *const home_regions[];
extern const size_t home_regions_n;
