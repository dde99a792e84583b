# SPDX-License-Identifier: MIT
# Clang accepts what GCC builds, with the same warnings; clang-tidy, where it is installed, counts the functions.
. "$(dirname "$0")/../../scripts/lib.sh"

flags=(-std=c11 -D_GNU_SOURCE -DUMH_VERSION='"0"' -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough -Wcast-qual -Wwrite-strings -Iinclude -Isrc)
if command -v clang-tidy >/dev/null; then
    project_files 'src/*.c' 'modules/*.c' 'examples/*.c' |
        xargs -r -P "$jobs" -n 6 sh -c 'clang-tidy --quiet "$@" 2>/dev/null; true' - \
            --extra-arg=-Werror "${flags[@]/#/--extra-arg=}" |
        { grep -E '^[^ ].*(error|warning):' | sed "s#^$root/##" | grep . && exit 1 || exit 0; }
    exit
fi
project_files 'src/*.c' 'modules/*.c' 'examples/*.c' |
    xargs -r -P "$jobs" -n 6 clang -Werror -fsyntax-only "${flags[@]}"
