#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs as root in the virtual machine of scripts/test-vm.sh: the broker as a systemd service that has its part of the
# cgroup tree, and hosts that want more than they may have. Every line "RESULT|what|expected|got|ok" is a row.
set -u

here=$(cd "$(dirname "$0")" && pwd)
umh=$here/dist/bin/umh
ask_umh=("$umh") # asks the broker of the instance `default`, or another one as its user
slice=/sys/fs/cgroup/system.slice/umh-test.service
groups=$slice/umh-default
failed=0

say() { printf '%s\n' "$*"; }

# row <what> <expected> <got> <true|false>
row() {
    local verdict=ok
    [ "$4" = true ] || verdict=FAILED
    [ $verdict = ok ] || failed=$((failed + 1))
    printf 'RESULT|%s|%s|%s|%s\n' "$1" "$2" "$3" "$verdict"
}

is() { if "$@"; then echo true; else echo false; fi; }
matches() { [[ $1 =~ $2 ]]; }
between() { awk -v n="$1" -v low="$2" -v high="$3" 'BEGIN { exit !(n >= low && n <= high) }'; }

# eventually <seconds> <command...>
eventually() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.1
    done
}

service() { printf '7e570000-0000-4000-8000-%012x' "$1"; }
host() { "${ask_umh[@]}" status --json | jq -c --arg name "$1" '.hosts[] | select(.name == $name)'; }
field() { host "$1" | jq -r "$2"; }
runs() { [ "$(field "$1" .state 2>/dev/null)" = running ]; }
all_run() { for name in eater forker spinner opener plain; do runs "$name" || return 1; done; }
is_gone() { ! kill -0 "$1" 2>/dev/null || [ "$(awk '{ print $3 }' "/proc/$1/stat" 2>/dev/null)" = Z ]; }
are_gone() { local pid; for pid in "$@"; do is_gone "$pid" || return 1; done; }

# ask <number of the host> <text>: the module's answer
ask() {
    local answer=/run/answer heard=/run/heard
    : >$heard
    "${ask_umh[@]}" listen "$(service $((900 + $1)))" --count 1 --timeout 120 --json >$answer 2>$heard &
    local listener=$!
    eventually 60 grep -q listening $heard
    printf '%s' "$2" | "${ask_umh[@]}" send "$(service $((800 + $1)))" -
    wait $listener
    jq -r .text $answer
}

entry() { # <number> <name> <limits>
    printf '{"GroupName": "%s", "Limits": %s, "Modules": [{"Name": "greedy", "Path": "%s",
        "Config": {"Asked": %d, "Answered": %d}}]}' "$2" "$3" "$here/greedy.so" $((800 + $1)) $((900 + $1))
}

configure() {
    mkdir -p /etc/umh
    cat >/etc/umh/broker.json <<END
{"ChildProcesses": [
$(entry 1 eater '{"MemoryMiB": 64}'),
$(entry 2 forker '{"Processes": 24}'),
$(entry 3 spinner '{"CpuPercent": 30, "MemoryMiB": 400}'),
$(entry 4 opener '{"OpenFiles": 100}'),
$(entry 5 plain '{}')
]}
END
    cat >/run/systemd/system/umh-test.service <<END
[Service]
Type=exec
ExecStart=$here/dist/libexec/umh/umh-broker --config /etc/umh/broker.json
Delegate=yes
Restart=always
RestartSec=100ms
TimeoutStopSec=20
END
    systemctl daemon-reload
}

test_controllers() {
    local found
    found=$(cat $slice/cgroup.controllers)
    row "controllers delegated" "cpu, memory, pids" "$found" \
        "$(is matches "$found" 'cpu.*memory.*pids')"
    found=$(cat $groups/cgroup.subtree_control 2>&1)
    row "controllers passed on to hosts" "cpu, memory, pids" "$found" "$(is matches "$found" 'cpu.*memory.*pids')"
    found=$(grep -c . $slice/broker/cgroup.procs)
    row "processes beside the broker in its leaf" "0" "$((found - 1))" "$(is [ "$found" = 1 ])"
}

has_died() { [ "$(field "$1" '.deaths | length')" != 0 ]; }

