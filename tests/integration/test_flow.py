# SPDX-License-Identifier: MIT
"""Too much at once: who floods waits, who is slow delays nobody else, and nothing is lost or without bound."""

import contextlib
import os

import pytest

from runner import eventually, is_alive, memory_of

ECHO_ASKED, ECHO_ANSWERED, HANG_ASKED = 1, 2, 4
MIB = 1024 * 1024
LARGEST = 16 * MIB
FIRST_CREDIT_BYTES = 4 * 4096
OUTBOX_BYTES = 320 * 1024


class Stream:
    """One service with its source and its sink, each with services for questions and answers."""

    def __init__(self, runner, number):
        self.runner = runner
        self.service = number
        self.source_asked, self.source_result, self.sink_asked, self.sink_result = range(number + 1, number + 5)

    def source(self, name="source", **config):
        return self.runner.module(name, "source", Service=self.service, Asked=self.source_asked,
                                  Result=self.source_result, **config)

    def sink(self, name="sink", overflow=None, **config):
        return self.runner.module(name, "sink", overflow, Service=self.service, Asked=self.sink_asked,
                                  Result=self.sink_result, **config)

    def listen(self):
        return self.runner.listen(self.sink_result)

    def of_sink(self):
        return self.runner.talk(self.sink_asked, self.sink_result)

    def of_source(self):
        return self.runner.talk(self.source_asked, self.source_result)

    def go(self):
        self.runner.send(self.source_asked, "go")

    def pause(self):
        self.runner.send(self.source_asked, "pause")


def expect_within_budget(runner, largest=0):
    """What the broker ever held is its budget, first credit, and what was ready to be written."""
    status = runner.status()
    memory = status["broker"]["memory"]
    connections = len(status["hosts"]) + status["clients"] + 8
    assert memory["highest"] <= memory["capacity"] + connections * (FIRST_CREDIT_BYTES + OUTBOX_BYTES) + largest


def expect_all(listener, count, timeout=None):
    result = listener.next_json(timeout, where=lambda value: value["ended"] >= 1)
    assert result["count"] == count and result["errors"] == 0


# --- floods -----------------------------------------------------------------------------------

@pytest.mark.parametrize("count, size", [(300_000, 100), (12, LARGEST)], ids=["small", "largest"])
@pytest.mark.limit(60)
def test_two_hosts_flood_each_other(runner, count, size):
    there, back = Stream(runner, 100), Stream(runner, 200)
    runner.configure(runner.host("one", there.source(Count=count, Bytes=size), back.sink()),
                     runner.host("two", back.source(Count=count, Bytes=size), there.sink()))
    runner.start()
    ends = [there.listen(), back.listen()]
    there.go()
    back.go()
    for end in ends:
        expect_all(end, count, 45)
    expect_within_budget(runner, size)
    assert all(host["restarts"] == 0 for host in runner.status()["hosts"])


@pytest.mark.sanitize
@pytest.mark.tsan
def test_two_hosts_flood_each_other_for_a_moment(runner):
    there, back = Stream(runner, 100), Stream(runner, 200)
    large, small = Stream(runner, 300), Stream(runner, 400)
    runner.configure(runner.host("one", there.source(Count=20_000), back.sink(), large.source("large", Count=2,
                                                                                             Bytes=4 * MIB)),
                     runner.host("two", back.source(Count=20_000), there.sink(), large.sink("large-sink"),
                                 small.source("small", Count=1000, Bytes=40), small.sink("small-sink")))
    runner.start()
    ends = [(there.listen(), 20_000), (back.listen(), 20_000), (large.listen(), 2), (small.listen(), 1000)]
    for stream in (there, back, large, small):
        stream.go()
    for end, count in ends:
        expect_all(end, count)
    expect_within_budget(runner, 4 * MIB)


def test_largest_and_smallest_messages_to_one_service(runner):
    """A large message at the head does not hold small ones to other services up, and all keep their order."""
    large, small = Stream(runner, 100), Stream(runner, 200)
    runner.configure(runner.host("one", large.source("large", Count=8, Bytes=LARGEST),
                                 small.source("small", Count=100_000, Bytes=40)),
                     runner.host("two", large.sink("large"), small.sink("small")), MemoryMiB=64)
    runner.start()
    ends = [large.listen(), small.listen()]
    large.go()
    small.go()
    expect_all(ends[0], 8)
    expect_all(ends[1], 100_000)
    expect_within_budget(runner, LARGEST)


