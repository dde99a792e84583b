# SPDX-License-Identifier: MIT
# What is not in a folder of one system compiles for another: mingw checks the syntax of it. The headers of libuv and
# jansson know Windows too; links to them keep the rest of the system's include folder away.
. "$(dirname "$0")/../../scripts/lib.sh"

compiler=x86_64-w64-mingw32-gcc
command -v $compiler >/dev/null || { say "tests/lint/mingw.sh:1: no $compiler (make setup)"; exit 1; }
include=$build/lint/include
mkdir -p "$include"
for name in uv.h uv jansson.h jansson_config.h uuid; do
    for folder in "$(pkg-config --variable=includedir libuv)" /usr/include "/usr/include/$(gcc -dumpmachine)"; do
        [ -e "$folder/$name" ] || continue
        ln -sfn "$folder/$name" "$include/$name"
        break
    done
done

project_files 'src/*.c' 'modules/*.c' | grep -vE '^src/(platform|watch)/linux/|^src/init/' |
    xargs -r -P "$jobs" -n 4 $compiler -std=c11 -D_POSIX_C_SOURCE=200809L -DUMH_VERSION='"0"' -Wall -Wextra -Wshadow \
        -Wstrict-prototypes -Wmissing-prototypes -Werror -Wno-unknown-pragmas -fsyntax-only \
        -Iinclude -Isrc -isystem "$include"
