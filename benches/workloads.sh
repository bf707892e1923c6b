#!/usr/bin/env bash
# Runs prompteval over the load workloads W1 to W9, each beside whatever peers are installed, and writes the
# table of medians to docs/performance.md.
#
#   benches/workloads.sh [-n ROUNDS] [-w w1,w2,…] [-p oha,…]
#
# KIT names the folder with the load server and the workloads (default: ../shared/bench), BENCH_PEERS where its
# setup.sh has put the peers. Everything else is made under target/workloads.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=5 workloads=w1,w2,w3,w4,w5,w5b,w6,w7,w7n,w8,w9 peers=
while getopts n:w:p: flag; do
    case $flag in n) rounds=$OPTARG ;; w) workloads=$OPTARG ;; p) peers=$OPTARG ;; *) exit 2 ;; esac
done
kit=$(realpath "${KIT:-../shared/bench}") work=$PWD/target/workloads
[ -f "$kit/bench.py" ] || { echo "there is no load kit in $kit: set KIT" >&2; exit 2; }
export BENCH_PEERS=${BENCH_PEERS:-$HOME/.cache/bench-peers} BENCH_WORK=$work/cases BENCH_RUNS=$work/runs
export BENCH_RESULTS=$work/results.jsonl MOCKLLM=${MOCKLLM:-$work/mockllm/release/mockllm}
if [ -z "$peers" ]; then
    peers=prompteval
    [ -x "$BENCH_PEERS/tools/bin/oha" ] && peers+=,oha
    [ -d "$BENCH_PEERS/promptfoo/node_modules/promptfoo" ] && peers+=,promptfoo
else
    peers=prompteval,$peers
fi

cargo build --release
[ -x "$MOCKLLM" ] || cargo build --release --manifest-path "$kit/mockllm/Cargo.toml" --target-dir "$work/mockllm"
[ -d "$BENCH_WORK/w1" ] || python3 "$kit/gen_workloads.py" --out "$BENCH_WORK"
mkdir -p "$BENCH_RUNS"
rm -f "$BENCH_RESULTS"

# Reports as CI wants them, the store on; the cache only where it is what is measured.
tool="$PWD/target/release/prompteval run -c {config} -o {out} -o {dir}/out.junit.xml -j {j} --no-table -q"
for workload in ${workloads//,/ }; do
    case $workload in
        w9) PROMPTEVAL="$tool" ;;
        # The peers of this one keep nothing either.
        w8) PROMPTEVAL="$tool --no-store" ;;
        *) PROMPTEVAL="$tool --no-cache" ;;
    esac
    export PROMPTEVAL
    list=$peers
    # A load generator has no assertions and no cache, and nothing to do without a server.
    case $workload in w3 | w5 | w5b | w7 | w7n | w8 | w9) list=${peers//,oha/} ;; esac
    "$kit/run_peers.sh" -n "$rounds" -w "$workload" -p "$list"
done

{
    sed '/^<!-- measured -->$/q' docs/performance.md
    printf '\n%s, %s cores (%s), Linux %s, %s. Medians of %s rounds; CPU is user and system time of the process.\n' \
        "$(date -u +%F)" "$(nproc)" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$(uname -r)" \
        "$(target/release/prompteval --version)" "$rounds"
    python3 "$kit/bench.py" table --results "$BENCH_RESULTS"
} > "$work/performance.md"
mv "$work/performance.md" docs/performance.md