@pytest.mark.limit(60)
def test_five_hosts_in_a_ring(runner):
    count, laps, tokens = 5, 2000, 200
    streams = [Stream(runner, 1000 + 100 * i) for i in range(count)]
    hosts = []
    for i in range(count):
        relay = runner.module("relay", In=100 + i, Out=100 + (i + 1) % count, Asked=110 + i, Result=120, Bytes=128,
                              Tokens=tokens, Hops=count * laps // tokens * 10 - 1)
        hosts.append(runner.host(f"host{i}", streams[i].source(Count=50_000), streams[i - 1].sink(), relay))
    runner.configure(*hosts)
    runner.start()
    ends = [stream.listen() for stream in streams]
    talks = [runner.talk(110 + i, 120) for i in range(count)]
    for stream in streams:
        stream.go()
    for talk in talks:
        talk.tell("go")
    for end in ends:
        expect_all(end, 50_000, 45)

    def all_have_finished():
        return sum(talk.ask(where=lambda value: True)["finished"] for talk in talks) >= count * tokens

    eventually(all_have_finished, runner.patience, "every message went round")
    results = [talk.ask() for talk in talks]
    assert all(result["full"] == 0 and result["errors"] == 0 for result in results)
    expect_within_budget(runner)


@pytest.mark.sanitize
@pytest.mark.tsan
def test_a_module_sends_to_itself_at_full_speed(runner):
    runner.configure(runner.host("one", runner.module("relay", In=100, Out=100, Asked=101, Result=102, Tokens=1000,
                                                      Hops=99)))
    runner.start()
    talk = runner.talk(101, 102)
    talk.tell("go")
    result = eventually(lambda: (lambda now: now if now["finished"] >= 1000 else None)(talk.ask()), runner.patience,
                        "all hops are done")
    assert result["received"] == 100_000 and result["full"] == 0 and result["errors"] == 0


@pytest.mark.parametrize("size, tokens, hops", [(LARGEST, 1, 20), (MIB, 8, 100)], ids=["largest", "large"])
def test_a_module_sends_large_messages_to_itself(runner, size, tokens, hops):
    runner.configure(runner.host("one", runner.module("relay", In=100, Out=100, Asked=101, Result=102, Tokens=1,
                                                      Hops=hops, Bytes=size)))
    runner.start()
    talk = runner.talk(101, 102)
    for i in range(tokens):
        talk.tell("go")
        eventually(lambda: talk.ask()["sent"] >= i + 1, runner.patience, "it was accepted")
    result = eventually(lambda: (lambda now: now if now["finished"] + now["full"] >= tokens else None)(talk.ask()),
                        runner.patience, "all hops are done")
    assert result["errors"] == 0 and result["received"] == result["sent"]
    expect_within_budget(runner, size)


@pytest.mark.parametrize("hosts", [1, 2], ids=["itself", "another"])
def test_callbacks_that_send_more_than_they_receive_are_told_full(runner, hosts):
    """Two messages for each one: what is accepted arrives, the rest is refused at once, and nothing stops."""
    runner.configure(*(runner.host(f"host{i}", runner.module("relay", In=100 + i, Out=100 + (i + 1) % hosts,
                                                             Asked=110 + i, Result=120 + i, Copies=2, Tokens=50,
                                                             Hops=25, Bytes=2000)) for i in range(hosts)))
    runner.start()
    talks = [runner.talk(110 + i, 120 + i) for i in range(hosts)]
    talks[0].tell("go")

    def are_quiet():
        results = [talk.ask() for talk in talks]
        received = sum(result["received"] for result in results)
        return results if received == sum(result["sent"] for result in results) and received > 50 else None

    results = eventually(are_quiet, runner.patience, "what was accepted has arrived")
    assert sum(result["full"] for result in results) > 0
    assert all(result["errors"] == 0 for result in results)
    expect_within_budget(runner)
    assert all(host["restarts"] == 0 for host in runner.status()["hosts"])


# --- who is slow, or stands still ---------------------------------------------------------------

def measure(talk, windows=3, seconds=0.4):
    """Most messages per second over several windows, by the clock of the module that counts them."""
    best = 0
    for _ in range(windows):
        first = talk.ask()
        last = eventually(lambda: (lambda now: now if now["ns"] - first["ns"] > seconds * 1e9 else None)(talk.ask()))
        best = max(best, (last["count"] - first["count"]) / (last["ns"] - first["ns"]) * 1e9)
    return best


@pytest.mark.limit(60)
def test_a_stopped_subscriber_costs_only_its_own_service(runner):
    """SIGSTOP one receiver: its publisher waits, the other service goes on, and in the end nothing is missing."""
    stuck, free = Stream(runner, 100), Stream(runner, 200)
    runner.configure(runner.host("publisher", stuck.source("stuck", Bytes=200, TimeoutMs=200),
                                 free.source("free", Bytes=200)),
                     runner.host("stuck", stuck.sink()), runner.host("free", free.sink()))
    runner.start()
    counting, publishing = free.of_sink(), stuck.of_source()
    free.go()
    ratio = 0
    pid = runner.pid("stuck")
    for _ in range(3):
        undisturbed = measure(counting)
        with runner.paused(pid):
            stuck.go()
            full = eventually(lambda: publishing.ask()["full"], runner.patience, "its publisher is told full")
            eventually(lambda: publishing.ask()["full"] > full, runner.patience, "and again")
            ratio = max(ratio, measure(counting) / undisturbed)
            expect_within_budget(runner)
            assert runner.find_module("stuck", "sink")["waiting"] > 0
        stuck.pause()
        if ratio >= 0.9:
            break
    assert ratio >= 0.9
    result = publishing.ask()
    assert result["errors"] == 0 and 200 <= result["full_ms_min"] and result["full_ms_max"] < 2000
    talk = stuck.of_sink()
    eventually(lambda: talk.ask()["count"] == publishing.ask()["sent"], runner.patience, "nothing is missing")
    assert talk.ask()["errors"] == 0 and counting.ask()["errors"] == 0
    sink = runner.find_module("stuck", "sink")
    assert sink["dropped"] == 0 and sink["lost"] == 0


def test_some_stuck_services_stay_within_a_small_budget(runner):
    """Three receivers stand still with all that may wait for them, and a fourth is served."""
    stuck = [Stream(runner, 100 + 10 * i) for i in range(3)]
    free = Stream(runner, 200)
    runner.configure(*(runner.host(f"publisher{i}", stream.source("small", Bytes=100 + i, TimeoutMs=100),
                                   stream.source("large", Bytes=MIB, TimeoutMs=100)) for i, stream in enumerate(stuck)),
                     *(runner.host(f"stuck{i}", stream.sink()) for i, stream in enumerate(stuck)),
                     runner.host("free", free.source(Count=50_000, Bytes=500), free.sink()),
                     MemoryMiB=16, QueueMiB=16)
    runner.start()
    with contextlib.ExitStack() as stack:
        for i in range(len(stuck)):
            stack.enter_context(runner.paused(runner.pid(f"stuck{i}")))
        publishing = [stream.of_source() for stream in stuck]
        for stream in stuck:
            stream.go()
        for talk in publishing:
            eventually(lambda: talk.ask()["full"] > 2, runner.patience, "its publishers are told full")
        end = free.listen()
        free.go()
        expect_all(end, 50_000)
        expect_within_budget(runner, MIB)
        assert memory_of(runner.broker.pid) < 16 * MIB + 16 * MIB * runner.tree.slowness ** 2
    for stream in stuck:
        stream.pause()
    for i, stream in enumerate(stuck):
        eventually(lambda: runner.find_module(f"stuck{i}", "sink")["waiting"] == 0, runner.patience, "it goes on")
        assert stream.of_sink().ask()["errors"] == 0


@pytest.mark.sanitize
def test_a_send_of_the_command_is_told_full(runner):
    stuck = Stream(runner, 100)
    runner.configure(runner.host("publisher", stuck.source(Bytes=10_000, TimeoutMs=50)),
                     runner.host("stuck", stuck.sink()), QueueMiB=1)
    runner.start()
    publishing = stuck.of_source()
    with runner.paused(runner.pid("stuck")):
        stuck.go()
        eventually(lambda: publishing.ask()["full"] > 0, runner.patience, "the queue is full")
        done = runner.send(stuck.service, b"x" * 100_000, "--timeout", "0.2", code=1)
        assert b"full" in done.stderr
    stuck.pause()


def test_other_policies_drop_and_count(runner):
    stream = Stream(runner, 100)
    runner.configure(runner.host("publisher", stream.source(Count=20_000, Bytes=1000)),
                     runner.host("oldest", stream.sink(overflow="DropOldest")),
                     runner.host("newest", stream.sink(overflow="DropNewest")), QueueMiB=1)
    runner.start()
    pids = [runner.pid("oldest"), runner.pid("newest")]
    publishing = stream.of_source()
    with runner.paused(pids[0]), runner.paused(pids[1]):
        stream.go()
        eventually(lambda: publishing.ask()["sent"] == 20_000, runner.patience, "they stop nobody")
    for name in ("oldest", "newest"):
        module = runner.find_module(name, "sink")
        assert module["dropped"] > 1000 and module["lost"] == 0
        eventually(lambda: runner.find_module(name, "sink")["waiting"] == 0, runner.patience, "the rest came")
        module = runner.find_module(name, "sink")
        assert module["delivered"] + module["dropped"] >= 20_001
    expect_within_budget(runner)


def test_a_forgotten_listener_stops_nobody(runner):
    stream = Stream(runner, 100)
    runner.configure(runner.host("publisher", stream.source(Count=100_000, Bytes=1000)),
                     runner.host("sink", stream.sink()))
    runner.start()
    end = stream.listen()
    forgotten = runner.listen(stream.service, arguments=("--count", "100001"))
    with runner.paused(forgotten.process.pid):
        stream.go()
        expect_all(end, 100_000)
        expect_within_budget(runner)
    assert forgotten.process.wait(runner.patience) == 1


def test_a_dead_receiver_stops_nobody_and_what_is_held_is_bounded(runner):
    stream = Stream(runner, 100)
    runner.configure(runner.host("publisher", stream.source(Count=40_000, Bytes=1000)),
                     runner.host("sink", stream.sink(), Hold={"Bytes": MIB},
                                 Restart={"FirstDelayMs": 60000, "MaxDelayMs": 60000}))
    runner.start()
    runner.kill("sink")
    runner.await_host("sink", lambda host: host["state"] == "absent")
    publishing = stream.of_source()
    stream.go()
    eventually(lambda: publishing.ask()["sent"] == 40_000, runner.patience, "the publisher is done")
    module = runner.find_module("sink", "sink")
    assert module["waiting_bytes"] <= MIB + 2000
    assert module["waiting"] + module["dropped"] == 40_001 and module["waiting"] > 900


def test_what_was_held_arrives_after_a_crash(runner):
    stream = Stream(runner, 100)
    runner.configure(runner.host("publisher", stream.source(Count=2000, Bytes=200)),
                     runner.host("sink", stream.sink(), Restart={"FirstDelayMs": 500}))
    runner.start()
    end = stream.listen()
    runner.kill("sink")
    runner.await_host("sink", lambda host: host["state"] == "absent")
    stream.go()
    expect_all(end, 2000)
    module = runner.find_module("sink", "sink")
    assert module["dropped"] == 0 and runner.find_host("sink")["restarts"] == 1


@pytest.mark.limit(60)
def test_a_slow_module_does_not_delay_its_neighbour(runner):
    """
    1.5 ms for each of 10,000 messages that wait, and an echo in the same process answers within 5 ms; beside what
    this machine takes at that moment for the same question to a process that has nothing else to do.
    """
    slow = Stream(runner, 100)

    def prober(number, asked, answered):
        return runner.host(f"prober{number}", runner.module("prober", Out=asked, In=answered, Asked=300,
                                                            Result=310 + number, Samples=1000, IntervalUs=1000))

    runner.configure(runner.host("one", slow.sink(DelayUs=1500), "echo", Timeouts={"StopMs": 100}),
                     runner.host("idle", runner.module("relay", In=320, Out=321, Asked=322, Result=323, Bytes=32)),
                     runner.host("publisher", slow.source(Count=10_000, Bytes=64)),
                     prober(0, ECHO_ASKED, ECHO_ANSWERED), prober(1, 320, 321))
    runner.start()
    publishing = slow.of_source()
    slow.go()
    eventually(lambda: publishing.ask()["sent"] == 10_000, runner.patience, "everything was published")
    probing = [runner.listen(310), runner.listen(311)]
    runner.send(300, "go")
    beside, alone = (listener.next_json() for listener in probing)
    sink = runner.find_module("one", "sink")
    assert sink["waiting_bytes"] + sink["outstanding_bytes"] > 0, "it was busy all the time"
    assert beside["samples"] == 1000 and beside["errors"] == 0
    assert beside["p99_us"] <= 5000 + 2 * alone["p99_us"], (beside, alone)


@pytest.mark.sanitize
@pytest.mark.tsan
def test_an_endless_callback_leaves_its_host_alive(runner):
    runner.configure(runner.host("one", "hang", "echo", Timeouts={"PingMs": 200, "StopMs": 200}))
    runner.start()
    pid = runner.pid("one")
    uptime = runner.status()["broker"]["uptime_ms"]
    runner.send(HANG_ASKED, "for ever")
    eventually(lambda: runner.status()["broker"]["uptime_ms"] > uptime + 1500, runner.patience)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "beside it") == "beside it"
    assert runner.pid("one") == pid and runner.find_host("one")["restarts"] == 0
    assert is_alive(pid)


