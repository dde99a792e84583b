# SPDX-License-Identifier: MIT
"""A managed module that is reloaded again and again while it is asked: how soon it answers, what stays of each."""

import statistics
import time

from system import Failed, memory_kib

RELOADS = 1000
SETTLED = 100  # reloads after which the process has all that it needs for one
QUESTIONS = 400  # of a round, at one every 5 ms; the next round begins when all have been answered


class Reloads:
    """Of `module`, the only one in `host`, in a system with a pacer."""

    def __init__(self, system, host, module):
        self.system, self.host, self.module = system, host, module
        self.is_asking = False

    def ask(self):
        if not self.is_asking:
            self.system.go(QUESTIONS, 1)
        self.is_asking = True

    def await_result(self, key):
        """What it says, once it says that; the end of a round on the way is noted."""
        while True:
            _, record = self.system.expect(f"a result with {key}", lambda r: r.get("msg") == "result")
            if "p99_ns" in record:
                self.is_asking = False
            if key in record:
                return int(record[key])

    def reload(self):
        """From the command to the new one's first message, in ms."""
        self.ask()
        begin_ns = time.monotonic_ns()
        outcome = self.system.command("reload", self.host, self.module).strip()
        if outcome != "running":
            raise Failed(f"a reload ended as {outcome}")
        return (self.await_result("message_ns") - begin_ns) / 1e6

    def run(self, count):
        """ms of each reload, and the bytes that the process keeps of each. All questions were answered."""
        pid = self.system.pids()[self.host]
        times, kept = [], []
        self.await_result("message_ns")
        for _ in range(count):
            times.append(self.reload())
            kept.append(memory_kib(pid, "status", "RssAnon") * 1024)
        if self.is_asking:
            self.await_result("p99_ns")
        if self.system.pids()[self.host] != pid:
            raise Failed("the host is another process")
        return times, slope(kept[SETTLED:])


def slope(values):
    """Of the line through them, per step."""
    middle = (len(values) - 1) / 2
    mean = statistics.fmean(values)
    rise = sum((i - middle) * (value - mean) for i, value in enumerate(values))
    return rise / sum((i - middle) ** 2 for i in range(len(values)))
