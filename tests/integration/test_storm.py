# SPDX-License-Identifier: MIT
"""kill -9, again and again and in every state, under load: all come back, and the books balance."""

import os
import random
import signal
import struct
import time

import pytest

from runner import eventually, is_alive

ECHO_ASKED, ECHO_ANSWERED = 1, 2
AT_ONCE = {"MaxDelayMs": 0, "Jitter": 0}
BOOK = struct.Struct("=7Q")


class Storm:
    """Hosts whose modules publish to each other and write down what they see."""

    def __init__(self, runner):
        self.runner = runner
        self.gate = runner.folder / "gate"
        self.gate.touch()

    def module(self, name, out=0, hears=(), **config):
        heard = {f"In{number}": service for number, service in enumerate(hears, 1)}
        return self.runner.module(name, "storm", Out=out, Gate=str(self.gate),
                                  Record=str(self.runner.folder / f"{name}.book"), **heard, **config)

    def book(self, name):
        numbers = BOOK.unpack((self.runner.folder / f"{name}.book").read_bytes()[:BOOK.size])
        return dict(zip(("processes", "sent", "refused", "slowest_ns", "received", "backwards", "missing"), numbers))

    def pause(self):
        self.gate.unlink()

    def await_quiet(self):
        """Everything that was accepted has been handled, held back or dropped; what the status says then."""
        def look():
            status = self.runner.await_running()
            modules = [module for host in status["hosts"] for module in host["modules"]]
            if any(module["waiting"] for module in modules):
                return None
            numbers = [(module["published"], module["delivered"], module["dropped"]) for module in modules]
            if numbers != self._numbers:
                self._numbers = numbers
                self._quiet_looks = 0
            self._quiet_looks += 1
            return status if self._quiet_looks > 10 else None

        self._numbers = None
        return eventually(look, self.runner.patience * 2, "nothing waits any more")


def kill_some(storm, names, count, seed):
    """Kill that many processes of the hosts, as they come back; the sum of their restarts."""
    chance = random.Random(seed)
    killed = set()
    while len(killed) < count:
        hosts = [host for host in storm.runner.status()["hosts"] if host["name"] in names and host["pid"]]
        for host in chance.sample(hosts, chance.randint(1, len(names) if hosts else 0) if len(hosts) == len(names)
                                  else len(hosts)):
            if host["pid"] not in killed and len(killed) < count:
                try:
                    os.kill(host["pid"], signal.SIGKILL)
                except ProcessLookupError:
                    continue
                killed.add(host["pid"])
    return killed


def rage(runner, count):
    """
    Six hosts publish to each other and are killed; two others, which talk to each other and listen to those, are
    not, and miss nothing of each other.
    """
    storm = Storm(runner)
    names = [f"victim{i}" for i in range(6)]
    services = [1000 + i for i in range(6)]
    runner.configure(
        *(runner.host(name, storm.module(name, services[i], (services[(i + 1) % 6], services[(i + 3) % 6], 2000)),
                      Restart=AT_ONCE) for i, name in enumerate(names)),
        runner.host("calm", storm.module("calm", 2000, (2001, services[0]))),
        runner.host("quiet", storm.module("quiet", 2001, (2000, services[3]))))
    runner.start()
    seed = time.time_ns()
    print("seed", seed)
    sent = {name: storm.book(name)["sent"] for name in ("calm", "quiet")}
    killed = kill_some(storm, names, count, seed)
    for name in sent:
        assert storm.book(name)["sent"] > sent[name], "no publisher was stopped"
    storm.pause()
    status = storm.await_quiet()
    hosts = {host["name"]: host for host in status["hosts"]}
    assert sum(host["restarts"] for host in hosts.values()) == count
    assert all(host["deaths"][0]["signal"] == 9 for name, host in hosts.items() if name in names)
    modules = {name: host["modules"][0] for name, host in hosts.items()}
    books = {name: storm.book(name) for name in modules}
    check_books(names, services, modules, books)
    assert all(books[name]["refused"] == 0 for name in books)
    for name in ("calm", "quiet"):
        assert books[name]["missing"] == 0 and hosts[name]["restarts"] == 0 and modules[name]["dropped"] == 0
        assert books[name]["received"] == modules[name]["delivered"]
    assert not any(is_alive(pid) for pid in killed)
    assert all(host["pid"] not in killed for host in hosts.values())
    return hosts


def check_books(names, services, modules, books):
    """What was accepted for a module was delivered, dropped, or waits; what it handled was not lost."""
    published = {service: modules[name]["published"] for name, service in zip(names, services)}
    published.update({2000: modules["calm"]["published"], 2001: modules["quiet"]["published"]})
    heard = {name: (services[(i + 1) % 6], services[(i + 3) % 6], 2000) for i, name in enumerate(names)}
    heard.update({"calm": (2001, services[0]), "quiet": (2000, services[3])})
    for name, module in modules.items():
        assert module["delivered"] + module["dropped"] - module["lost"] + module["waiting"] == \
            sum(published[service] for service in heard[name]), name
        # The count of a process that died may lack the message that it was in, and no more.
        handled = module["delivered"] - module["lost"]
        assert handled <= books[name]["received"] <= handled + books[name]["processes"], name
        assert books[name]["backwards"] == 0, name


@pytest.mark.limit(90)
def test_survives_five_hundred_kills(runner):
    hosts = rage(runner, 500)
    shown = runner.umh("status").stdout.decode()
    for i in range(6):
        assert f"ends so far: {hosts[f'victim{i}']['restarts']} signal" in shown
    assert shown.count("last end: signal 9 (Killed), at ") == 6


@pytest.mark.sanitize
@pytest.mark.tsan
@pytest.mark.limit(60)
def test_survives_some_kills(runner):
    rage(runner, 25)


@pytest.mark.soak
@pytest.mark.limit(100000)
def test_survives_ten_thousand_kills(runner):
    rage(runner, int(os.environ.get("UMH_SOAK_KILLS", "10000")))