def test_a_stalled_host_is_replaced(runner):
    runner.configure(runner.host("one", "hang", Timeouts={"StopMs": 200}), runner.host("two", "echo"), StallSeconds=1)
    runner.start()
    pid = runner.pid("two")
    for _ in range(15):
        runner.send(HANG_ASKED, b"x" * 100_000)
    assert runner.find_module("one", "hang")["waiting"] > 0
    host = runner.await_host("one", lambda host: host["restarts"] >= 1)
    assert "has taken no message" in host["death"] and "hang.OnMessage" in host["death"]
    assert runner.pid("two") == pid


def test_a_paused_host_is_not_taken_for_dead_when_it_goes_on(runner):
    """The broker itself stood still: every host is past its deadline, and none is to blame."""
    runner.configure(*(runner.host(f"host{i}", "echo" if i == 0 else "printing", Timeouts={"PingMs": 300})
                       for i in range(5)))
    runner.start()
    uptime = runner.status()["broker"]["uptime_ms"]
    listener = runner.listen(ECHO_ANSWERED)
    with runner.paused(runner.broker.pid):
        # Longer than any ping may take.
        with pytest.raises(AssertionError):
            listener.next(timeout=1.5)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "awake") == "awake"
    status = runner.status()
    assert status["broker"]["uptime_ms"] > uptime + 1400
    assert all(host["restarts"] == 0 for host in status["hosts"])


