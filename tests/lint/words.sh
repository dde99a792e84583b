# SPDX-License-Identifier: MIT
# The tree holds nothing unfinished by its own words, and every source says what it is for and its licence.
. "$(dirname "$0")/../../scripts/lib.sh"

status=0
project_files '*.c' '*.h' '*.cpp' '*.cs' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' '*.md' '*.json' |
    grep -v '^tests/lint/words.sh$' |
    xargs -r grep -nEw 'TODO|FIXME|XXX|HACK|not implemented|for now' && status=1
project_files '*.c' '*.h' '*.cpp' '*.cs' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' |
    grep -v '^templates/' | while IFS= read -r file; do
    [ -s "$file" ] || continue
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || printf '%s:1: no SPDX line\n' "$file"
done | grep . && status=1
project_files '*.sh' | xargs -r -n 1 bash -n || status=1
exit $status
