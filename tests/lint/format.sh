# SPDX-License-Identifier: MIT
# Whitespace is what .clang-format says, and no line is longer than 100 columns.
. "$(dirname "$0")/../../scripts/lib.sh"

status=0
{ project_files '*.c' '*.h' '*.cpp' | xargs -r clang-format --dry-run -Werror 2>&1 || true; } |
    awk -F: '/: error:/ && !seen[$1]++ { print $1 ":" $2 ": make format changes this file" }' | grep . && status=1
# A character of UTF-8 is one column, whatever awk counts.
project_files '*.c' '*.h' '*.cpp' | LC_ALL=C xargs -r awk '
    { line = $0; gsub(/[\200-\277]/, "", line) }
    length(line) > 100 && !/https?:/ { print FILENAME ":" FNR ": " length(line) " columns"; found = 1 }
    END { exit found }' || status=1
exit $status
