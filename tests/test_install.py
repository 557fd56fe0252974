#!/usr/bin/env python3
"""test_install.py BUILD: what `meson install` puts where."""
import os
import subprocess
import sys
import tempfile

build = sys.argv[1]
WANT = [
    "bin/slipway",
    "share/man/man1/slipway.1",
    "share/bash-completion/completions/slipway",
    "share/doc/slipway/slipway.env",
    "lib/systemd/system/slipway@.service",
    "lib/systemd/system/slipway-redis.service",
    "lib/systemd/system/slipway.target",
    "lib/systemd/system/slipway@auth.service.d/secrets.conf",
    "lib/systemd/system/slipway@ingress.service.d/secrets.conf",
    "lib/systemd/system/slipway@refresher.service.d/secrets.conf",
    "lib/systemd/system/slipway@responder.service.d/secrets.conf",
    "lib/sysusers.d/slipway.conf",
    "lib/tmpfiles.d/slipway.conf",
]
failed = 0
with tempfile.TemporaryDirectory() as root:
    done = subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", root], capture_output=True, text=True, timeout=100)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    prefix = os.path.join(root, "usr", "local")
    found = sorted(os.path.relpath(os.path.join(at, name), prefix) for at, _, names in os.walk(prefix) for name in names)
    for name in sorted(set(found) ^ set(WANT)):
        print(f"FAILED {name}: {'not wanted' if name in found else 'missing'}")
        failed += 1
    with open(os.path.join(prefix, "lib/systemd/system/slipway@.service"), encoding="utf-8") as file:
        text = file.read()
    if "ExecStart=/usr/local/bin/slipway %i\n" not in text:
        print("FAILED the unit starts another binary")
        failed += 1
    done = subprocess.run([os.path.join(prefix, "bin/slipway"), "--version"], capture_output=True, text=True, timeout=10)
    if done.returncode != 0:
        print(f"FAILED {done}")
        failed += 1
print(f"{len(WANT) + 2 - failed} passed, {failed} failed")
sys.exit(failed > 0)
