#!/bin/bash
# Every C file is as .clang-format writes it. Mend with: clang-format -i FILE
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files '*.c' '*.h' | xargs -r clang-format --dry-run -Werror 2>&1 | grep -E 'error:|warning:' | cut -d: -f1 | sort -u | sed 's/$/: not formatted; clang-format -i/' && exit 1 || exit 0