@pytest.mark.soak
@pytest.mark.limit(100000)
def test_floods_for_hours(runner):
    seconds = float(os.environ.get("UMH_SOAK_SECONDS", "60"))
    streams = [Stream(runner, 1000 + 100 * i) for i in range(4)]
    sizes = [64, 1000, 100_000, LARGEST]
    runner.configure(*(runner.host(f"host{i}", stream.source(Bytes=sizes[i], TimeoutMs=5000), streams[i - 1].sink(),
                                   streams[i - 2].sink("second"))
                       for i, stream in enumerate(streams)))
    runner.start()
    for stream in streams:
        stream.go()
    pids = [host["pid"] for host in runner.status()["hosts"]]
    end = runner.status()["broker"]["uptime_ms"] + seconds * 1000
    turn = 0
    while runner.status()["broker"]["uptime_ms"] < end:
        turn += 1
        with runner.paused(pids[turn % len(pids)]):
            before = runner.status()["broker"]["uptime_ms"]
            eventually(lambda: runner.status()["broker"]["uptime_ms"] > before + 300)
        expect_within_budget(runner, LARGEST)
    for stream in streams:
        stream.pause()
    for stream in streams:
        talk = stream.of_sink()
        eventually(lambda: runner.status()["broker"]["memory"]["wants_standing"] == 0, 60)
        assert talk.ask()["errors"] == 0
    assert all(host["restarts"] == 0 for host in runner.status()["hosts"])
