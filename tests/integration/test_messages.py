# SPDX-License-Identifier: MIT
"""A system starts, and its modules hear each other: who, what, how large, in which order."""

import pytest

from runner import service

ECHO_ASKED, ECHO_ANSWERED = 1, 2
STREAM, ASKED, RESULT, SOURCE_ASKED, SOURCE_RESULT = 100, 101, 102, 103, 104
SELF, CALLER_ASKED, CALLER_RESULT, OTHER = 110, 111, 112, 113
OK, FULL, NOT_TEXT, TOO_LARGE, NOT_ALLOWED, BAD_ARGUMENT, LIMIT = 0, 1, 2, 3, 4, 6, 7
LARGEST = 16 * 1024 * 1024


def source(runner, name="source", **config):
    return runner.module(name, "source", **{"Service": STREAM, "Asked": SOURCE_ASKED, "Result": SOURCE_RESULT,
                                            **config})


def sink(runner, name="sink", **config):
    return runner.module(name, "sink", **{"Service": STREAM, "Asked": ASKED, "Result": RESULT, **config})


def caller(runner, name="caller", **config):
    return runner.module(name, "caller", **{"Self": SELF, "Asked": CALLER_ASKED, "Result": CALLER_RESULT,
                                            "Other": OTHER, **config})


@pytest.fixture
def calling(runner):
    """A caller, and the talk with it."""
    runner.configure(runner.host("one", caller(runner)))
    runner.start()
    return runner.talk(CALLER_ASKED, CALLER_RESULT)


def did(name):
    return lambda value: value.get("did") == name


def received(value):
    return "bytes" in value


@pytest.mark.sanitize
@pytest.mark.tsan
def test_starts_and_stops_in_order(runner):
    runner.configure(runner.host("one", "echo"), runner.host("two", "printing"))
    runner.start()
    status = runner.status()
    assert [host["name"] for host in status["hosts"]] == ["one", "two"]
    for host in status["hosts"]:
        assert host["state"] == "running" and host["restarts"] == 0 and host["pid"] > 0
        assert [module["state"] for module in host["modules"]] == ["running"]
    assert runner.log().count("1 modules loaded, 0 failed") == 2
    assert runner.stop() == 0


@pytest.mark.sanitize
@pytest.mark.tsan
def test_routes_between_hosts(runner):
    runner.configure(runner.host("one", "echo"), runner.host("two", "printing"))
    runner.start()
    listener = runner.listen(ECHO_ANSWERED)
    runner.send(ECHO_ASKED, "grüß dich")
    message = listener.next()
    assert message["text"] == "grüß dich"
    assert message["service"] == service(ECHO_ANSWERED)
    assert message["source_host"] == runner.find_host("one")["number"]
    assert message["source_slot"] == 0 and message["source_session"] == 0


def test_routes_to_every_subscriber_and_to_nobody_else(runner):
    runner.configure(*(runner.host(f"sink{i}", sink(runner, Asked=500 + i, Result=600 + i)) for i in range(5)),
                     runner.host("deaf", sink(runner, Service=900, Asked=510, Result=610)),
                     runner.host("source", source(runner, Count=1000)))
    runner.start()
    ends = [runner.listen(600 + i) for i in range(5)]
    deaf = runner.talk(510, 610)
    runner.send(SOURCE_ASKED, "go")
    for end in ends:
        result = end.next_json()
        assert result["count"] == 1000 and result["errors"] == 0 and result["ended"] == 1
    assert deaf.ask()["count"] == 0


@pytest.mark.limit(60)
def test_keeps_the_order_of_a_million_messages(runner):
    runner.configure(runner.host("source", source(runner, Count=1_000_000, Bytes=128)),
                     runner.host("sink", sink(runner)))
    runner.start()
    end = runner.listen(RESULT)
    runner.send(SOURCE_ASKED, "go")
    result = end.next_json(timeout=45)
    assert result == {**result, "count": 1_000_000, "errors": 0, "ended": 1, "sources": 1}


