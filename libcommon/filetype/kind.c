/* One table: what belongs together. */
#include "filetype/kind.h"

#include "filetype/name.h"

typedef struct Kind {
    const char *title;
    const char *endings;  /* blanks around each */
    const char *declared; /* what it may be sent as, besides the detected ones */
    const char *detected; /* what its bytes look like */
    bool bytes_tell;      /* bytes that nobody knows are not one of these */
} Kind;

#define OOXML "application/vnd.openxmlformats-officedocument."
#define ODF   "application/vnd.oasis.opendocument."

static const Kind kinds[] = {
    {"PNG 图片 PNG picture", " png ", " image/x-png ", " image/png image/vnd.mozilla.apng ", true},
    {"JPEG 图片 JPEG picture", " jpg jpeg jpe jfif ", " image/jpg image/pjpeg ", " image/jpeg ",
     true},
    {"GIF 图片 GIF picture", " gif ", " ", " image/gif ", true},
    {"WebP 图片 WebP picture", " webp ", " ", " image/webp ", true},
    {"BMP 图片 BMP picture", " bmp dib ", " image/x-ms-bmp image/x-bmp ",
     " image/bmp image/x-ms-bmp ", true},
    {"TIFF 图片 TIFF picture", " tif tiff ", " ", " image/tiff ", true},
    {"HEIC 图片 HEIC picture", " heic heif hif ", " ",
     " image/heic image/heif image/heic-sequence image/heif-sequence ", true},
    {"AVIF 图片 AVIF picture", " avif ", " ", " image/avif ", true},
    {"图标 icon", " ico ", " ", " image/vnd.microsoft.icon image/x-icon ", true},
    {"SVG 图 SVG drawing", " svg ", " ", " image/svg+xml ", false},
    {"PDF 文件 PDF document", " pdf ", " application/x-pdf ", " application/pdf ", true},
    {"Word 文档 Word document", " docx docm dotx ", " application/msword ",
     " " OOXML "wordprocessingml.document application/zip ", true},
    {"Excel 表格 Excel sheet", " xlsx xlsm xltx ", " application/vnd.ms-excel ",
     " " OOXML "spreadsheetml.sheet application/zip ", true},
    {"PowerPoint 演示 PowerPoint slides", " pptx pptm ppsx ", " application/vnd.ms-powerpoint ",
     " " OOXML "presentationml.presentation application/zip ", true},
    {"OpenDocument 文件 OpenDocument file", " odt ods odp odg ", " ",
     " " ODF "text " ODF "spreadsheet " ODF "presentation " ODF "graphics application/zip ", true},
    {"Office 97 文件 Office 97 file", " doc xls ppt msg wps et dps vsd ",
     " application/msword application/vnd.ms-excel application/vnd.ms-powerpoint "
     "application/vnd.ms-outlook application/kswps application/kset application/ksdps ",
     " application/x-ole-storage application/cdfv2 application/msword application/vnd.ms-excel ",
     true},
    {"RTF 文档 RTF document", " rtf ", " application/rtf ", " text/rtf application/rtf ", true},
    {"ZIP 压缩包 ZIP archive", " zip ", " application/x-zip-compressed application/x-zip ",
     " application/zip ", true},
    {"电子书 e-book", " epub ", " ", " application/epub+zip application/zip ", true},
    {"7z 压缩包 7z archive", " 7z ", " ", " application/x-7z-compressed ", true},
    {"RAR 压缩包 RAR archive", " rar ", " application/vnd.rar application/x-rar-compressed ",
     " application/x-rar ", true},
    {"gzip 压缩文件 gzip file", " gz tgz ", " application/x-gzip application/x-compressed-tar ",
     " application/gzip ", true},
    {"bzip2 压缩文件 bzip2 file", " bz2 tbz2 ", " ", " application/x-bzip2 ", true},
    {"xz 压缩文件 xz file", " xz txz ", " ", " application/x-xz ", true},
    {"tar 档案 tar archive", " tar ", " ", " application/x-tar ", true},
    {"网页 web page", " html htm xhtml shtml ", " application/xhtml+xml ", " text/html ", false},
    {"XML 文件 XML file", " xml ", " application/xml ", " text/xml application/xml ", false},
    {"JSON 文件 JSON file", " json ndjson jsonl har ", " text/json ",
     " application/json application/x-ndjson ", false},
    {"邮件 e-mail", " eml mht mhtml ", " ", " message/rfc822 ", false},
    {"脚本 script", " py pl rb php sh ", " ",
     " text/x-shellscript text/x-script.python text/x-python text/x-perl text/x-php text/x-ruby ",
     false},
    {"文本 text", " txt log csv tsv md yaml yml ini conf sql srt vcf ics ",
     " application/csv application/vnd.ms-excel text/calendar application/x-yaml ",
     " text/plain text/csv text/x-log text/markdown text/calendar text/vcard ", true},
    {"视频 video", " mp4 m4v mov qt 3gp 3g2 webm mkv avi flv wmv mpg mpeg ts ", " ",
     " video/mp4 video/quicktime video/x-m4v video/3gpp video/3gpp2 video/webm video/x-matroska "
     "video/x-msvideo video/x-flv video/x-ms-asf video/x-ms-wmv video/mpeg video/mp2t ",
     false},
    {"录音 audio", " mp3 wav m4a aac amr ogg oga opus flac wma ", " application/ogg ",
     " audio/mpeg audio/x-wav audio/wav audio/x-m4a audio/mp4 audio/aac audio/x-hx-aac-adts "
     "audio/amr audio/ogg audio/flac audio/x-flac audio/x-ms-wma video/mp4 video/x-ms-asf "
     "application/ogg video/ogg ",
     false},
    {"Windows 程序 Windows program", " exe dll com scr sys ",
     " application/x-msdownload application/x-dosexec ",
     " application/vnd.microsoft.portable-executable application/x-dosexec ", true},
    {"Linux 程序 Linux program", " so elf ", " ",
     " application/x-executable application/x-pie-executable application/x-sharedlib "
     "application/x-object ",
     true},
    {"安卓程序 Android program", " apk ", " ", " application/vnd.android.package-archive ", true},
    {"批处理 batch file", " bat cmd ", " ", " text/x-msdos-batch ", false},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const char unknown[] = "application/octet-stream";

/* `word` among words with blanks around each; in any case. */
static bool among(Str words, Str word) {
    if (!word.n) return false;
    while (words.p) {
        Str one = str_cut(words, ' ', &words);
        if (str_eq_nocase(one, word)) return true;
    }
    return false;
}

static bool is_text_type(Str type) {
    return str_starts(type, STR("text/"));
}

/* Every kind of text may be sent as any other: what a script or a sheet of values is, its bytes do
 * not tell for sure. */
static bool is_texty(const Kind *k) {
    return strstr(k->detected, " text/") || strstr(k->detected, "json") ||
           strstr(k->detected, "xml") || strstr(k->detected, "rfc822");
}

static bool looks_like(const Kind *k, Str detected) {
    if (among(str(k->detected), detected)) return true;
    if (!k->bytes_tell && str_is(detected, unknown)) return true;
    return is_texty(k) && !strstr(k->detected, "rtf") &&
           (is_text_type(detected) || str_is(detected, "application/json") ||
            str_is(detected, "message/rfc822") || str_is(detected, "application/x-ndjson") ||
            str_is(detected, "image/svg+xml"));
}

static const Kind *of_ending(Str ending) {
    for (size_t i = 0; i < KINDS; i++)
        if (among(str(kinds[i].endings), ending)) return &kinds[i];
    return NULL;
}

static Str media(Str type) {
    return str_trim(str_cut(type, ';', &(Str){NULL, 0}));
}

static bool says_nothing(Str declared) { /* what clients send when they do not know */
    static const char empty[] = " application/octet-stream binary/octet-stream application/binary "
                                "application/x-www-form-urlencoded application/json "
                                "application/unknown application/force-download ";
    return !declared.n || among(str(empty), declared);
}

static bool same_family(Str declared, Str detected) {
    Str a = str_cut(declared, '/', &(Str){NULL, 0}), b = str_cut(detected, '/', &(Str){NULL, 0});
    bool tells = str_eq_nocase(a, STR("image")) || str_eq_nocase(a, STR("audio")) ||
                 str_eq_nocase(a, STR("video")) || str_eq_nocase(a, STR("text"));
    return !tells || str_eq_nocase(a, b);
}

static bool declared_fits(Str declared, Str detected) {
    bool known = false;
    for (size_t i = 0; i < KINDS; i++) {
        const Kind *k = &kinds[i];
        if (!among(str(k->declared), declared) && !among(str(k->detected), declared)) continue;
        known = true;
        if (looks_like(k, detected)) return true;
    }
    return !known && same_family(declared, detected);
}

static bool is_refused(Str name, Str declared, Str detected, Str refused) {
    char ending[FILE_ENDING_BYTES_MAX + 2] = ".";
    file_name_ending(name, ending + 1);
    return among(refused, declared) || among(refused, detected) ||
           (ending[1] && among(refused, str(ending)));
}

FileVerdict file_judge(Str name, Str declared, Str detected, size_t size, Str refused) {
    char ending[FILE_ENDING_BYTES_MAX + 1];
    if (size == 0) return FILE_EMPTY;
    declared = media(declared);
    if (is_refused(name, declared, detected, refused)) return FILE_REFUSED;
    file_name_ending(name, ending);
    const Kind *named = of_ending(str(ending));
    if (named && !looks_like(named, detected)) return FILE_NAME_LIES;
    if (!says_nothing(declared) && !declared_fits(declared, detected)) return FILE_TYPE_LIES;
    return FILE_GOOD;
}

Str file_kind_title(Str detected) {
    for (size_t i = 0; i < KINDS; i++)
        if (among(str(kinds[i].detected), detected)) return str(kinds[i].title);
    return is_text_type(detected) ? STR("文本 text") : detected;
}

bool file_type_is_inert(Str type) {
    static const char active[] = " text/html image/svg+xml text/xml application/xml "
                                 "application/xhtml+xml text/javascript application/javascript "
                                 "text/css application/x-shockwave-flash message/rfc822 ";
    return !among(str(active), type);
}
