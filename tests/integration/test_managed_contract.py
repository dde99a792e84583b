# SPDX-License-Identifier: MIT
"""What the contract of managed modules promises: injection, live options, a state over a reload, ends of all kinds."""

import json

import pytest

from runner import eventually, service

ASKED, ANSWERED = 0x144, 0x145

pytestmark = pytest.mark.managed


@pytest.fixture
def clerk(runner):
    """A module with dependency injection, and a native one in the same process."""
    def start(config=None, **keys):
        entry = {**runner.module("Clerk"), "Config": config or {}, **keys}
        runner.configure(runner.host("one", entry, "echo", Restart={"FirstDelayMs": 10}))
        runner.start()
        return ask

    def ask(text):
        listener = runner.listen(ANSWERED)
        runner.send(ASKED, text)
        answer = listener.next(where=lambda message: not message["text"].startswith("the postman"))["text"]
        listener.close()
        return answer

    return start


@pytest.mark.sanitize
def test_injects_what_it_needs(runner, clerk):
    ask = clerk({"Greeting": "good day"})
    assert ask("greeting") == "good day"
    assert ask("log") == "logged"
    runner.await_log("noted 42")
    line = next(line for line in runner.log().splitlines() if "noted 42" in line)
    assert all(word in line for word in ("module=Clerk", "Number=42", "desk=7", "category=Clerk", "level=warning"))


def test_hosted_services_run_from_start_to_stop(runner, clerk):
    ask = clerk()
    assert ask("hello") == "heard hello"
    listener = runner.listen(ANSWERED)
    assert runner.umh("reload", "one", "Clerk").stdout.strip() == b"running"
    assert [listener.next()["text"] for _ in range(2)] == ["the postman has gone", "the postman is here"]


def test_options_follow_the_configuration_without_a_reload(runner, clerk):
    ask = clerk({"Greeting": "before"})
    assert ask("count") == "1"
    pid = runner.pid("one")
    config = json.loads(runner.config.read_text())
    config["ChildProcesses"][0]["Modules"][0]["Config"]["Greeting"] = "after"
    runner.config.write_text(json.dumps(config))
    runner.umh("apply")
    eventually(lambda: ask("greeting") == "after", runner.patience, "the new greeting is used")
    assert runner.find_module("one", "Clerk")["loaded"] == 1
    assert runner.pid("one") == pid


@pytest.mark.sanitize
def test_a_reload_hands_the_state_over(runner, clerk):
    ask = clerk()
    assert ask("count") == "1" and ask("count") == "2"
    assert runner.umh("reload", "one", "Clerk").stdout.strip() == b"running"
    assert ask("count") == "3"
    runner.umh("unload", "one", "Clerk")
    runner.umh("load", "one", "Clerk")
    assert ask("count") == "1"


def test_a_module_asks_for_its_reload(runner, clerk):
    ask = clerk()
    assert ask("count") == "1"
    pid = runner.pid("one")
    assert ask("reload") == "asks"
    runner.await_log("is reloaded as it asked")
    eventually(lambda: runner.find_module("one", "Clerk")["loaded"] == 2, runner.patience, "it was loaded again")
    runner.await_module("one", "Clerk", "running")
    assert ask("count") == "2"
    assert runner.pid("one") == pid
    assert runner.log().count("is reloaded as it asked") == 1


@pytest.mark.sanitize
def test_a_stop_wakes_a_handler_that_awaits(runner, clerk):
    ask = clerk()
    assert ask("wait") == "waiting"
    assert runner.umh("reload", "one", "Clerk").stdout.strip() == b"running"
    assert ask("hello") == "heard hello"
    assert runner.find_host("one")["restarts"] == 0
    assert runner.find_module("one", "Clerk")["exceptions"] == 0


def test_trying_a_module_that_throws_fails(tree, runner):
    lines = f"{service(ASKED)} throw\n{service(ASKED)} hello\n".encode()
    done = runner.umh("try", tree.file("Clerk").parent, input=lines, code=1)
    assert b"heard hello" in done.stdout and done.stderr.endswith(b"umh: the module threw 1 exception\n")


@pytest.mark.parametrize("told", ["throw", "background"])
def test_an_exception_is_logged_and_counted(runner, clerk, told):
    ask = clerk()
    runner.send(ASKED, told)
    runner.await_log("told to throw")
    eventually(lambda: runner.find_module("one", "Clerk")["exceptions"] == 1, runner.patience, "it is counted")
    assert "at Clerk" in runner.log() or "at Postman" in runner.log()
    assert ask("hello") == "heard hello"
    assert runner.find_host("one")["restarts"] == 0


def test_an_exception_reloads_where_that_is_wanted(runner, clerk):
    ask = clerk(OnException="Reload")
    assert ask("count") == "1"
    runner.send(ASKED, "throw")
    runner.await_log("is reloaded after an exception")
    eventually(lambda: runner.find_module("one", "Clerk")["loaded"] == 2, runner.patience, "it was loaded again")
    runner.await_module("one", "Clerk", "running")
    assert ask("count") == "2"
    assert runner.find_module("one", "Clerk")["exceptions"] == 0
    assert runner.find_host("one")["restarts"] == 0


@pytest.mark.sanitize
def test_an_exception_quarantines_where_that_is_wanted(runner, clerk):
    ask = clerk(OnException="Quarantine")
    pid = runner.pid("one")
    runner.send(ASKED, "throw")
    module = runner.await_module("one", "Clerk", "failed")
    assert "quarantine" in module["why"] and "told to throw" in module["why"]
    runner.kill("one")
    runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] != pid)
    assert runner.find_module("one", "Clerk")["state"] == "failed"
    assert runner.umh("reload", "one", "Clerk").stdout.strip() == b"running"
    assert ask("hello") == "heard hello"


def test_an_exception_at_the_end_changes_nothing_about_it(runner, clerk):
    ask = clerk(OnException="Reload")
    assert ask("grumble") == "grumbles"
    assert runner.stop() == 0
    assert "told to grumble" in runner.log()
    assert "refused to stop" not in runner.log() and "is reloaded" not in runner.log()


@pytest.mark.parametrize("told, said", [
    ("fail fast", "told to fail fast"),
    ("overflow", "Stack overflow"),
    ("thread", "told to throw on a thread"),
    ("async void", "told to throw later"),
    ("exit", None),
])
def test_the_end_of_the_process_names_the_module(runner, clerk, told, said):
    ask = clerk()
    pid = runner.pid("one")
    runner.send(ASKED, told)
    host = runner.await_host("one", lambda host: host["state"] == "running" and host["pid"] not in (pid, None))
    assert host["restarts"] == 1
    if said:
        runner.await_log(said)
    blamed = [line for line in runner.log().splitlines() if "Clerk" in line and "host=one" in line]
    assert blamed, runner.log()[-3000:]
    assert ask("hello") == "heard hello"