@pytest.mark.sanitize
@pytest.mark.tsan
def test_keeps_the_order_of_several_publishers(runner):
    runner.configure(*(runner.host(f"source{i}", source(runner, "a", Count=20_000, Bytes=100 + 100 * i),
                                   source(runner, "b", Count=20_000, Bytes=64)) for i in range(3)),
                     runner.host("sink", sink(runner), sink(runner, "second", Asked=501, Result=601)))
    runner.start()
    ends = [runner.listen(RESULT), runner.listen(601)]
    runner.send(SOURCE_ASKED, "go")
    for end in ends:
        result = end.next_json(where=lambda value: value["ended"] == 6)
        assert result["count"] == 120_000 and result["errors"] == 0 and result["sources"] == 6


def test_delivers_to_the_sender_itself(calling):
    assert calling.ask("own", did("own"))["outcome"] == OK
    message = calling.listener.next_json(where=received)
    assert message["bytes"] == 9 and message["own"] == 1 and message["ends"] == 1


def test_delivers_an_empty_text(calling):
    assert calling.ask("empty", did("empty"))["outcome"] == OK
    message = calling.listener.next_json(where=received)
    assert message["bytes"] == 0 and message["ends"] == 1


@pytest.mark.sanitize
def test_delivers_nul_inside_a_text(runner, calling):
    assert calling.ask("nul", did("nul"))["outcome"] == OK
    assert calling.listener.next_json(where=received)["bytes"] == 3
    runner.send(SELF, b"x\0y\0")
    message = calling.listener.next_json(where=received)
    assert message["bytes"] == 4 and message["ends"] == 1 and message["host"] == 0


def test_delivers_nul_to_a_listener(runner):
    runner.configure(runner.host("one", "echo"))
    runner.start()
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, b"a\0b") == "a\0b"


@pytest.mark.sanitize
def test_delivers_the_largest_message(calling):
    assert calling.ask("largest", did("largest"))["outcome"] == OK
    message = calling.listener.next_json(where=received)
    assert message["bytes"] == LARGEST and message["ends"] == 1 and message["own"] == 1


def test_delivers_the_largest_message_of_the_command(runner, calling):
    runner.send(SELF, b"y" * LARGEST)
    message = calling.listener.next_json(where=received)
    assert message["bytes"] == LARGEST and message["ends"] == 1


def test_refuses_a_message_that_is_too_large(runner, calling):
    assert calling.ask("too large", did("too large"))["outcome"] == TOO_LARGE
    done = runner.send(SELF, b"y" * (LARGEST + 1), code=1)
    assert done.stderr.count(b"\n") == 1
    assert calling.ask("own", did("own"))["outcome"] == OK
    assert calling.listener.next_json(where=received)["bytes"] == 9


def test_keeps_to_a_configured_maximum(runner):
    runner.configure(runner.host("one", caller(runner)), MaxMessageBytes=65536)
    runner.start()
    talk = runner.talk(CALLER_ASKED, CALLER_RESULT)
    assert talk.ask("largest", did("largest"))["outcome"] == OK
    assert talk.listener.next_json(where=received)["bytes"] == 65536
    assert talk.ask("too large", did("too large"))["outcome"] == TOO_LARGE
    runner.send(SELF, b"y" * 65537, code=1)


@pytest.mark.sanitize
def test_refuses_what_is_not_text(runner, calling):
    assert calling.ask("not text", did("not text"))["outcome"] == NOT_TEXT
    for raw in (b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"cut \xe2\x82"):
        done = runner.send(SELF, raw, code=1)
        assert b"not text" in done.stderr
    assert calling.ask("own", did("own"))["outcome"] == OK
    assert calling.listener.next_json(where=received)["bytes"] == 9


def test_refuses_control_services_and_all_as_destinations(runner, calling):
    assert calling.ask("control", did("control"))["outcome"] == NOT_ALLOWED
    assert calling.ask("all", did("all"))["outcome"] == NOT_ALLOWED
    assert calling.ask("null", did("null"))["outcome"] == BAD_ARGUMENT
    runner.send("ModuleMeta", "{}", code=1)
    runner.send("00000000-0000-0000-0000-000000000000", "x", code=1)
    assert runner.find_host("one")["restarts"] == 0


