#!/bin/bash
# clang-tidy over every C file of the product, with the checks of .clang-tidy. Needs a configured .build/asan.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-.build/asan}
# gcc's sanitizer flags mean nothing to clang-tidy; everything else of the compile command does
files=$(git ls-files 'libcommon/*.c' 'services/*.c')
out=$(xargs -r -P "$(nproc)" -n 4 clang-tidy --quiet -p "$build" --extra-arg=-Wno-unknown-warning-option <<<"$files" 2>/dev/null | grep -E '(warning|error):' | sort -u || true)
[[ -z $out ]] || {
    printf '%s\n' "$out"
    exit 1
}
