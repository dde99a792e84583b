# SPDX-License-Identifier: MIT
"""What happens to messages while their receiver is away, in every way that it can go and come back."""

import re
import signal
import time

import pytest

from runner import eventually, is_alive
from test_hostile import HOSTILE, private_installation
from test_storm import Storm

SLOW_ASKED, HANG_ASKED, CRASH_ASKED = 3, 4, 7
STREAM, POISON = 2000, 7
AT_ONCE = {"MaxDelayMs": 0, "Jitter": 0}


def settle(runner, storm, host="victim"):
    """The receiver is back and has caught up; its module in the status, and its book."""
    def look():
        module = runner.find_module(host, "sink")
        return module if module["state"] == "running" and module["waiting"] == 0 else None

    eventually(look, runner.patience, "it has caught up")
    return runner.find_module(host, "sink"), storm.book("sink")


def restart(runner, do, name="victim"):
    """Another process does the work after that."""
    before = runner.find_host(name)
    do()
    return runner.await_host(name, lambda host: host["restarts"] > before["restarts"] and host["state"] == "running" and
                             all(module["state"] == "running" for module in host["modules"]))


@pytest.mark.sanitize
@pytest.mark.limit(60)
def test_nothing_is_lost_that_was_not_in_a_process_that_died(runner):
    """One receiver goes in every way and comes back, under load; its publisher never stops."""
    storm = Storm(runner)
    runner.configure(
        runner.host("victim", storm.module("sink", hears=(STREAM,)), "hang", "crash", "echo", "nodelete", Restart=AT_ONCE,
                    Timeouts={"CallbackMs": 400, "PingMs": 1000, "StopMs": 1000}),
        runner.host("publisher", storm.module("source", STREAM)), StallSeconds=30)
    runner.start()
    storm.go()
    ways = {
        "kill -9": (lambda: runner.kill("victim"), "signal"),
        "crash": (lambda: runner.send(CRASH_ASKED, "now"), "signal"),
        "exit": (lambda: runner.send(CRASH_ASKED, "leave"), "exit"),
        "callback": (lambda: runner.send(HANG_ASKED, "for ever"), "deadline"),
        "ping": (lambda: runner.kill("victim", signal.SIGSTOP), "deadline"),
        "replaced": (lambda: runner.umh("reload", "victim", "nodelete"), "asked"),
    }
    lost = 0
    for way, (do, kind) in ways.items():
        sent = storm.book("source")["sent"]
        host = restart(runner, do)
        assert host["deaths"][0]["kind"] == kind, way
        module, book = settle(runner, storm)
        assert module["dropped"] == module["lost"], way
        if kind == "asked":
            assert module["lost"] == lost, way
        lost = module["lost"]
        # What is missing was in the process that died, and is said to be.
        assert book["missing"] <= lost and book["backwards"] == 0, way
        assert storm.book("source")["sent"] > sent, way
    for name in ("sink", "echo"):
        assert runner.umh("reload", "victim", name).stdout in (b"running\n", b"reloaded\n", b"replaced\n")
    module, book = settle(runner, storm)
    assert module["lost"] == lost and module["dropped"] == lost
    storm.pause()
    storm.await_quiet()
    module, book = runner.find_module("victim", "sink"), storm.book("sink")
    published = runner.find_module("publisher", "source")["published"]
    assert published == storm.book("source")["sent"] == module["delivered"]
    assert book["missing"] <= lost
    # One message in each death may have been handled without being counted.
    assert published - lost <= book["received"] <= published - lost + len(ways)
    assert storm.book("source")["refused"] == 0
    if lost:
        assert re.search(r"\d+ messages? (is|are) lost: it had (it|them) and was not done with (it|them)", runner.log())
        shown = runner.umh("status").stdout.decode()
        assert f"dropped: {lost} lost with a process that ended" in shown
        assert "ends so far: 1 exit, 2 signal, 1 asked, 2 deadline" in shown


def test_what_exceeds_hold_is_dropped_and_counted_and_stops_nobody(runner):
    """In bytes, then in seconds."""
    storm = Storm(runner)
    runner.configure(
        runner.host("victim", storm.module("sink", hears=(STREAM,)), Hold={"Bytes": 10_000, "Seconds": 1},
                    Restart={"FirstDelayMs": 2500, "MaxDelayMs": 2500, "Jitter": 0}),
        runner.host("publisher", storm.module("source", STREAM)))
    runner.start()
    storm.go()
    runner.kill("victim")
    host = runner.await_host("victim", lambda host: host["state"] == "absent" and host["modules"][0]["dropped"] > 50)
    assert 0 < host["modules"][0]["waiting_bytes"] <= 10_000
    storm.pause()
    host = runner.await_host("victim", lambda host: host["modules"][0]["waiting"] == 0)
    assert host["state"] == "absent", "its seconds are over before it is back"
    module = host["modules"][0]
    assert module["delivered"] + module["dropped"] - module["lost"] == runner.find_module("publisher", "source")["published"]
    assert storm.book("source")["slowest_ns"] < 10e9
    runner.await_running()
    assert runner.find_module("victim", "sink")["delivered"] == module["delivered"]


