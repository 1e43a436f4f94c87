# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What the tests of tests/e2e/linux share; sourced in the directory that has all that a group needs, by busybox's sh. Whoever
# sources this names in $shown the files that are shown where a test fails, and in $prefix what its tests' names begin with.
failures=0 shown=
prefix=

# ok NAME; fail NAME WHY
ok() {
	echo "ok $prefix$1"
}

fail() {
	echo "FAIL $prefix$1: $2"
	# shellcheck disable=SC2086
	tail -n 40 $shown 2>/dev/null | sed 's/^/# /'
	failures=$((failures + 1))
}

# verdict NAME WHY: ok unless there is a why.
verdict() {
	if [ -z "$2" ]; then ok "$1"; else fail "$1" "$2"; fi
	[ -z "$2" ]
}

# missing FILE PATTERN: says so if the file lacks such a line.
missing() {
	grep -qE "$2" "$1" || echo "no line like '$2' in the $1"
}

# await PATTERN FILE PID: waits for such a line, as long as the process is there.
await() {
	until grep -qsE "$1" "$2"; do
		# It may have printed that and ended just now.
		kill -0 "$3" 2>/dev/null || { grep -qsE "$1" "$2"; return; }
		sleep 0.1
	done
}
