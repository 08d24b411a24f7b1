/* Bytes, names and declared types, honest and not. */
#include "filetype/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "filetype/detect.h"

static FileDetector *detector;

static const Str png = STR("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde");
static const Str jpeg = STR("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xdb");
static const Str pdf = STR("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n");
static const Str zip =
    STR("PK\3\4\x14\0\0\0\0\0\0\0!\0\xac*\x93\xd8\2\0\0\0\2\0\0\0\5\0\0\0a.txt"
        "hiPK\1\2\x14\3\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
static const Str ole = STR("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0\0\0\0\0\0\0\0\0\0\0");
static const Str program = STR("MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8\0\0\0");
static const Str elf = STR("\x7f"
                           "ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0>\0\1\0\0\0\0\0\0\0");
static const Str page = STR("<!DOCTYPE html><html><script>alert(1)</script></html>");
static const Str text = STR("您好\n第二行\n");
static const Str script = STR("#!/bin/sh\nrm -rf /\n");
static const Str noise = STR("\x00\x01\x02\xfe\xfd\x07\x11\x93\x80\x00\x03");
static const Str gbk = STR("\xc4\xfa\xba\xc3\xa3\xac\xd5\xe2\xca\xc7\xb2\xe2\xca\xd4\n");

static FileVerdict judge(const char *name, const char *declared, Str bytes) {
    char detected[DETECT_TYPE_BYTES];
    file_detect(detector, bytes, detected);
    return file_judge(str(name), str(declared), str(detected), bytes.n, STR(FILE_REFUSED_DEFAULT));
}

static void honest_files_are_taken(void **state) {
    (void)state;
    assert_int_equal(judge("a.png", "image/png", png), FILE_GOOD);
    assert_int_equal(judge("a.PNG", "", png), FILE_GOOD);
    assert_int_equal(judge("a.jpg", "image/jpg; x=y", jpeg), FILE_GOOD);
    assert_int_equal(judge("a.pdf", "application/binary", pdf), FILE_GOOD);
    assert_int_equal(judge("a.zip", "application/x-zip-compressed", zip), FILE_GOOD);
    assert_int_equal(judge("a.xlsx", "application/octet-stream", zip), FILE_GOOD);
    assert_int_equal(judge("a.doc", "application/msword", ole), FILE_GOOD);
    assert_int_equal(judge("a.txt", "text/plain; charset=utf-8", text), FILE_GOOD);
    assert_int_equal(judge("a.txt", "text/plain", gbk), FILE_GOOD);
    assert_int_equal(judge("a.csv", "application/vnd.ms-excel", text), FILE_GOOD);
    assert_int_equal(judge("a.json", "application/json", STR("{\"a\": 1}")), FILE_GOOD);
    assert_int_equal(judge("a.md", "", page), FILE_GOOD); /* text of any sort is text */
    assert_int_equal(judge("a.html", "text/html", page), FILE_GOOD);
    assert_int_equal(judge("record.dat", "", noise), FILE_GOOD); /* nobody claims anything */
    assert_int_equal(judge("截图", "image/png", png), FILE_GOOD);
    assert_int_equal(judge("a.mp3", "audio/mpeg", noise), FILE_GOOD);
}

static void a_name_that_lies_is_noticed(void **state) {
    (void)state;
    assert_int_equal(judge("a.png", "image/png", page), FILE_NAME_LIES);
    assert_int_equal(judge("a.png", "", noise), FILE_NAME_LIES);
    assert_int_equal(judge("a.jpg", "image/jpeg", png), FILE_NAME_LIES);
    assert_int_equal(judge("a.pdf", "application/pdf", zip), FILE_NAME_LIES);
    assert_int_equal(judge("a.txt", "text/plain", png), FILE_NAME_LIES);
    assert_int_equal(judge("a.txt", "text/plain", noise), FILE_NAME_LIES);
    assert_int_equal(judge("a.docx", "", pdf), FILE_NAME_LIES);
    assert_int_equal(judge("a.mp4", "", page), FILE_NAME_LIES);
}

static void a_declared_type_that_lies_is_noticed(void **state) {
    (void)state;
    assert_int_equal(judge("picture", "image/png", page), FILE_TYPE_LIES);
    assert_int_equal(judge("picture", "image/x-new-format", text), FILE_TYPE_LIES);
    assert_int_equal(judge("a.png", "image/gif", png), FILE_TYPE_LIES);
    assert_int_equal(judge("note", "text/plain", png), FILE_TYPE_LIES);
    assert_int_equal(judge("note", "application/pdf", noise), FILE_TYPE_LIES);
}

static void what_runs_is_refused_under_any_name(void **state) {
    (void)state;
    assert_int_equal(judge("a.exe", "", program), FILE_REFUSED);
    assert_int_equal(judge("a.png", "image/png", program), FILE_REFUSED);
    assert_int_equal(judge("a", "", elf), FILE_REFUSED);
    assert_int_equal(judge("a.txt", "text/plain", script), FILE_REFUSED);
    assert_int_equal(judge("a.exe", "", text), FILE_REFUSED);
    assert_int_equal(judge("a.JAR", "", zip), FILE_REFUSED);
    assert_int_equal(judge("a.png", "application/x-msdownload", png), FILE_REFUSED);
    assert_int_equal(file_judge(STR("a.exe"), STR(""), STR("application/x-dosexec"), 1, STR("")),
                     FILE_GOOD);
}

static void nothing_is_not_a_file(void **state) {
    (void)state;
    assert_int_equal(judge("a.png", "image/png", STR("")), FILE_EMPTY);
}

static void people_read_what_it_is(void **state) {
    (void)state;
    assert_true(str_is(file_kind_title(STR("image/png")), "PNG 图片 PNG picture"));
    assert_true(str_is(file_kind_title(STR("text/x-c")), "文本 text"));
    assert_true(str_is(file_kind_title(STR("application/x-new")), "application/x-new"));
    assert_false(file_type_is_inert(STR("text/html")));
    assert_false(file_type_is_inert(STR("image/svg+xml")));
    assert_true(file_type_is_inert(STR("image/png")));
}

static int begin(void **state) {
    CLEANUP(buf_done) Buf problem = {0};
    (void)state;
    detector = file_detector_new(&problem);
    return detector ? 0 : -1;
}

static int end(void **state) {
    (void)state;
    detector = file_detector_free(detector);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest_files_are_taken),
        cmocka_unit_test(a_name_that_lies_is_noticed),
        cmocka_unit_test(a_declared_type_that_lies_is_noticed),
        cmocka_unit_test(what_runs_is_refused_under_any_name),
        cmocka_unit_test(nothing_is_not_a_file),
        cmocka_unit_test(people_read_what_it_is),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
