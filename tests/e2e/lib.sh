# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Shared by the end-to-end tests; sourced, never run. Each test prints "ok NAME", "FAIL NAME: why" or "skip NAME: why".
set -uo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MVMM=${MVMM:-$top/build/mvmm}
GUEST=${GUEST:-$top/build/test-guest}
failed=0

# Images lie in memory where that is possible: what is tested is mvmm, not this machine's disk.
scratch=$(mktemp -d -p "$([[ -w /dev/shm ]] && echo /dev/shm || echo "${TMPDIR:-/tmp}")" mvmm-test.XXXXXX)
trap 'rm -rf "$scratch"' EXIT

ok() {
	echo "ok $1"
}

fail() {
	echo "FAIL $1: $2"
	failed=$((failed + 1))
}

# holds NAME WHY COMMAND...: the test is whether the command succeeds.
holds() {
	local name=$1 why=$2
	shift 2
	if "$@"; then ok "$name"; else fail "$name" "$why"; fi
}

# run SECONDS COMMAND...: leaves its output in $output, its messages in $messages and its status in $status.
run() {
	local seconds=$1
	shift
	timeout --kill-after=5 "$seconds" "$@" </dev/null >"$scratch/output" 2>"$scratch/messages"
	# shellcheck disable=SC2034  # for whoever sources this
	status=$?
	output=$(<"$scratch/output")
	# shellcheck disable=SC2034
	messages=$(<"$scratch/messages")
}

# expect NAME STATUS [OUTPUT-PATTERN [MESSAGES-PATTERN]]: judges what run left (patterns are extended regular ones).
expect() {
	local name=$1 want=$2
	if [[ $status != "$want" ]]; then
		fail "$name" "status $status instead of $want"
	elif [[ -n ${3:-} ]] && ! grep -qE -- "$3" "$scratch/output"; then
		fail "$name" "the output has no line like '$3'"
	elif [[ -n ${4:-} ]] && ! grep -qE -- "$4" "$scratch/messages"; then
		fail "$name" "the messages have no line like '$4'"
	else
		ok "$name"
		return 0
	fi
	sed 's/^/# /' "$scratch/output" "$scratch/messages" | tail -n 30
	return 1
}
