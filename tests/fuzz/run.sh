#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh SECONDS [TARGET...]: builds the fuzz targets (preset "fuzz"), makes their seeds, and runs each for so long.  Findings stay in build/fuzz/found.
set -e
cd "$(dirname "$0")/../.."
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
targets=${*:-jsonrpc transact monitor schema journal match actions flow_text requests message packet pcap odp}
cmake --preset fuzz > /dev/null
ninja -C build/fuzz fuzz_seeds fuzz_db_seeds $(for t in $targets; do echo fuzz_$t; done) > build/fuzz/build.log || { tail -20 build/fuzz/build.log; exit 1; }
mkdir -p build/fuzz/found build/fuzz/corpus
build/fuzz/tests/fuzz/fuzz_seeds build/fuzz/corpus
build/fuzz/tests/fuzz/fuzz_db_seeds tests/golden build/fuzz/corpus
status=0
for t in $targets; do
  build/fuzz/tests/fuzz/fuzz_$t -max_total_time="$seconds" -max_len=8192 -rss_limit_mb=1024 -timeout=10 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix=build/fuzz/found/$t- build/fuzz/corpus/$t > build/fuzz/$t.log 2>&1 || { status=1; echo "$t: a finding, see build/fuzz/$t.log"; }
  echo "$t: $(grep -o 'number_of_executed_units: *[0-9]*' build/fuzz/$t.log | grep -o '[0-9]*$') runs"
done
exit $status
