#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the figures, each beside a baseline of the same minute, and says which goals were met.

A figure is the median of pairs: baseline, product, baseline, product. `ratio` is value / baseline_value, `spread` the
distance between the quartiles of the pairs' ratios, in parts of their median. Only ratios can be compared between
runs and machines.

  UMH_DIST    the installed tree          UMH_BENCH   the build tree's folder `bench`
  BENCH       only figures whose name contains this
"""

import argparse
import dataclasses
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import typing

import managed_start
import managed
import reload
import supervision
from system import Failed, System, memory_kib

TEXT_BYTES = 128
PIPE_BYTES = 1024 * 1024  # what the broker's pipes grow to, too
HOSTS = 20
RUNS = 11
LONG_RUNS = 5
STOPPED_HOSTS = 100
STOP_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Figure:
    """One number that is published. The goal is for `ratio`, or for the value itself."""

    name: str
    unit: str
    better: str
    baseline: str
    goal: float
    goal_is_ratio: bool

    def is_met(self, result):
        reached = result["ratio" if self.goal_is_ratio else "value"]
        return reached >= self.goal if self.better == "higher" else reached <= self.goal

    def goal_text(self):
        sign = ">=" if self.better == "higher" else "<="
        return f"{sign} {self.goal:g}" + ("x" if self.goal_is_ratio else f" {self.unit}")


RESPAWN = "kill, wait and spawn a C program"
RELAY = "raw relay of pipes, 64 KiB batches"
SHORTEST = "the shortest way into C# and back: a function that calls the function it is given"
PROGRAMS = "ten .NET programs that wait"
FIGURES = [
    Figure("throughput/native/1x1/128B", "msg/s", "higher", RELAY, 0.35, True),
    # CPU time depends on the machine and on which core is whose: 200 ns are meant where the relay takes 85.
    Figure("cpu/native/1x1/128B", "ns", "lower", RELAY + "; the goal is 200 ns where it takes 85", 2.35, True),
    Figure("throughput/native/1x1/128B/vs_zeromq", "msg/s", "higher", "ZeroMQ XSUB/XPUB proxy", 3, True),
    Figure("rtt/native/128B", "us", "lower", "raw relay of two pipes", 1.5, True),
    Figure("restart/native/kill_to_exec_p50", "ms", "lower", RESPAWN, 3, False),
    Figure("restart/native/kill_to_exec_p99", "ms", "lower", RESPAWN, 8, False),
    Figure("restart/native/kill_to_exec_p50/vs_runsv", "ms", "lower", "runsv, of a service that was healthy", 2, True),
    Figure("restart/native/kill_to_exec_p50/vs_s6", "ms", "lower", "s6-supervise, which waits a second before each start",
           2, True),
    Figure("restart/native/kill_to_ready", "ms", "lower", RESPAWN, 15, False),
    Figure("scale/1000_hosts/all_ready", "ms", "lower", RESPAWN + ", 1,000 times", 10_000, False),
    Figure("scale/1000_hosts/broker_rss", "MB", "lower", "RSS of an idle C program", 48, False),
    Figure("scale/1000_hosts/host_pss", "MB", "lower", "PSS of an idle C program", 1.2, False),
    Figure("scale/1000_hosts/idle_cpu", "% of a core", "lower", "one percent", 0.5, False),
    Figure("scale/1000_hosts/kill_all_to_ready", "ms", "lower", RESPAWN + ", 1,000 times", 10_000, False),
    Figure("scale/1000_hosts/unaffected_p99", "ms", "lower", "the same while nothing is killed", 3, True),
    Figure("stop/100_hosts", "ms", "lower", RESPAWN, 300, False),
    Figure("start/example/all_ready", "ms", "lower", "dotnet hello.dll", 300, False),
    Figure("start/managed/bare/vs_dotnet_hello", "ms", "lower", "dotnet hello.dll", 1.15, True),
    Figure("start/managed/full/vs_dotnet_hello", "ms", "lower", "dotnet hello.dll", 1.6, True),
    Figure("reload/managed/median_ms", "ms", "lower", "dotnet hello.dll", 150, False),
    Figure("reload/managed/slope_bytes", "bytes", "lower", "one KiB for each reload", 1024, False),
    Figure("bridge/span_ns", "ns", "lower", SHORTEST, 25, False),
    Figure("bridge/text_ns", "ns", "lower", SHORTEST, 90, False),
    Figure("throughput/managed/1x1/128B", "msg/s", "higher", RELAY, 1_000_000, False),
    Figure("alloc/managed/1x1/bytes_per_message", "bytes", "lower", "a tenth of a byte", 0.1, False),
    Figure("memory/managed/ten_hosts_pss", "MB", "lower", PROGRAMS, 2, True),
    Figure("memory/managed/ten_modules_pss", "MB", "lower", PROGRAMS, 1, True),
    Figure("memory/host/native_pss", "MB", "lower", "PSS of an idle C program", 2, False),
    Figure("memory/broker/20_hosts", "MB", "lower", "RSS of an idle C program", 8, False),
]


class Bench:
    """Where things are, and how each figure's pair is measured: (value, baseline) in the figure's units."""

    def __init__(self, dist, programs, is_quick):
        self.dist = pathlib.Path(dist).resolve()
        self.bench = pathlib.Path(programs).resolve()
        self.stream_count = 500_000 if is_quick else 4_000_000
        self.reload_count = reload.RELOADS // 4 if is_quick else reload.RELOADS
        self.turn_count = 2_000 if is_quick else 20_000

    # --- parts -----------------------------------------------------------------------------------------

    def program(self, name, *arguments):
        path = self.bench / "programs" / name
        if not path.exists():
            raise Failed(f"no {path}")
        done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise Failed(f"{name}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def system(self, *modules, keys=None):
        """A host for each module."""
        hosts = [{"GroupName": f"{module}-{number}", "Modules": [module], **(keys or {})}
                 for number, module in enumerate(modules)]
        return System(self.dist, hosts, folders=[self.bench / "modules"])

    def idle_program(self, file, key):
        with subprocess.Popen([self.bench / "programs" / "respawn", "child"], stdout=subprocess.PIPE) as child:
            child.stdout.read(1)
            kib = memory_kib(child.pid, file, key)
            child.kill()
        return kib * 1024 / 1e6

    def dotnet_hello(self):
        return managed_start.hello(self.bench)

    # --- experiments: {name of a figure: (value, baseline)} -----------------------------------------------

    def stream(self):
        """Publisher and subscriber, each in a host, the publisher sending from a thread of its own."""
        relay = self.program("relay", TEXT_BYTES, 2 * self.stream_count, PIPE_BYTES)
        with self.system("publisher", "subscriber") as system:
            system.ready(2)
            system.round(self.stream_count // 10, TEXT_BYTES)
            ours = system.round(self.stream_count, TEXT_BYTES)
        if ours["messages"] != self.stream_count:
            raise Failed(f"{ours['messages']} of {self.stream_count} messages arrived")

        def rate(of):
            return of["messages"] / of["ns"] * 1e9

        figures = {
            "throughput/native/1x1/128B": (rate(ours), rate(relay)),
            "cpu/native/1x1/128B": (ours["cpu_ns"] / ours["messages"], relay["cpu_ns"] / relay["messages"]),
        }
        if (self.bench / "programs" / "zmq_proxy").exists():
            with tempfile.TemporaryDirectory() as folder:
                zeromq = self.program("zmq_proxy", folder, TEXT_BYTES, self.stream_count // 4)
            figures["throughput/native/1x1/128B/vs_zeromq"] = (rate(ours), rate(zeromq))
        return figures

    def round_trip(self):
        """A turn is asked and answered inside callbacks, asker and answerer each in a host."""
        raw = self.program("round_trip", TEXT_BYTES, self.turn_count)
        with self.system("asker", "answerer") as system:
            system.ready(2)
            system.round(self.turn_count // 10, TEXT_BYTES)
            ours = system.round(self.turn_count, TEXT_BYTES)
        return {"rtt/native/128B": (ours["p50_ns"] / 1e3, raw["p50_ns"] / 1e3)}

    def restart(self):
        """From kill -9 of the host until its module is called with a message of its own."""
        raw = self.program("respawn", 10)
        with self.system("beacon", keys={"Restart": supervision.AT_ONCE}) as system:
            system.ready(1)
            median, _ = supervision.median_and_p99(supervision.ready_times(system))
        return {"restart/native/kill_to_ready": (median, raw["ns"] / 1e6)}

    def restart_program(self):
        """From kill -9 of the host until the first instruction of its next program, and the same of others."""
        raw = self.program("respawn", 10)["ns"] / 1e6
        median, p99 = supervision.median_and_p99(supervision.exec_times(self.dist, self.bench))
        figures = {"restart/native/kill_to_exec_p50": (median, raw), "restart/native/kill_to_exec_p99": (p99, raw)}
        for name, command in (("vs_runsv", "runsv"), ("vs_s6", "s6-supervise")):
            times = supervision.peer_times(command, self.bench)
            if times:
                figures[f"restart/native/kill_to_exec_p50/{name}"] = (median, statistics.median(times))
        return figures

    def thousand(self):
        raw = self.program("respawn", 10)["ns"] / 1e6 * supervision.SCALE_HOSTS
        found = supervision.thousand(self.dist, self.bench)
        against = {
            "all_ready": raw, "kill_all_to_ready": raw, "idle_cpu": 1.0,
            "broker_rss": self.idle_program("status", "VmRSS"),
            "host_pss": self.idle_program("smaps_rollup", "Pss"),
        }
        figures = {f"scale/1000_hosts/{name}": (found[name], baseline) for name, baseline in against.items()}
        figures["scale/1000_hosts/unaffected_p99"] = (found["storm_p99"], found["quiet_p99"])
        return figures

    def stop(self):
        """From SIGTERM until the broker has ended, all its hosts before it."""
        raw = self.program("respawn", 10)
        with self.system(*["beacon"] * STOPPED_HOSTS) as system:
            system.ready(STOPPED_HOSTS)
            begin_ns = time.monotonic_ns()
            system.broker.send_signal(signal.SIGTERM)
            if system.broker.wait(STOP_SECONDS) != 0:
                raise Failed(f"the broker ended with {system.broker.returncode}")
            took_ns = time.monotonic_ns() - begin_ns
        return {"stop/100_hosts": (took_ns / 1e6, raw["ns"] / 1e6)}

    def start_example(self):
        """From `umh run` until every module of the example has been started."""
        hello = self.dotnet_hello()
        file = self.dist / "share" / "umh" / "examples" / "endpoint-agent" / "broker.json"
        with System(self.dist, file=file) as system:
            ready_ns = system.ready(2)
            return {"start/example/all_ready": ((ready_ns - system.started_ns) / 1e6, hello)}

    def start_managed(self):
        found = managed_start.pairs(self.dist, self.bench)
        return {f"start/managed/{kind}/vs_dotnet_hello": pair for kind, pair in found.items()}

    def reload_managed(self):
        """From `umh reload`, while it is asked, until the module is called with a message, and what stays of each."""
        hello = self.dotnet_hello()
        with self.system("Replier", "pacer") as system:
            system.ready(2)
            times, kept = reload.Reloads(system, "Replier-0", "Replier").run(self.reload_count)
        return {
            "reload/managed/median_ms": (statistics.median(times), hello),
            "reload/managed/slope_bytes": (kept, 1024),
        }

    def bridge(self):
        """A message as bytes and as text, from native code into a module and back, in one process."""
        ns = managed.bridge(self, self.turn_count // 20)
        return {f"bridge/{way}_ns": (ns[f"{way}_ns"], ns["bare_ns"]) for way in ("span", "text")}

    def stream_managed(self):
        """As `stream`, with modules in C#."""
        relay = self.program("relay", TEXT_BYTES, 2 * self.stream_count, PIPE_BYTES)
        rate, allocated = managed.stream(self, self.stream_count, TEXT_BYTES)
        return {
            "throughput/managed/1x1/128B": (rate, relay["messages"] / relay["ns"] * 1e9),
            "alloc/managed/1x1/bytes_per_message": (allocated, 0.1),
        }

    def memory_of_managed(self):
        programs = managed.pss_of_programs(self)
        return {
            "memory/managed/ten_hosts_pss": (managed.pss_of_hosts(self), programs),
            "memory/managed/ten_modules_pss": (managed.pss_of_modules(self), programs),
        }

    def memory_of_host(self):
        idle = self.idle_program("smaps_rollup", "Pss")
        with self.system("beacon") as system:
            system.ready(1)
            system.result()
            pss = memory_kib(system.pids()["beacon-0"], "smaps_rollup", "Pss")
        return {"memory/host/native_pss": (pss * 1024 / 1e6, idle)}

    def memory_of_broker(self):
        idle = self.idle_program("status", "VmRSS")
        with self.system(*["beacon"] * HOSTS) as system:
            system.ready(HOSTS)
            rss = memory_kib(system.broker.pid, "status", "VmRSS")
        return {"memory/broker/20_hosts": (rss * 1024 / 1e6, idle)}

    def experiments(self) -> list[tuple[typing.Callable, list[str]]]:
        return [
            (self.stream, [f.name for f in FIGURES[:3]]),
            (self.round_trip, ["rtt/native/128B"]),
            (self.restart, ["restart/native/kill_to_ready"]),
            (self.restart_program, [f.name for f in FIGURES if "kill_to_exec" in f.name]),
            (self.thousand, [f.name for f in FIGURES if f.name.startswith("scale/")]),
            (self.stop, ["stop/100_hosts"]),
            (self.start_example, ["start/example/all_ready"]),
            (self.start_managed, [f.name for f in FIGURES if f.name.startswith("start/managed/")]),
            (self.reload_managed, [f.name for f in FIGURES if f.name.startswith("reload/")]),
            (self.bridge, ["bridge/span_ns", "bridge/text_ns"]),
            (self.stream_managed, ["throughput/managed/1x1/128B", "alloc/managed/1x1/bytes_per_message"]),
            (self.memory_of_managed, ["memory/managed/ten_hosts_pss", "memory/managed/ten_modules_pss"]),
            (self.memory_of_host, ["memory/host/native_pss"]),
            (self.memory_of_broker, ["memory/broker/20_hosts"]),
        ]