test_memory() {
    local text
    row "MemoryMiB 64: memory.max" "67108864" "$(cat $groups/host-eater/memory.max)" \
        "$(is [ "$(cat $groups/host-eater/memory.max)" = 67108864 ])"
    printf 'eat 200' | "${ask_umh[@]}" send "$(service 801)" -
    eventually 120 has_died eater
    text=$(field eater '.deaths[0].text')
    row "MemoryMiB 64, 200 MiB wanted: kind of death" "limit" "$(field eater '.deaths[0].kind')" \
        "$(is [ "$(field eater '.deaths[0].kind')" = limit ])"
    row "... its reason" "limit reached: MemoryMiB 64, highest about 64" "$text" \
        "$(is matches "$text" '^limit reached: MemoryMiB 64: it needed more \(highest 6[0-4]\.[0-9] MiB\)')"
    eventually 60 runs eater
    row "... and it is started again" "running" "$(field eater .state)" "$(is runs eater)"
    text=$(journalctl -u umh-test -o cat | grep -c 'limit reached: MemoryMiB')
    row "... and the journal says so" "1 line" "$text" "$(is [ "$text" = 1 ])"
}

test_processes() {
    local answer count
    answer=$(ask 2 "fork 60")
    count=$(awk '{ print $2 }' <<<"$answer")
    row "Processes 24, 60 children wanted" "fewer than 24, errno 11" "$answer" \
        "$(is matches "$answer" '^forked ([1-9]|1[0-9]|2[0-3]) errno 11')"
    row "... refused, in the status" "$((60 - count))" "$(field forker .usage.processes_refused)" \
        "$(is [ "$(field forker .usage.processes_refused)" = $((60 - count)) ])"
    eventually 60 eval "journalctl -u umh-test -o cat | grep -q 'limit reached: Processes 24'"
    count=$(journalctl -u umh-test -o cat | grep -c 'limit reached: Processes 24')
    row "... said once of the process" "1 line" "$count" "$(is [ "$count" = 1 ])"
    row "... and it lives" "0 deaths" "$(field forker '.deaths | length') deaths" "$(is [ "$(field forker '.deaths | length')" = 0 ])"
}

usage_us() { awk '$1 == "usage_usec" { print $2 }' $groups/host-spinner/cpu.stat; }

test_cpu() {
    local answer before after began ended percent
    answer=$(ask 3 "spin")
    sleep 2
    before=$(usage_us) began=$EPOCHREALTIME
    sleep 10
    after=$(usage_us) ended=$EPOCHREALTIME
    percent=$(awk -v a="$before" -v b="$after" -v s="$began" -v t="$ended" 'BEGIN { printf "%.1f", (b - a) / (t - s) / 10000 }')
    row "CpuPercent 30, a thread that never rests ($answer)" "24 to 36 %" "$percent %" "$(is between "$percent" 24 36)"
    row "... kept from running, in the status" "more than 0 ms" "$(field spinner .usage.throttled_ms) ms" \
        "$(is between "$(field spinner .usage.throttled_ms)" 1 1000000)"
}

test_heap() {
    local answer
    answer=$(ask 3 "variable DOTNET_GCHeapHardLimit")
    row "MemoryMiB 400: the heap of managed modules" "300 MiB, 12C00000" "$answer" \
        "$(is [ "$answer" = DOTNET_GCHeapHardLimit=12C00000 ])"
}

test_files() {
    local answer
    answer=$(ask 4 "open 500")
    row "OpenFiles 100, 500 wanted" "fewer than 100, errno 24" "$answer" \
        "$(is matches "$answer" '^opened [1-9][0-9] errno 24')"
}

count_left() {
    local pid count=0
    for pid in "$@"; do is_gone "$pid" || count=$((count + 1)); done
    [ $count -eq 0 ] && echo "none left" || echo "$count left"
}

broker_pid() { systemctl show -P MainPID umh-test; }

test_death_of_the_broker() {
    local before pids new
    ask 5 "leave" >/dev/null
    before=$(broker_pid)
    pids=$(find $groups -name cgroup.procs -exec cat {} +)
    kill -9 "$before"
    eventually 5 are_gone $pids
    row "kill -9 of the broker: $(wc -w <<<"$pids") processes of hosts" "none left" "$(count_left $pids)" \
        "$(is are_gone $pids)"
    eventually 120 all_run
    new=$(broker_pid)
    row "... and systemd starts the next, and all hosts run" "another process" "$before, then $new" \
        "$([ "$new" != "$before" ] && [ "$new" != 0 ] && is all_run)"
    row "... with quotas" "67108864" "$(cat $groups/host-eater/memory.max)" \
        "$(is [ "$(cat $groups/host-eater/memory.max)" = 67108864 ])"
    row "... and no group of the last one" "5 groups" "$(find $groups -mindepth 1 -type d | wc -l) groups" \
        "$(is [ "$(find $groups -mindepth 1 -type d | wc -l)" = 5 ])"
}

