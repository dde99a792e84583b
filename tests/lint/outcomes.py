# SPDX-License-Identifier: MIT
"""No tail call of a function that has outcomes: they would pass as one's own. The caller's contract may list them."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMENT = re.compile(r"/\*((?:(?!\*/).)*)\*/", re.S)
ENUM = re.compile(r"\benum\b[^;{]*\{([^}]*)\}")
PROTOTYPE = re.compile(r"^(?!\s)[^;{}=#]*?\b(umh_\w+)\s*\((?!\*)", re.M)
DEFINITION = re.compile(
    r"^(?:/\*((?:(?!\*/).)*)\*/\n)?^[a-zA-Z_][^\n;={}]*?\b(\w+)\([^;{}]*\)\n\{\n(.*?)^\}", re.S | re.M)
# `return f(...)`, `return r ? r : f(...)`
TAIL_CALL = re.compile(r"\breturn (?:[^;?]*\?[^;:]*:\s*)?(\w+)\(")


def constants(text):
    """What can be an outcome: the constants of an enum, in any spelling of the tree."""
    names = set()
    for body in ENUM.findall(COMMENT.sub("", text)):
        names.update(re.findall(r"(?:^|,)\s*([A-Z][A-Z0-9_]+)", body))
    return names


def outcomes_of(comment, known):
    """Those a contract lists; UMH_X_ may be left out where there is only one X."""
    at = re.search(r"Outcomes?\b[^:]*:", comment)
    words = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", comment[at.end():])) if at else set()
    found = words & known
    for word in words - found:
        longer = {name for name in known if name.endswith("_" + word)}
        found |= longer if len(longer) == 1 else set()
    return found


def contracts_of(text, known):
    """A comment is the contract of what follows it up to an empty line."""
    contracts = {}
    for paragraph in re.split(r"\n\s*\n", text):
        comments = list(COMMENT.finditer(paragraph))
        for comment, following in zip(comments, comments[1:] + [None]):
            code = paragraph[comment.end():following.start() if following else len(paragraph)]
            outcomes = outcomes_of(comment.group(1), known)
            for name in PROTOTYPE.findall(re.sub(r"\{[^{}]*\}", "", code).strip()) if outcomes else []:
                contracts[name] = outcomes
    return contracts


def is_last(body, opening):
    """Nothing is done with what the call returns: `opening` is the place behind its parenthesis."""
    depth = 1
    while depth and opening < len(body):
        depth += {"(": 1, ")": -1}.get(body[opening], 0)
        opening += 1
    return body[opening:].lstrip().startswith(";")


def check(source, contracts, known):
    text = source.read_text(encoding="utf-8")
    functions = list(DEFINITION.finditer(text))
    own = {function.group(2): outcomes_of(function.group(1) or "", known) for function in functions}
    found = 0
    for function in functions:
        name, body = function.group(2), function.group(3)
        may = contracts.get(name, set()) | own[name]
        for call in TAIL_CALL.finditer(body):
            missing = (contracts.get(call.group(1), set()) | own.get(call.group(1), set())) - may
            if missing and is_last(body, call.end()):
                line = text.count("\n", 0, function.start(3) + call.start()) + 1
                print(f"{source.relative_to(ROOT)}:{line}: {name} passes on {', '.join(sorted(missing))} of "
                      f"{call.group(1)}")
                found += 1
    return found


def main():
    headers = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "src").rglob("*.h"))}
    contracts = {}
    for path, text in headers.items():
        # Two programs may have a function of one name: the folder says whose it is.
        for name, outcomes in contracts_of(text, constants(text)).items():
            contracts.setdefault(name, {})[path.parent] = outcomes
    found = 0
    for source in sorted((ROOT / "src").rglob("*.c")):
        seen = {name: places.get(source.parent, next(iter(places.values()))) for name, places in contracts.items()}
        known = constants(source.read_text(encoding="utf-8")).union(*seen.values())
        found += check(source, seen, known)
    return 1 if found else 0


sys.exit(main())