def test_a_crash_loop_stops_no_publisher(runner):
    """Each message to a module is its end, and there is no end of messages."""
    storm = Storm(runner)
    runner.configure(runner.host("loop", "crash", Hold={"Bytes": 20_000}, Restart={"MaxDelayMs": 20}),
                     runner.host("publisher", storm.module("source", POISON)))
    runner.start()
    storm.go()
    runner.await_host("loop", lambda host: host["restarts"] >= 5)
    sent = storm.book("source")["sent"]
    runner.await_host("loop", lambda host: host["restarts"] >= 15)
    book = storm.book("source")
    assert book["sent"] > sent and book["refused"] == 0 and book["slowest_ns"] < 10e9
    module = runner.find_module("loop", "crash")
    assert module["dropped"] > 0 and module["lost"] >= 15
    storm.pause()
    runner.await_host("loop", lambda host: host["state"] == "running" and host["modules"][0]["waiting"] == 0)


def test_messages_are_held_for_a_host_that_broke_the_protocol(tree, runner):
    runner.dist = private_installation(tree, runner.folder)
    name = HOSTILE + "garbage"
    runner.configure(runner.host(name, "printing", Restart={"FirstDelayMs": 1500, "MaxDelayMs": 1500, "Jitter": 0}),
                     runner.host("good", "echo"))
    runner.start(wait=False)
    runner.await_running("good")
    host = runner.await_host(name, lambda host: host["state"] == "absent" and host["deaths"])
    assert host["deaths"][0]["kind"] == "violation"
    before = host["modules"][0]
    for i in range(5):
        runner.send(401, f"number {i}")
    module = runner.find_host(name)["modules"][0]
    assert (module["gate"], module["waiting"], module["dropped"]) == ("crashed", 5, before["dropped"])


def test_a_host_that_is_not_wanted_any_more_holds_nothing(runner):
    storm = Storm(runner)
    runner.configure(runner.host("victim", storm.module("sink", hears=(STREAM,)), Restart={"When": "Never"}),
                     runner.host("publisher", storm.module("source", STREAM)))
    runner.start()
    storm.go()
    runner.kill("victim")
    host = runner.await_host("victim", lambda host: host["why"])
    assert host["modules"][0]["gate"] == "shut" and host["modules"][0]["waiting"] == 0
    sent = storm.book("source")["sent"]
    eventually(lambda: storm.book("source")["sent"] > sent + 100, runner.patience, "its publisher goes on")


def stop_and_start(runner):
    """`umh stop` ends all in order; the next broker knows nothing of what waited."""
    pids = [host["pid"] for host in runner.status()["hosts"] if host["pid"]]
    began = time.monotonic()
    assert runner.stop() == 0
    assert time.monotonic() - began < runner.patience
    assert not any(is_alive(pid) for pid in pids)
    runner.start()
    module = runner.find_host("victim")["modules"][0]
    assert (module["waiting"], module["delivered"], module["dropped"]) == (0, 0, 0)


@pytest.mark.sanitize
def test_a_broker_that_stops_holds_nothing(runner):
    """What waits for a host that is away delays no stop, however long it was to be held, and is gone with it."""
    storm = Storm(runner)
    runner.configure(
        runner.host("victim", storm.module("sink", hears=(STREAM,)), Hold={"Seconds": 600},
                    Restart={"FirstDelayMs": 600_000, "MaxDelayMs": 600_000}),
        runner.host("publisher", storm.module("source", STREAM)))
    runner.start()
    storm.go()
    runner.kill("victim")
    module = runner.await_host("victim", lambda host: host["modules"][0]["waiting"] > 100)["modules"][0]
    assert module["gate"] == "crashed"
    storm.pause()
    received = storm.book("sink")["received"]
    stop_and_start(runner)
    assert storm.book("sink")["received"] == received < storm.book("source")["sent"]


@pytest.mark.sanitize
def test_a_broker_that_stops_waits_for_no_queue(runner):
    """A module works off what its process has; what waits in the broker for it is dropped."""
    runner.configure(runner.host("victim", "slow"))
    runner.start()
    with runner.paused(runner.pid("victim")):
        for _ in range(20):
            runner.send(SLOW_ASKED, "100000 " + "x" * 100_000)  # microseconds; about ten of them fill its window
        module = runner.find_module("victim", "slow")
    assert module["gate"] == "open" and module["waiting"] > 0
    stop_and_start(runner)
