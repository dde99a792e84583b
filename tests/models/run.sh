#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks every model of the message flow, and that each property is missed when the protocol is broken in the way it guards against.
#
#   run.sh [FOLDER]     builds in FOLDER; without it in a temporary one that it removes
set -u

here=$(cd "$(dirname "$0")" && pwd)
jobs=${JOBS:-2}

# name | file | definitions for spin | mutants
models() {
    cat <<'TABLE'
credit-firsts|credit|-DSENDERS=1 -DSENDS=3 -DEXPIRIES=0 -DGROWS=0|GIVES_FIRST FIRST_BY_WANT
credit-crossing|credit|-DSERVICES_USED=1 -DSENDERS=1 -DSENDS=3 -DASKS=2 -DEXPIRIES=2|COST HEAD_NOT_REPLACED WEAK_WITHDRAWAL GIVES_OUTBOX PROMISE_STAYS
credit-threads|credit|-DSERVICES_USED=1 -DSENDERS=2 -DSENDS=1|TWO_STEPS
flood-self|flood|-DSELF -DSENDS=6 -DMEMORY=5|CREDIT_BEHIND
flood-mutual|flood|-DSENDS=2 -DMEMORY=5|ASK_OVERTAKES GRANTS_WHILE_ASKED ASKS_AGAIN GROWS_ALWAYS EVENT PASSES_WAITERS NO_BUDGET
flood-ring|flood|-DRING -DSENDS=1 -DMEMORY=5|EVENT
giveback|giveback||ASKS_AGAIN GROWS_ALWAYS GRANTS_WHILE_ASKED
giveback-residue|giveback|-DRESIDUE|NO_START PROMISE_STAYS ZERO_MARK NO_GIVE_BACK
giveback-contend|giveback|-DRESIDUE -DCONTEND|ANSWER_FIRST
stuck-one|stuck|-DONE|
stuck-three|stuck||EMPTY_PASSES ONE_LIST NO_LARGE_RULE
deadline|deadline||PROMISE_STAYS NO_LARGE_RULE
parts|parts||PART_BY_PART
window|window||NO_WINDOW READER_WAITS WHOLE_WINDOW WINDOW_LEAKS
fanout|fanout||CHARGED_EACH FREED_BY_FIRST TERMINAL_BLOCKS
reload-own|reload||NO_JUMP NO_RESERVE EARLY_RESERVE LATE_RESERVE STOP_OVERTAKES STOPPED_OVERTAKES
reload-mutual|reload|-DMUTUAL|NO_RESERVE LATE_RESERVE NO_JUMP
death|death||NEW_FIRST FORGETS_EARLY CREDIT_SURVIVES HOLD_BLOCKS HOLD_UNBOUNDED WINDOW_SURVIVES
TABLE
}

# check NAME FILE DEFINITIONS [MUTANT]: every run is finite, so besides assertions any cycle at all is an error.
check() {
    local name=$1 file=$2 definitions=$3 mutant=${4:-} optimise=-O1 started=$EPOCHREALTIME
    local folder=$build/$name${mutant:+-$mutant} errors states seconds

    mkdir -p "$folder" && cp "$here"/*.pml "$here"/*.pmh "$folder" && cd "$folder" || return 1
    [ -z "$mutant" ] || { definitions="$definitions -DMUTANT_$mutant" optimise=-O0; }
    # shellcheck disable=SC2086
    if ! spin -a $definitions "$file.pml" >spin.txt 2>&1 ||
        ! gcc -w $optimise -DNP -DNOFAIR -DMEMLIM=900 -o pan pan.c >gcc.txt 2>&1; then
        echo "model $name${mutant:+ $mutant}: does not compile, see $folder"
        return 1
    fi
    ./pan -l -m200000 -w23 >pan.txt 2>&1
    errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' pan.txt)
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.txt)
    seconds=$(awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
    if [ -z "$errors" ] || { [ "$errors" = 0 ] && grep -q -e 'depth too small' -e 'not completed' -e 'out of memory' pan.txt; }; then
        echo "model $name${mutant:+ $mutant}: not completed, see $folder/pan.txt"
        return 1
    elif [ -z "$mutant" ] && [ "$errors" = 0 ]; then
        echo "model $name: ok ($states states, $seconds s)"
    elif [ -n "$mutant" ] && [ "$errors" != 0 ]; then
        echo "model $name: ok, finds $mutant ($states states, $seconds s)"
    elif [ -z "$mutant" ]; then
        echo "model $name: FAILED: $(sed -n 's/^pan:1: //p' pan.txt | head -c 200), see $folder"
        return 1
    else
        echo "model $name: FAILED: does not find $mutant"
        return 1
    fi
}

if [ "${1:-}" = --check ]; then
    build=$2
    check "${@:3}"
    exit
fi

for tool in spin gcc; do
    command -v $tool >/dev/null || { echo "models: $tool is missing" >&2; exit 1; }
done
if [ $# -gt 0 ]; then
    mkdir -p "$1" && build=$(cd "$1" && pwd) || exit 1
else
    build=$(mktemp -d) || exit 1
    trap 'rm -rf "$build"' EXIT
fi

# the long ones first, then the mutants; xargs is 123 when one failed
{
    models | while IFS='|' read -r name file definitions mutants; do
        printf '%s\0%s\0%s\0\0' "$name" "$file" "$definitions"
    done
    models | while IFS='|' read -r name file definitions mutants; do
        for mutant in $mutants; do
            printf '%s\0%s\0%s\0%s\0' "$name" "$file" "$definitions" "$mutant"
        done
    done
} | xargs -0 -n 4 -P "$jobs" "$here/run.sh" --check "$build"
