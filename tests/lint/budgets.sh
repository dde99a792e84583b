# SPDX-License-Identifier: MIT
# Files have room for one noun: 800 lines for a source, 200 for a header. The module ABI is one header by promise: 250.
. "$(dirname "$0")/../../scripts/lib.sh"

project_files '*.c' '*.cpp' '*.h' '*.cs' '*.py' | xargs -r awk '
    { lines[FILENAME] = FNR }
    END {
        for (file in lines) {
            room = file ~ /\.h$/ ? 200 : 800
            if (file ~ /include\/umh\/module\.h$/) room = 250
            if (lines[file] > room) { print file ":" lines[file] ": more than " room " lines"; found = 1 }
        }
        exit found
    }'
