#!/usr/bin/env python3
"""test_man.py SLIPWAY TREE: the man page, the completion for bash and every --help say the same; both are well made.

What is true is what the binary says: its commands, the words of each, and the options that their --help names.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

slipway, tree = sys.argv[1], sys.argv[2]
MAN, BASH = os.path.join(tree, "deploy", "slipway.1"), os.path.join(tree, "deploy", "slipway.bash")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
passed = failed = 0


def check(name, good, why=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    print(f"{'ok' if good else 'FAILED'} {name}" + (f": {why}" if not good else ""))


def run(*words):
    return subprocess.run([slipway, *words], capture_output=True, text=True, timeout=20, env={"PATH": os.environ["PATH"]})


def help_of(*words):
    done = run(*words, "--help")
    check(f"{' '.join(words)} --help is an answer", done.returncode == 0 and done.stdout and not done.stderr, str(done))
    return done.stdout.split("\nSettings, from the environment")[0]


def options_of(text):
    return set(OPTION.findall(text)) - {"--help"}


def listed(title, text):
    return re.findall(r"^  (\w+) ", text.split(title)[1].split("\n\n")[0], re.M)


def truth():
    """Roles, and {"dead list": options}."""
    top = run("--help").stdout
    roles, commands, all_of_it = listed("number of each:", top), listed("Commands:", top), {}
    for command in commands:
        text = help_of(command)
        words = re.match(rf"usage: slipway {command} ([a-z]+(?:\|[a-z]+)+)", text)
        for word in words[1].split("|") if words else []:
            all_of_it[f"{command} {word}"] = options_of(help_of(command, word))
        if not words:
            all_of_it[command] = options_of(text)
    return roles, all_of_it


roles, commands = truth()
check("there are roles and commands", len(roles) == 7 and len(commands) > 15, str(commands))


# ---- the man page ----
with open(MAN, encoding="utf-8") as file:
    page = file.read().replace("\\-", "-")
sections = {}
for part in re.split(r"^\.SS slipway ", page.split(".SH COMMANDS")[1].split("\n.SH ")[0], flags=re.M)[1:]:
    words = part.split()
    name = " ".join(words[:2]) if " ".join(words[:2]) in commands else words[0]
    sections[name] = options_of(part)
check("the man page has each command, and no other", set(sections) == set(commands), str(set(sections) ^ set(commands)))
for name in sorted(set(sections) & set(commands)):
    check(f"man: {name}", sections[name] == commands[name], str(sections[name] ^ commands[name]))
told = re.findall(r"^\.B (\w+)$", page.split(".SH ROLES")[1].split(".SH COMMANDS")[0], re.M)
check("the man page has each role", told == roles, str(told))
if shutil.which("groff"):
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", MAN], capture_output=True, text=True, timeout=20)
    check("groff has nothing to say", done.returncode == 0 and not done.stderr, done.stderr)
if shutil.which("mandoc"):
    done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", MAN], capture_output=True, text=True, timeout=20)
    check("mandoc has nothing to say", done.returncode == 0, done.stdout)


# ---- the completion ----
def complete(*words):
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _slipway; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-u", "-c", script, "bash", BASH, "slipway", *words], capture_output=True, text=True, timeout=20)
    check(f"complete {words} is silent", done.returncode == 0 and not done.stderr, done.stderr)
    return set(done.stdout.split())


top = complete("")
want = set(roles) | {name.split()[0] for name in commands} | {"--help", "--version"}
check("completion of the first word", top == want, str(top ^ want))
for name, options in sorted(commands.items()):
    said = complete(*name.split(), "-") - {"--", "-", "--help"}
    check(f"completion: {name}", said == options, str(said ^ options))
for command in {name.split()[0] for name in commands if " " in name}:
    said, words = complete(command, "") - {"--help"}, {name.split()[1] for name in commands if name.startswith(command + " ")}
    check(f"completion of the second word of {command}", said == words, str(said ^ words))
for words, want in [
    (("st",), {"status"}),
    (("dead", "re"), {"retry"}),
    (("dead", "list", "--actor", "a"), {"auth"}),
    (("dead", "list", "--actor", "=", "re"), {"responder", "refresher"}),
    (("dead", "list", "--reason", "=", ""), None),
    (("dead", "drop", "17/1-0", "--y"), {"--yes"}),
    (("keys", "rotate", "to"), {"token"}),
    (("up", "--replicas", "ex"), {"executor="}),
    (("send", "--wait", "--", ""), set()),
    (("send", "--team", ""), set()),
    (("executor", ""), {"--help"}),
    (("nobody", ""), set()),
    (("keys", "burn", "-"), {"--help"}),
]:
    said = complete(*words)
    check(f"complete {' '.join(words)}", said == want if want is not None else "poison" in said, str(said))


# ---- what is said of mistakes, everywhere ----
for name in sorted(commands) + roles:
    done = run(*name.split(), "--no-such-option")
    check(f"{name}: a wrong word is 64", done.returncode == 64 and done.stderr and not done.stdout, f"{done.returncode} {done.stdout[:200]}")
with tempfile.TemporaryDirectory() as keys, open("/dev/full", "w") as full:
    env = {**os.environ, "SLIPWAY_KEY_DIR": keys + "/keys"}
    for words in (["version"], ["keys", "init"]):
        done = subprocess.run([slipway, *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20, env=env)
        check(f"{' '.join(words)} onto a full disk", done.returncode == 1 and "cannot write" in done.stderr, f"{done.returncode} {done.stderr}")
done = run("version", "--json")
version = json.loads(done.stdout)
check("version", re.fullmatch(r"unknown|[0-9a-f]{12}", version["commit"]) and version["libraries"]["zmq"], done.stdout)
check("version, for people", run("version").stdout.startswith(f"slipway {version['version']}\ncommit "), "")

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
