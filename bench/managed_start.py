# SPDX-License-Identifier: MIT
"""From the start of a managed host to the first message of its module, beside `dotnet hello.dll`."""

import subprocess
import time

from system import Failed, System

MODULES = {"bare": "Beacon", "full": "FullBeacon"}
PAIRS = 20
CONFIG = {"Greeting": "hello", "Number": 7}


def hello(bench):
    """How long the program takes that .NET's own template makes, in ms."""
    program = bench / "programs" / "hello" / "hello.dll"
    if not program.exists():
        raise Failed("the managed parts are absent")
    begin_ns = time.monotonic_ns()
    subprocess.run([bench / "dotnet", program], stdout=subprocess.DEVNULL, check=True)
    return (time.monotonic_ns() - begin_ns) / 1e6


def first_message(dist, bench, module):
    """From where the broker begins with its only host until the module is called with a message, in ms."""
    hosts = [{"GroupName": "host", "Modules": [{"Name": module, "Config": CONFIG}]}]
    with System(dist, hosts, folders=[bench / "modules"]) as system:
        begin_ns, _ = system.expect("a broker that runs", lambda r: r.get("msg", "").startswith("running "))
        return (system.result()["message_ns"] - begin_ns) / 1e6


def pairs(dist, bench):
    """A start of each kind with a hello right before it: {kind: (ours, hello)}."""
    found = {}
    for kind, module in MODULES.items():
        baseline = hello(bench)
        found[kind] = (first_message(dist, bench, module), baseline)
    return found