# test_crash_of_a_host <folder of its groups> <whose>: what it started and what left its session ends with it
test_crash_of_a_host() {
    local pids
    ask 5 "leave" >/dev/null
    pids=$(cat "$1/host-plain/cgroup.procs")
    kill -9 "$(field plain .pid)"
    eventually 10 are_gone $pids
    row "kill -9 of a host$2: $(wc -w <<<"$pids") processes, one in a session of its own" "none left" \
        "$(count_left $pids)" "$(is are_gone $pids)"
}

# A broker that is not root: the manager gives it its group all the same.
test_unprivileged_broker() {
    local text user_groups=/sys/fs/cgroup/system.slice/umh-user.service/umh-user
    useradd --create-home guest
    cat >/run/systemd/system/umh-user.service <<END
[Service]
Type=exec
User=guest
RuntimeDirectory=umh-user
RuntimeDirectoryMode=0700
ExecStart=$here/dist/libexec/umh/umh-broker --config /etc/umh/broker.json --instance user --control /run/umh-user/control
Delegate=yes
TimeoutStopSec=20
END
    systemctl daemon-reload
    systemctl start umh-user
    ask_umh=(runuser -u guest -- "$umh" --control /run/umh-user/control)
    eventually 120 all_run
    row "service of a user: all hosts run" "yes" "$(all_run && echo yes || echo no)" "$(is all_run)"
    printf 'eat 200' | "${ask_umh[@]}" send "$(service 801)" -
    eventually 120 has_died eater
    text=$(field eater '.deaths[0].text')
    row "... MemoryMiB 64, 200 MiB wanted" "limit reached: MemoryMiB 64" "$text" \
        "$(is matches "$text" '^limit reached: MemoryMiB 64')"
    test_crash_of_a_host $user_groups " of it"
    systemctl stop umh-user
    row "... stop: its groups" "removed" "$([ -d $user_groups ] && echo there || echo removed)" "$(is [ ! -d $user_groups ])"
    [ $failed -eq 0 ] || journalctl -u umh-user -o cat | tail -n 40
}

test_end() {
    systemctl stop umh-test
    row "stop of the service: its groups" "removed" "$([ -d $slice ] && find $slice -type d | wc -l || echo removed)" \
        "$(is [ ! -d $slice ])"
    row "... and how it ended" "success" "$(systemctl show -P Result umh-test)" \
        "$(is [ "$(systemctl show -P Result umh-test)" = success ])"
}

# start_scope <name> [systemd-run option...]: `umh run` as from a terminal
start_scope() {
    local name=$1
    shift
    mkdir -m 700 /run/$name
    ask_umh=("$umh" --control /run/$name/control)
    systemd-run --quiet --scope --unit=$name "$@" "${ask_umh[@]}" run /etc/umh/broker.json --instance $name \
        >/run/$name/log 2>&1 </dev/null &
}

test_scopes() {
    local found why scopes=/sys/fs/cgroup/system.slice
    start_scope umh-scope -p Delegate=yes
    eventually 120 all_run
    found=$(cat $scopes/umh-scope.scope/umh-umh-scope/host-eater/memory.max)
    row "umh run in a scope with Delegate=yes: memory.max" "67108864" "$found" "$(is [ "$found" = 67108864 ])"
    "${ask_umh[@]}" stop
    wait

    start_scope umh-bare
    eventually 120 runs plain
    why=$(field eater .why)
    row "umh run in a scope without it: MemoryMiB stops its host" "... belongs to the service manager" "$why" \
        "$(is matches "$why" '^MemoryMiB cannot be applied: .*/umh-bare.scope. belongs to the service manager')"
    row "... and nobody else" "plain and opener run" "$(field plain .state), $(field opener .state)" \
        "$(runs plain && is runs opener)"
    "${ask_umh[@]}" stop
    wait
}

say "kernel $(uname -r), $(systemctl --version | head -n 1)"
configure
systemctl start umh-test
if ! eventually 120 all_run; then
    journalctl -u umh-test -o cat
    "${ask_umh[@]}" status
    row "all hosts run" "5" "see the log" false
fi
test_controllers
test_memory
test_processes
test_cpu
test_heap
test_files
test_crash_of_a_host $groups ""
test_death_of_the_broker
test_end
test_unprivileged_broker
test_scopes
[ $failed -eq 0 ] || journalctl -u umh-test -o cat | tail -n 60
say "DONE $failed failed"
