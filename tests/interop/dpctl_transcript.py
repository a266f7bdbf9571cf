# SPDX-License-Identifier: Apache-2.0
"""Commands run one after another with one set of programs, and what they print, made comparable with what another set prints."""

import os
import re
import subprocess

PEER_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def have_peer(program):
    return os.path.exists(os.path.join("/usr/bin", program))


def run(commands, path, **environment):
    """For each command (command, status, output), both streams in one."""
    transcript = []
    for command in commands:
        r = subprocess.run(command, env=dict(os.environ, PATH=path, **environment), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
        transcript.append((" ".join(command), r.returncode, plain(r.stdout)))
    return transcript


def plain(text):
    """Without log lines, and what no two runs have in common."""
    text = re.sub(r"^\S+\|\d+\|\S+\|\w+\|.*\n", "", text, flags=re.M)
    text = re.sub(r"(lookups|masks|cache): .*", r"\1: ...", text)
    text = re.sub(r"([RT]X) (packets|bytes):\d+", r"\1 \2:N", text)
    text = re.sub(r"TX bytes:\d+", "TX bytes:N", text)
    text = re.sub(r"ufid:[0-9a-f-]{36}", "ufid:U", text)
    text = re.sub(r", dp-extra-info:\S+", "", text)
    text = text.replace(",key32(00 00/00 00)", "")  # one that neither knows: we leave it out if nothing of it matters
    lines = text.splitlines(keepends=True)
    if len(lines) > 1 and all(", actions:" in line or ",orig=(" in line for line in lines):  # flows and connections have no order
        text = "".join(sorted(lines))
    return text


def differences(ours, theirs):
    out = []
    for mine, other in zip(ours, theirs, strict=True):
        if mine != other:
            out.append(f"$ {mine[0]}\n  ours: {mine[1]}\n{indent(mine[2])}  theirs: {other[1]}\n{indent(other[2])}")
    return out


def indent(text):
    return "".join(f"    {line}\n" for line in text.splitlines())