def spread(values):
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else (values * 3)
    middle = statistics.median(values)
    return (high - low) / middle if middle else 0.0


def conclude(figure, pairs):
    value = statistics.median(ours for ours, _ in pairs)
    baseline = statistics.median(theirs for _, theirs in pairs)
    return {
        "name": figure.name, "value": round(value, 4), "unit": figure.unit, "better": figure.better,
        "baseline": figure.baseline, "baseline_value": round(baseline, 4), "ratio": round(value / baseline, 4),
        "runs": len(pairs), "spread": round(spread([ours / theirs for ours, theirs in pairs]), 4),
    }


def runs_of(names, run_count):
    """Fewer of those that take many samples in each run, more of those that vary more than what is promised."""
    if names[0].startswith(("scale/", "restart/", "reload/", "memory/managed/")):
        return min(run_count, LONG_RUNS)
    if names[0].startswith("start/managed/") and run_count == RUNS:
        return managed_start.PAIRS
    return run_count


def show(progress):
    if sys.stderr.isatty():
        print(f"\r{progress:70}\r", end="", file=sys.stderr, flush=True)


def measure(experiment, names, run_count):
    """Pairs by figure."""
    pairs = {name: [] for name in names}
    for run in range(run_count):
        show(f"{names[0]}: {run + 1} of {run_count}")
        for name, pair in experiment().items():
            pairs[name].append(pair)
    show("")
    return pairs


