# Warnings are errors; release is hardened and link-time optimised; test builds carry sanitizers.
# `assert` is for our own mistakes and stays on in every build, so NDEBUG is never defined.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")

add_compile_definitions(_GNU_SOURCE DOCKET_VERSION="${PROJECT_VERSION}")
add_compile_options(-Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wswitch-enum
                    -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Werror
                    -fno-common -fstack-protector-strong -fno-omit-frame-pointer)
include_directories(${PROJECT_SOURCE_DIR}/libcommon)

if(DOCKET_CRASH_POINTS)
    add_compile_definitions(DOCKET_CRASH_POINTS)
endif()

if(DOCKET_SANITIZE STREQUAL "address")
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined)
    add_link_options(-fsanitize=address,undefined)
elseif(DOCKET_SANITIZE STREQUAL "thread")
    add_compile_options(-fsanitize=thread)
    add_link_options(-fsanitize=thread)
    add_library(tsan_threads SHARED ${PROJECT_SOURCE_DIR}/tests/harness/tsan_threads.c) # says why
    link_libraries(-Wl,--no-as-needed tsan_threads)
elseif(DOCKET_SANITIZE STREQUAL "fuzzer")
    add_compile_options(-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined)
    add_link_options(-fsanitize=address,undefined)
else()
    add_compile_options(-D_FORTIFY_SOURCE=2 -fPIE)
    add_link_options(-pie -Wl,-z,relro,-z,now)
    if(CMAKE_BUILD_TYPE STREQUAL "Release")
        include(CheckIPOSupported)
        check_ipo_supported(RESULT lto_works OUTPUT lto_why LANGUAGES C)
        if(lto_works)
            set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
        endif()
    endif()
endif()
