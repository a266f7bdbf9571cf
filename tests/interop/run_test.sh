#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a new user does first: ./dev run.  Its own checks are the test: two hosts reach each other by IPv4 and IPv6, iperf3 works, every tool answers.
set -eu
cd "$(dirname "$0")/../.."
(( EUID == 0 )) || { echo "skipped: needs root for network namespaces"; exit 77; }
[[ ! -e build/run ]] || { echo "skipped: a switch of ./dev run is running"; exit 77; }
[[ ${SLUICE_BUILD:?} == "$PWD"/build/* ]] || { echo "skipped: not a build by presets"; exit 77; }
out=$(SLUICE_PRESET=$(basename "$SLUICE_BUILD") ./dev run --once 2>&1) || { echo "$out"; exit 1; }
echo "$out"
for expected in '3 received, 0% packet loss' 'receiver' 'Port sluice-a' 'actions=NORMAL' 'VLAN  MAC' 'in_port(sluice-a)' 'All went well'; do
  grep -qF -- "$expected" <<<"$out" || { echo "missing in the output: $expected"; exit 1; }
done
! ip netns list | grep -q '^sluice-[ab]\b' || { echo "a namespace was left"; exit 1; }
