#!/bin/sh
# The life of a prompt from its first release to a rollback, in a folder of its own:
#   examples/registry/story.sh [FOLDER]
# PROMPTEVAL names the binary where it is not on the path. Every step says which exit status it expects;
# another one ends the story.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
fixtures=$here/../../fixtures
work=${1:-$(mktemp -d)}
binary=${PROMPTEVAL:-prompteval}

# expect STATUS COMMAND...: shows a command and what it says, and holds it to its status.
expect() {
    status=$1
    shift
    echo
    echo "\$ prompteval $*"
    got=0
    "$binary" "$@" || got=$?
    if [ "$got" != "$status" ]; then
        echo "expected exit status $status, got $got" >&2
        exit 1
    fi
}

# The time of the newest event of a kind.
moment() {
    "$binary" audit export --format csv | awk -F, -v event="$1" '$3 == event { time = $2 } END { print time }'
}

mkdir -p "$work/prompts"
cp "$here/evalconfig.yaml" "$here/prompteval.yaml" "$fixtures/mock_support.yaml" "$fixtures/support_cases.csv" "$work"
cd "$work"
# A key of our own, so that nobody's is used or made.
XDG_CONFIG_HOME=$work/config
export XDG_CONFIG_HOME

echo "## Two versions are frozen"
cp "$fixtures/prompts/customer_support/2.0.0.yaml" prompts/customer_support.yaml
expect 0 prompt release customer_support 2.0.0 --author "Ada" -m "The first version for the shop"
cp "$fixtures/prompts/customer_support.yaml" prompts/customer_support.yaml
expect 0 prompt release customer_support 2.1.0 --author "Ada" -m "Rules for order numbers and for escalation"
expect 0 prompt verify

echo
echo "## Nothing is live without evidence"
expect 102 promote customer_support 2.1.0 --to production --approver Grace

echo
echo "## Both are run, and the gate decides"
expect 0 run --no-table --no-progress-bar
expect 0 promote customer_support 2.0.0 --to production --approver Grace -m "Go live"
expect 0 promote customer_support 2.1.0 --to production --approver Grace -m "The gate is open"
expect 0 label show production

echo
echo "## One byte of a frozen file is edited"
cp prompts/customer_support/2.1.0.yaml kept.yaml
sed 's/Two to four sentences/Two to five sentences/' kept.yaml > prompts/customer_support/2.1.0.yaml
expect 103 prompt verify
expect 103 promote customer_support 2.1.0 --to staging
mv kept.yaml prompts/customer_support/2.1.0.yaml
expect 0 prompt verify

echo
echo "## It goes wrong, and back"
expect 0 rollback production -m "Answers promise refunds that nobody approved"
expect 102 promote customer_support 2.1.0 --to production --approver Grace

echo
echo "## What was live when?"
expect 0 at 2026-01-01
expect 0 at "$(moment promote)"
expect 0 at "$(moment rollback)"
expect 0 label history production

echo
echo "## And does the log hold?"
expect 0 audit log
expect 0 audit verify --checkpoint checkpoints.jsonl
