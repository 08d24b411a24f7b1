#!/bin/bash
# The top level holds the agreed names and dot-files, nothing else; no tracked file names a machine's paths.
set -euo pipefail
cd "$(dirname "$0")/../.."
odd=$(git ls-files | cut -d/ -f1 | sort -u | grep -vxE 'CMakeLists\.txt|services|proto|libcommon|deploy|tests|benchmarks|README\.md|\..*' || true)
[[ -z $odd ]] || {
    printf 'at the top level, beyond the agreed names: %s\n' "$odd"
    exit 1
}
if git grep -nIE '(^|[^a-z./])(/work/|/root/)' -- . ':!tests/layout/toplevel.sh' | head -5 | grep .; then
    echo 'a path of one machine'
    exit 1
fi