def test_limits_subscriptions(runner, calling):
    assert calling.ask("subscribe many", did("subscribe many"))["outcome"] == LIMIT
    assert runner.find_host("one")["restarts"] == 0


def test_subscribes_and_unsubscribes_at_run_time(runner, calling):
    runner.send(OTHER, "nobody hears it")
    assert calling.ask("subscribe", did("subscribe"))["outcome"] == OK
    runner.send(OTHER, "heard")
    assert calling.listener.next_json(where=received)["bytes"] == 5
    assert calling.ask("unsubscribe", did("unsubscribe"))["outcome"] == OK
    runner.send(OTHER, "not any more")
    assert calling.ask("own", did("own"))["outcome"] == OK
    assert calling.listener.next_json(where=received)["own"] == 1


@pytest.mark.sanitize
def test_delivers_only_to_the_addressed_session(runner, calling):
    runner.send(SELF, "elsewhere", "--session", "7")
    assert calling.ask("elsewhere", did("elsewhere"))["outcome"] == OK
    runner.send(SELF, "to the broker's", "--session", "0")
    message = calling.listener.next_json(where=received)
    assert message["bytes"] == 15 and message["session"] == 0 and message["source_session"] == 0
    runner.send(SELF, "to every one")
    message = calling.listener.next_json(where=received)
    assert message["bytes"] == 12 and message["session"] == 0xFFFFFFFF


def test_runs_hosts_for_all_users_in_its_own_session(runner):
    runner.configure(runner.host("agents", "echo", Session="AllUsers"), runner.host("other", "printing", Session=-1))
    runner.start()
    assert [host["session"] for host in runner.status()["hosts"]] == [0, 0]
    assert runner.exchange(ECHO_ASKED, ECHO_ANSWERED, "hello") == "hello"


@pytest.mark.sanitize
def test_subscribes_to_all(runner):
    runner.configure(runner.host("one", "echo"), runner.host("two", caller(runner, All=1)))
    runner.start()
    everything = runner.listen()
    runner.send(ECHO_ASKED, "question")
    runner.send(901, "of nobody")
    texts = [everything.next(where=lambda one: one["service"] in (service(ECHO_ASKED), service(ECHO_ANSWERED)))["text"]
             for _ in range(2)]
    assert texts == ["question", "question"]
    assert everything.next(where=lambda one: one["service"] == service(901))["text"] == "of nobody"
    heard = [message["text"] for message in everything.messages if message["service"] == service(CALLER_RESULT)]
    while len(heard) < 3:
        heard.append(everything.next(where=lambda one: one["service"] == service(CALLER_RESULT))["text"])
    assert all('"own":0' in text for text in heard)


def test_names_services(runner):
    runner.configure(runner.host("one", "echo"),
                     Services={"asked": service(ECHO_ASKED), "answered": "{" + service(ECHO_ANSWERED).upper() + "}"})
    runner.start()
    listener = runner.listen("answered")
    runner.send("asked", "by name")
    message = listener.next()
    assert message["text"] == "by name" and message["name"] == "answered"


@pytest.mark.sanitize
def test_logs_what_modules_and_libraries_say(runner, make_runner):
    runner.configure(runner.host("one", caller(runner)), runner.host("two", "printing"))
    runner.start()
    talk = runner.talk(CALLER_ASKED, CALLER_RESULT)
    assert talk.ask("log", did("log"))["outcome"] == OK
    runner.send(8, "a frame is not broken by it")
    runner.await_log("printed: a frame is not broken by it")
    runner.await_log("said by the caller")
    line = next(line for line in runner.log().splitlines() if "said by the caller" in line)
    assert "level=warning" in line and "host=one" in line and "module=caller" in line and "answer=42" in line
    assert 'quote="a \\"b\\" c"' in line
