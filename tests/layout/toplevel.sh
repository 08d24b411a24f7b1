#!/bin/bash
# The top level holds the agreed names and dot-files, nothing else; no tracked file names a machine's paths.
set -euo pipefail
cd "$(dirname "$0")/../.."
odd=$(git ls-files | cut -d/ -f1 | sort -u | grep -vxE 'CMakeLists\.txt|services|proto|libcommon|deploy|tests|benchmarks|README\.md|\..*' || true)
[[ -z $odd ]] || {
    printf 'at the top level, beyond the agreed names: %s\n' "$odd"
    exit 1
}
# Where this clone lies, and everybody's homes; a clone in a folder that all may use says nothing about one machine.
here=$(pwd -P)
above=$(dirname "$here")
paths=(-e "(^|[^a-z./])$here(/|$)" -e '(^|[^a-z./])/(root|home/[a-z]+)/')
case $above in
    / | /tmp | /var/tmp | /home | /var | /opt | /usr | /usr/src | /srv | /mnt | /run) ;; # everybody's
    *) paths+=(-e "(^|[^a-z./])$above/") ;;
esac
if git grep -nIE "${paths[@]}" -- . ':!tests/layout/toplevel.sh' | head -5 | grep .; then
    echo 'a path of one machine'
    exit 1
fi
