#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs all scenarios, and one that fails, two times: what is printed must be the same bytes, as must be the JUnit files.
sluice=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '%s\n' '# Fails on purpose.' '$ ovs-vsctl add-br br0 -- add-port br0 p1 -- add-port br0 p2 -- set bridge br0 other_config:datapath-id=1' \
  'p1 < tcp,eth_src=00:00:00:00:00:01,eth_dst=00:00:00:00:00:02,nw_src=10.0.0.1,tcp_dst=80' 'p2 > udp' '$ ovs-ofctl dump-flows br0' '| nothing' >"$dir/fails.test"
for run in 1 2; do
  "$sluice" test -j2 --junit="$dir/junit.$run" ./*.test "$dir/fails.test" >"$dir/out.$run" 2>&1
  test $? = 1 || { cat "$dir/out.$run"; echo "the scenario that fails on purpose passed"; exit 1; }
done
grep ' failed$' "$dir/out.1"
cmp "$dir/out.1" "$dir/out.2" && cmp "$dir/junit.1" "$dir/junit.2" || { diff "$dir/out.1" "$dir/out.2"; exit 1; }
