# SPDX-License-Identifier: MIT
"""No tail call of a function that has outcomes: they would pass as one's own. The caller's contract may list them."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DECLARATION = re.compile(r"/\*((?:(?!\*/).)*)\*/\s*((?:(?!/\*)[^;{}#])*?)\b(umh_\w+)\s*\(", re.S)
DEFINITION = re.compile(r"^(?:/\*((?:(?!\*/).)*)\*/\n)?^[a-zA-Z_][^\n;={}]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.S | re.M)
OUTCOME = re.compile(r"\bUMH_[A-Z0-9_]+")


def outcomes_of(comment):
    at = re.search(r"Outcomes?:", comment)
    return set(OUTCOME.findall(comment[at.end():])) if at else set()


def main():
    contracts = {}
    for header in sorted((ROOT / "src").rglob("*.h")):
        for comment, _, name in DECLARATION.findall(header.read_text(encoding="utf-8")):
            outcomes = outcomes_of(comment)
            if outcomes:
                contracts[name] = outcomes
    found = 0
    for source in sorted((ROOT / "src").rglob("*.c")):
        text = source.read_text(encoding="utf-8")
        for function in DEFINITION.finditer(text):
            comment, name, body = function.groups()
            own = contracts.get(name, set()) | outcomes_of(comment or "")
            for call in re.finditer(r"\breturn (umh_\w+)\(", body):
                missing = contracts.get(call.group(1), set()) - own
                if missing:
                    line = text.count("\n", 0, function.start(3) + call.start()) + 1
                    print(f"{source.relative_to(ROOT)}:{line}: {name} passes on {', '.join(sorted(missing))} of "
                          f"{call.group(1)}")
                    found += 1
    return 1 if found else 0


sys.exit(main())
