/* Kind -- do a file's name, the type it was sent as and its bytes tell the same story, and is it
 * one that we take? Pure.
 *
 * Nobody is hindered by what cannot be known: an ending that we do not know, or a type that says
 * nothing ("application/octet-stream", none), is no lie. */
#pragma once

#include <stdbool.h>

#include "base/text.h"

typedef enum FileVerdict {
    FILE_GOOD,
    FILE_EMPTY,
    FILE_REFUSED,   /* of the list of those that are not taken */
    FILE_NAME_LIES, /* the ending says something else than the bytes */
    FILE_TYPE_LIES, /* the declared type does */
} FileVerdict;

/* `name` as file_name_clean() made it, `declared` a Content-Type (parameters are ignored),
 * `detected` as file_detect(). `refused`: types ("text/x-shellscript") and endings (".exe"),
 * separated by blanks. */
FileVerdict file_judge(Str name, Str declared, Str detected, size_t size, Str refused);
/* How people call that type: "PNG 图片 PNG picture"; the type itself when we have no name for it.
 */
Str file_kind_title(Str detected);
/* May a browser be told this type, or could it run what is in it? Then it is only bytes. */
bool file_type_is_inert(Str type);

/* What is not taken unless somebody decides otherwise: what runs when it is opened. */
#define FILE_REFUSED_DEFAULT                                                                       \
    "application/vnd.microsoft.portable-executable application/x-dosexec "                         \
    "application/x-msdownload application/x-executable application/x-pie-executable "              \
    "application/x-sharedlib application/x-object application/x-mach-binary "                      \
    "application/java-archive application/x-java-applet application/vnd.android.package-archive "  \
    "application/x-msi application/x-ms-shortcut application/x-shellscript text/x-shellscript "    \
    "text/x-msdos-batch application/hta text/vbscript .exe .dll .com .bat .cmd .scr .pif .msi "    \
    ".msp .ps1 .psm1 .vbs .vbe .js .jse .wsf .wsh .hta .lnk .cpl .jar .apk .app .dmg .sh .reg "    \
    ".gadget .inf .scf .iso .img .vhd .chm"
