# SPDX-License-Identifier: MIT
"""Host programs that break the protocol: the host is killed and said why, its neighbours do not notice."""

import os
import shutil

import pytest

from runner import eventually, is_alive, service

ECHO_ASKED, ECHO_ANSWERED = 1, 2
PUBLISHED = 400
HOSTILE = "hostile-"


def private_installation(tree, folder):
    """The installation, with the false host in front of the real one."""
    dist = folder / "dist"
    for part in ("bin", "libexec/umh"):
        shutil.copytree(tree.dist / part, dist / part)
    for part in ("lib", "share"):
        if (tree.dist / part).exists():
            os.symlink(tree.dist / part, dist / part)
    host = dist / "libexec" / "umh" / "umh-host64"
    host.rename(host.with_name("umh-host64.real"))
    shutil.copy2(tree.program("fake_host"), host)
    return dist


@pytest.fixture
def hostile(tree, runner):
    """Starts a system with one host that misbehaves as told, and a right one beside it."""
    runner.dist = private_installation(tree, runner.folder)

    def start(fault, wait=False, **keys):
        runner.configure(runner.host("good", "echo"), runner.host(HOSTILE + fault, "printing", **keys))
        runner.start(wait=False)
        runner.await_running("good")
        if wait:
            runner.await_running(HOSTILE + fault)
        return runner

    return start


def expect_killed(runner, fault, *words, kind="violation"):
    """It was killed for cause, the cause is known, and the rest goes on."""
    host = runner.await_host(HOSTILE + fault, lambda host: host["restarts"] >= 1 and host["death"])
    death = host["death"].lower()
    assert any(word in death for word in words), death
    assert host["deaths"][0]["kind"] == kind
    assert runner.find_host("good")["restarts"] == 0
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "still here") == "still here"


@pytest.mark.sanitize
def test_rejects_a_wrong_version(hostile):
    expect_killed(hostile("version"), "version", "version")


@pytest.mark.sanitize
def test_rejects_a_length_beyond_the_limit(hostile):
    expect_killed(hostile("long"), "long", "long", "length", "large", "bytes")


def test_rejects_a_kind_in_the_wrong_direction(hostile):
    expect_killed(hostile("kind"), "kind", "kind", "ping")


@pytest.mark.sanitize
def test_drops_a_frame_that_its_sender_never_finished(hostile):
    runner = hostile("cut", Restart={"FirstDelayMs": 400})
    listener = runner.listen(PUBLISHED)
    assert listener.next()["text"] == "whole"
    runner.await_host(HOSTILE + "cut", lambda host: host["restarts"] >= 1)
    assert listener.next()["text"] == "whole"
    assert all(message["text"] == "whole" for message in listener.messages)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "still here") == "still here"


def test_replaces_a_host_that_closes_its_pipe(hostile):
    runner = hostile("closed")
    runner.await_host(HOSTILE + "closed", lambda host: host["restarts"] >= 1)
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "still here") == "still here"


@pytest.mark.sanitize
def test_kills_a_host_that_never_says_hello(hostile):
    expect_killed(hostile("silent", Timeouts={"HelloMs": 200}), "silent", "hello", kind="deadline")


def test_rejects_a_message_before_hello(hostile):
    expect_killed(hostile("early"), "early", "module", "hello")


def test_rejects_a_want_before_hello(hostile):
    expect_killed(hostile("early-want"), "early-want", "hello")


def test_passes_over_extensions_of_an_answer(hostile):
    runner = hostile("extended", wait=True)
    assert runner.find_host(HOSTILE + "extended")["restarts"] == 0


@pytest.mark.sanitize
def test_rejects_a_second_hello(hostile):
    expect_killed(hostile("twice"), "twice", "answer", "hello")


def test_rejects_a_foreign_protocol(hostile):
    expect_killed(hostile("foreign"), "foreign", "version", "protocol")


def test_rejects_an_answer_to_nothing(hostile):
    expect_killed(hostile("answer"), "answer", "answer")


def test_rejects_garbage(hostile):
    expect_killed(hostile("garbage"), "garbage", "version", "kind", "length", "bytes", "flag")


@pytest.mark.sanitize
def test_rejects_what_is_not_text_from_a_host(hostile):
    expect_killed(hostile("not-text"), "not-text", "text", "utf")


@pytest.mark.sanitize
def test_rejects_messages_beyond_the_credit(hostile):
    expect_killed(hostile("overrun"), "overrun", "credit")


@pytest.mark.sanitize
def test_rejects_a_slot_of_no_module(hostile):
    expect_killed(hostile("slot"), "slot", "slot", "module")


def test_stamps_the_true_source(hostile):
    runner = hostile("source", Restart={"FirstDelayMs": 300})
    listener = runner.listen(PUBLISHED)
    runner.kill(HOSTILE + "source")
    message = listener.next()
    assert message["text"] == "false"
    assert message["source_host"] == runner.find_host(HOSTILE + "source")["number"]
    assert message["source_host"] != runner.find_host("good")["number"]
    assert message["source_session"] == 0 and message["source_slot"] == 0


def test_rejects_a_message_to_all(hostile):
    expect_killed(hostile("all"), "all", "all", "control", "service")


@pytest.mark.sanitize
def test_rejects_a_control_command(hostile):
    expect_killed(hostile("command"), "command", "control", "command", "service", "broker")


def test_rejects_a_command_of_the_broker(hostile):
    expect_killed(hostile("host-command"), "host-command", "command", "load")


def test_rejects_a_command_that_is_no_json(hostile):
    expect_killed(hostile("json"), "json", "json", "command", "expected", "premature", "end")


def test_rejects_subscriptions_without_end(hostile):
    expect_killed(hostile("subscribe"), "subscribe", "subscri")


def test_rejects_credit_for_what_was_never_sent(hostile):
    expect_killed(hostile("credit"), "credit", "credit")


def test_rejects_giving_back_what_nobody_asked_for(hostile):
    expect_killed(hostile("give-back"), "give-back", "give", "asked")


def test_rejects_a_want_beyond_the_largest_message(hostile):
    expect_killed(hostile("want"), "want", "want")


@pytest.mark.sanitize
def test_kills_a_host_that_stops_reading(hostile):
    runner = hostile("deaf", wait=True, Timeouts={"PingMs": 200, "StopMs": 100})
    for _ in range(20):
        runner.send(401, b"x" * 100_000)
    expect_killed(runner, "deaf", "ping", "answer", "respon", kind="deadline")


def test_kills_a_host_that_does_not_stop(hostile):
    runner = hostile("deaf", wait=True, Timeouts={"StopMs": 200})
    pid = runner.pid(HOSTILE + "deaf")
    assert runner.stop() == 0
    eventually(lambda: not is_alive(pid), runner.patience, "it has ended")


def test_a_flood_within_its_credit_starves_nobody(hostile):
    runner = hostile("flood", wait=True)
    for i in range(20):
        assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, f"number {i}") == f"number {i}"
    host = runner.find_host(HOSTILE + "flood")
    assert host["restarts"] == 0 and host["modules"][0]["published"] > 1000
    assert runner.find_host("good")["restarts"] == 0


def test_a_flood_of_log_lines_is_limited_and_counted(hostile):
    runner = hostile("log")
    eventually(lambda: "line 100" in runner.log(), runner.patience, "some of the lines are logged")
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "still here") == "still here"
    runner.await_running(HOSTILE + "log")
    eventually(lambda: "dropped" in runner.log(), runner.patience, "the excess is counted")
    assert runner.log().count("msg=\"line ") < 100_000
