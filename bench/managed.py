# SPDX-License-Identifier: MIT
"""Managed modules: what a message costs on its way into C# and back, how many go from one process to another, and what
hosts and modules take of memory."""

import contextlib
import os
import pathlib
import subprocess
import time

from system import Failed, System, memory_kib

CALLS = 5000  # of a round: so short that most are not interrupted
HOSTS = 10
SETTLE_SECONDS = 2  # in which the runtime has compiled again what was used much


def bridge(bench, round_count):
    """ns of a message as bytes and as text, and of the shortest way in and back, all in one process."""
    dotnet = pathlib.Path(os.path.realpath(bench.bench / "dotnet")).parent
    mirror = bench.bench / "modules" / "Mirror" / "Mirror.dll"
    if not mirror.exists():
        raise Failed("the managed parts are absent")
    return bench.program("bridge", dotnet, bench.dist / "lib" / "umh" / "managed", mirror, CALLS, round_count)


def stream_round(system, count, size):
    """Numbers of the subscriber's, and the bytes that both sides allocated."""
    system.go(count, size)
    both = {}
    allocated = 0
    while not {"published", "messages"} <= both.keys():
        result = system.result()
        allocated += result.pop("allocated")
        both.update(result)
    if both["messages"] != count:
        raise Failed(f"{both['messages']} of {count} messages arrived")
    return both["messages"] / both["ns"] * 1e9, allocated / count


def stream(bench, count, size):
    """Messages per second from a managed publisher to a managed subscriber, each in a host, and bytes per message."""
    with bench.system("Publisher", "Subscriber") as system:
        system.ready(2)
        stream_round(system, count // 4, size)
        return stream_round(system, count, size)


def pss_mb(pids):
    return sum(memory_kib(pid, "smaps_rollup", "Pss") for pid in pids) * 1024 / 1e6


def descendants(pid):
    """Of a process; a host's own pid namespace has a first process more."""
    parents = {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def pss_of_system(bench, hosts, module_count):
    """All that runs below the broker, once each module has had a message."""
    with System(bench.dist, hosts, folders=[bench.bench / "modules"]) as system:
        system.ready(len(hosts))
        for _ in range(module_count):
            system.result()
        time.sleep(SETTLE_SECONDS)
        return pss_mb(descendants(system.broker.pid))


def pss_of_hosts(bench):
    """Of ten hosts with a module each."""
    hosts = [{"GroupName": f"Host-{number}", "Modules": ["Beacon"]} for number in range(HOSTS)]
    return pss_of_system(bench, hosts, HOSTS)


def pss_of_modules(bench):
    """Of a host with ten modules."""
    file = str(bench.bench / "modules" / "Beacon" / "Beacon.dll")
    modules = [{"Name": f"Beacon-{number}", "Path": file} for number in range(HOSTS)]
    return pss_of_system(bench, [{"GroupName": "Host", "Modules": modules}], HOSTS)


def pss_of_programs(bench):
    """Of ten .NET programs that wait."""
    program = bench.bench / "programs" / "waiting" / "waiting.dll"
    if not program.exists():
        raise Failed("the managed parts are absent")
    with contextlib.ExitStack() as stack:
        programs = []
        for _ in range(HOSTS):
            one = stack.enter_context(subprocess.Popen([bench.bench / "dotnet", program], stdout=subprocess.PIPE))
            stack.callback(one.kill)
            programs.append(one)
        for one in programs:
            one.stdout.read(1)
        time.sleep(SETTLE_SECONDS)
        return pss_mb(one.pid for one in programs)
