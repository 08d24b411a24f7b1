#!/bin/bash
# Every C file is as .clang-format writes it. Mend with: clang-format -i FILE
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t files < <(git ls-files '*.c' '*.h')
((${#files[@]})) || { echo 'no C file found' && exit 1; }
status=0
said=$(printf '%s\0' "${files[@]}" | xargs -0 -n 100 clang-format --dry-run -Werror 2>&1) || status=$?
((status == 0)) && exit 0
sed -nE 's/^([^:]+):[0-9]+:[0-9]+: error: .*/\1: not formatted; clang-format -i \1/p' <<<"$said" | sort -u | grep . || printf '%s\n' "$said"
exit 1
