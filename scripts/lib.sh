# SPDX-License-Identifier: MIT
# What the scripts share: where things are, which tools are used, and how a step is announced. Sourced by bash.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

build=$root/build
jobs=${JOBS:-$(nproc)}

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE=true DOTNET_GENERATE_ASPNET_CERTIFICATE=false
# No build server outlives a command: a runner that waits for its children would wait for it.
export DOTNET_CLI_USE_MSBUILD_SERVER=0 MSBUILDDISABLENODEREUSE=1

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Prints the `dotnet` of an SDK 10, or fails. The SDK's folder is looked at instead of asking the program:
# that costs nothing.
find_dotnet() {
    local candidate real
    for candidate in "$(command -v dotnet || true)" "$HOME/.dotnet/dotnet" /usr/share/dotnet/dotnet \
        /usr/lib/dotnet/dotnet; do
        [ -n "$candidate" ] && [ -x "$candidate" ] || continue
        real=$(readlink -f "$candidate")
        if compgen -G "$(dirname "$real")/sdk/10.*" >/dev/null; then
            printf '%s\n' "$real"
            return 0
        fi
    done
    return 1
}

# Prints a Python 3 that has pytest: the first `python3` of the path may be one that has not.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" /usr/bin/python3 python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import pytest' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# Prints the folder of the libraries of 32-bit hosts, or fails; setup.sh fetches them.
find_i386() { [ -e "$build/i386/complete" ] && printf '%s\n' "$build/i386"; }

# configure <folder> [cmake arguments]: once; Ninja repeats it when a CMake file or a list of sources changes.
configure() {
    local folder=$1
    shift
    local wanted="$* CC=${CC:-} CXX=${CXX:-} DOTNET=$(find_dotnet || true) I386=$(find_i386 || true)"
    if [ ! -f "$folder/build.ninja" ] || [ "$(cat "$folder/.configured" 2>/dev/null)" != "$wanted" ]; then
        mkdir -p "$folder"
        cmake -S "$root" -B "$folder" -G Ninja -DUMH_I386_ROOT="$build/i386" "$@" >"$folder/configure.log" 2>&1 || {
            cat "$folder/configure.log"
            return 1
        }
        grep -h '^-- umh: ' "$folder/configure.log" | sed 's/^-- umh: //' || true
        printf '%s' "$wanted" >"$folder/.configured"
    fi
}

# compile <folder>: build and install one tree into <folder>/dist.
compile() {
    ninja -C "$1" -j "$jobs" --quiet | sed '/^ninja: no work to do/d' || return 1
    cmake --install "$1" >"$1/install.log" 2>&1 || {
        cat "$1/install.log"
        return 1
    }
}

seconds_since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'; }

# What a test runner said last in a step: ctest, pytest, dotnet test, and our own.
summary_of() {
    grep -hE '^[0-9]+% tests passed|^=+ .*(passed|failed|error|deselected|no tests ran).* =+$' "$1" ||
        grep -hE '^ *(Passed|Failed)! +- |^Test run summary: |^lint: [0-9]+ checks|^models: ' "$1" || true
}

logs=$build/logs
begin_of_run=$EPOCHREALTIME
declare -a step_names=() step_results=() step_seconds=()

# step <name> <command...>: run it, show it, remember how it went. The run goes on after a failure.
step() {
    local name=$1 started=$EPOCHREALTIME result=ok
    shift
    mkdir -p "$logs"
    printf '\n==> %s\n' "$name"
    ("$@") 2>&1 | tee "$logs/${name// /-}.log" || result=FAILED
    step_names+=("$name") step_results+=("$result") step_seconds+=("$(seconds_since "$started")")
    printf '<== %s: %s (%s s)\n' "$name" "$result" "${step_seconds[-1]}"
    [ "$result" = ok ]
}

# begin <name> <command...>: the same in the background, on another core; `finish <name>` waits for it.
declare -A begun=()
begin() {
    local name=$1
    shift
    mkdir -p "$logs"
    (
        started=$EPOCHREALTIME
        result=ok
        ("$@") >"$logs/${name// /-}.log" 2>&1 </dev/null || result=FAILED
        printf '%s %s\n' "$result" "$(seconds_since "$started")" >"$logs/${name// /-}.result"
    ) &
    begun[$name]=$!
}

finish() {
    local name=$1 result taken
    wait "${begun[$name]}" || true
    read -r result taken <"$logs/${name// /-}.result"
    printf '\n==> %s (ran beside the steps before)\n' "$name"
    cat "$logs/${name// /-}.log"
    step_names+=("$name") step_results+=("$result") step_seconds+=("$taken")
    printf '<== %s: %s (%s s)\n' "$name" "$result" "$taken"
    [ "$result" = ok ]
}

# summary: every step with its seconds, then the last words of its test runner; fails when a step failed.
summary() {
    local i lines failed=0
    printf '\n==> summary\n'
    for i in "${!step_names[@]}"; do
        printf '%-28s %-7s %7s s\n' "${step_names[$i]}" "${step_results[$i]}" "${step_seconds[$i]}"
        [ "${step_results[$i]}" = ok ] || failed=$((failed + 1))
    done
    printf '%d steps, %d failed, %s s\n\n' "${#step_names[@]}" "$failed" "$(seconds_since "$begin_of_run")"
    for i in "${!step_names[@]}"; do
        lines=$(summary_of "$logs/${step_names[$i]// /-}.log")
        [ -z "$lines" ] || printf '%s:\n%s\n' "${step_names[$i]}" "$lines"
    done
    list_skipped
    [ "$failed" -eq 0 ]
}

# What was not tested, and why: a test that is skipped in silence would pass for one that holds.
list_skipped() {
    local logs_of_steps=("${step_names[@]// /-}") lines
    logs_of_steps=("${logs_of_steps[@]/#/$logs/}")
    lines=$(grep -hoE '^SKIPPED \[[0-9]+\].*|^[^ ]* *\[ +SKIPPED +\].*' "${logs_of_steps[@]/%/.log}" 2>/dev/null | sort | uniq -c) ||
        return 0
    printf 'skipped, because:\n%s\n' "$lines"
}

# project_files <pattern...>: the files of the project, new ones included, ignored and deleted ones not.
project_files() {
    if [ -e .git ]; then
        git ls-files -co --exclude-standard -- "$@"
    else
        find . -path ./build -prune -o -type f -print | sed 's#^\./##' | while IFS= read -r file; do
            for pattern in "$@"; do
                # shellcheck disable=SC2053  # a pattern is meant
                [[ $file != $pattern ]] || { printf '%s\n' "$file"; break; }
            done
        done
    fi | sort -u | while IFS= read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
}
