# SPDX-License-Identifier: MIT
"""The examples do what their pages say, on this machine's real readings."""

import json
import os

import pytest

from runner import eventually


def systems(tree):
    return tree.dist / "share" / "umh" / "examples"


def install(tree, runner, name, **journal):
    """The agent's own file and modules, faster than people need it and with a journal of this test."""
    text = (systems(tree) / "endpoint-agent" / name).read_text()
    settings = json.dumps({"Folder": str(runner.folder / "journal"), **journal})[1:-1]
    for before, after in (('"IntervalMs": 1000', '"IntervalMs": 50'), ('"ForSeconds": 2', '"ForSeconds": 0.2'),
                          ('"Path": "journal.jsonl", "MaxBytes": 1048576', f'"Path": "journal.jsonl", {settings}')):
        assert before in text
        text = text.replace(before, after)
    runner.config.write_text(text)
    os.symlink(systems(tree) / "endpoint-agent" / "modules", runner.folder / "modules")


def read_journal(runner, name="journal.jsonl"):
    """Every line is whole at any time but the last, which may be being written."""
    path = runner.folder / "journal" / name
    if not path.exists():
        return []
    lines = path.read_text().split("\n")[:-1]
    return [json.loads(line) for line in lines]


def alarm(listener, state="began"):
    return listener.next_json(where=lambda value: value["alarm"] == "memory in use" and value["state"] == state)


@pytest.mark.managed
def test_every_example_is_right(tree, runner):
    files = sorted(systems(tree).glob("*/*.json"))
    assert len(files) >= 5
    for file in files:
        runner.umh("check", file)


@pytest.mark.parametrize("name, hosts", [("broker.json", ["sensors", "logic"]),
                                         ("broker-spread.json", ["sensors", "logic", "records"])])
@pytest.mark.managed
def test_the_agent_watches_this_machine(tree, runner, name, hosts):
    install(tree, runner, name, MaxBytes=1048576)
    runner.start()
    assert [host["name"] for host in runner.status()["hosts"]] == hosts
    readings = runner.listen("readings")
    alarms = runner.listen("alarms")
    reading = readings.next_json(where=lambda value: "cpu_percent" in value)
    assert 0 < reading["memory_percent"] <= 100 and 0 <= reading["cpu_percent"] <= 100 and 0 <= reading["disk_percent"] <= 100
    runner.kill("logic")
    assert alarm(alarms)["value"] > 0.5
    assert runner.umh("reload", "logic", "Alerts").stdout.strip() == b"running"
    assert alarm(alarms)["metric"] == "memory_percent"
    eventually(lambda: any(line["service"] == "alarms" for line in read_journal(runner)), runner.patience,
               "the alarm is in the journal")
    lines = read_journal(runner)
    assert sum(line["service"] == "readings" for line in lines) > 3
    assert all(line["message"] for line in lines)
    for host in runner.status()["hosts"]:
        for module in host["modules"]:
            assert module["state"] == "running" and module["dropped"] == module["lost"], module


@pytest.mark.managed
def test_the_agent_returns_after_a_kill(tree, runner):
    install(tree, runner, "broker.json", MaxBytes=1048576)
    runner.start()
    alarms = runner.listen("alarms")
    alarm(alarms)
    before = len(read_journal(runner))
    pid = runner.kill("logic")
    runner.await_host("logic", lambda host: host["state"] == "running" and host["pid"] != pid)
    alarm(alarms)
    eventually(lambda: len(read_journal(runner)) > before + 3, runner.patience, "the journal goes on")


@pytest.mark.sanitize
def test_the_journal_rotates(tree, runner):
    install(tree, runner, "broker.json", MaxBytes=2000)
    runner.start()
    eventually(lambda: len(read_journal(runner, "journal.3.jsonl")) > 0, runner.patience, "there are older files")
    for number in (1, 2, 3):
        path = runner.folder / "journal" / f"journal.{number}.jsonl"
        assert 1000 < path.stat().st_size <= 2000
        assert read_journal(runner, path.name)
    assert not (runner.folder / "journal" / "journal.4.jsonl").exists()


@pytest.mark.parametrize("name", ["minimal-c", "minimal-cpp", "minimal-csharp"])
def test_the_smallest_modules_answer(tree, runner, name):
    if name == "minimal-csharp" and not tree.has_managed:
        pytest.skip("the managed parts are absent")
    runner.config = systems(tree) / name / "broker.json"
    runner.start()
    listener = runner.listen("answers")
    runner.send("questions", "hello")
    assert listener.next()["text"].endswith("hello")
