# SPDX-License-Identifier: MIT
# Every header compiles alone; the public one also as C++17, with GCC and Clang.
. "$(dirname "$0")/../../scripts/lib.sh"

check_header() {
    local header=$1 definition=-D_POSIX_C_SOURCE=200809L
    case $header in */linux/*) definition=-D_GNU_SOURCE ;; esac
    { printf '#include "%s"\n' "$header" |
        gcc -std=c11 $definition -Wall -Wextra -Wundef -Werror -fsyntax-only -Iinclude -Isrc -I. -x c - 2>&1 || true; } |
        sed "s#^<stdin>#$header#" | grep -E 'error|warning' && return 1
    case $header in
    include/*)
        for compiler in g++ clang++; do
            printf '#include "%s"\n' "$header" |
                $compiler -std=c++17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I. -x c++ - || return 1
        done
        printf '#include "%s"\n' "$header" |
            clang -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I. -x c - || return 1
        ;;
    esac
    return 0
}
export -f check_header
project_files 'src/*.h' 'include/*.h' | xargs -r -P "$jobs" -I FILE bash -c 'check_header FILE'