def human(number):
    return f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def print_table(results, absent):
    rows = [("figure", "value", "", "baseline", "ratio", "spread", "runs", "goal", "")]
    for figure, result in results:
        rows.append((figure.name, human(result["value"]), result["unit"], human(result["baseline_value"]),
                     f"{result['ratio']:.2f}x", f"{result['spread']:.0%}", str(result["runs"]), figure.goal_text(),
                     "met" if figure.is_met(result) else "MISSED"))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) if i in (0, 2, 7, 8) else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        print("  ".join(cells).rstrip())
    print()
    for figure, _ in results:
        print(f"{figure.name}: baseline is {figure.baseline}")
    for name, why in absent:
        print(f"{name}: not measured: {why}")


def main():
    arguments = argparse.ArgumentParser(description="measure the figures")
    arguments.add_argument("--output", help="where the results go as JSON")
    arguments.add_argument("--quick", action="store_true", help="3 short pairs: does it run, not what is the figure")
    arguments.add_argument("--runs", type=int, default=0, help="pairs of each figure")
    arguments.add_argument("--only", default=os.environ.get("BENCH", ""), help="figures whose name contains this")
    chosen = arguments.parse_args()
    run_count = chosen.runs or (3 if chosen.quick else RUNS)
    for name in ("UMH_DIST", "UMH_BENCH"):
        if name not in os.environ:
            sys.exit(f"{name} is not set; `make bench` sets it")

    bench = Bench(os.environ["UMH_DIST"], os.environ["UMH_BENCH"], chosen.quick)
    figures = {figure.name: figure for figure in FIGURES}
    results, absent = [], []
    for experiment, names in bench.experiments():
        wanted = [name for name in names if chosen.only in name]
        if not wanted:
            continue
        try:
            pairs = measure(experiment, names, runs_of(names, run_count))
        except (Failed, subprocess.SubprocessError) as why:
            absent += [(name, why) for name in wanted]
            continue
        for name in wanted:
            if pairs[name]:
                results.append((figures[name], conclude(figures[name], pairs[name])))
            else:
                absent.append((name, "what it is compared with is not installed"))
    if not results and not absent:
        sys.exit(f"no figure has {chosen.only!r} in its name")

    print_table(results, absent)
    if chosen.output:
        pathlib.Path(chosen.output).write_text(json.dumps([result for _, result in results], indent=2) + "\n")
    return 1 if absent else 0


if __name__ == "__main__":
    sys.exit(main())
