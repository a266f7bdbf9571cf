#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ARCHITECTURE.md names functions with their files; each must be defined there, and each file must exist."""

import os
import re
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
text = open(os.path.join(ROOT, "ARCHITECTURE.md")).read()
failures = []
checked = 0
for name, path in re.findall(r"`([A-Za-z_:]+)`[^`().]{0,40}\((?:with `[^`]+`, )?([a-z_/]+\.(?:cc|h|def))\)", text) + re.findall(r"`([A-Za-z_:]+)`, ([a-z_/]+\.(?:cc|h|def))", text):
    full = os.path.join(ROOT, path)
    if not os.path.exists(full):
        failures.append(f"{path} does not exist ({name})")
        continue
    checked += 1
    if not re.search(rf"\b{name.split('::')[-1]}\b", open(full).read()):
        failures.append(f"{path} has no {name}")
for path in set(re.findall(r"`?((?:lib|datapath|ofproto|dbserver|vswitchd|utilities|tests)/[a-z_/]+(?:\.(?:cc|h|def)|/))`?", text)):
    if not os.path.exists(os.path.join(ROOT, path)):
        failures.append(f"{path} does not exist")
print(f"{checked} functions checked")
if checked < 15:
    failures.append("too few functions recognised: the pattern and the text have drifted apart")
print("\n".join(failures))
sys.exit(1 if failures else 0)
