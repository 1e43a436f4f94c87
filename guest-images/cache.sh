# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# The cache that every build script under guest-images/ shares; sourced, never run.
# Start at cache_build: it says how a thing is built once and found again.

# Without this, bash forgets `set -e` inside $( ), and a failed step would go unseen.
shopt -s inherit_errexit

# cache_root: print the directory that holds everything cached, outside any build tree; an absolute path.
cache_root() {
	local root=${MVMM_CACHE:-${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}}
	[[ -n $root ]] || die "there is no HOME for the cache to be in; name a directory for it with MVMM_CACHE=DIRECTORY"
	[[ -n ${MVMM_CACHE:-} ]] || root+=/mvmm
	realpath -ms "$root"
}

# die MESSAGE: end the script with one line on stderr.
die() {
	printf '%s: %s\n' "$0" "$1" >&2
	exit 1
}

# say MESSAGE: a line of progress; stdout is for results only.
say() {
	printf '%s\n' "$1" >&2
}

# take_no_options WORD...: for a script that has none but --help, which prints the comment that the script begins with.
take_no_options() {
	(($# > 0)) || return 0
	[[ $1 == --help ]] || die "unknown option '$1'; there are none but --help"
	printf 'usage: %s\n' "$0"
	sed -n '4,/^[^#]/s/^# \{0,1\}//p' "$0"
	exit 0
}

# need TOOL PACKAGE: end with the name of the Debian package that has a missing tool.
need() {
	# Debian keeps mkfs and its like where an ordinary user's PATH does not look.
	[[ :$PATH: == *:/usr/sbin:* ]] || PATH=$PATH:/usr/sbin:/sbin
	command -v "$1" >/dev/null ||
		die "'$1' is not installed; run scripts/install-deps, or: apt-get install $2"
}

# cache_key ARGUMENT...: print a short hash of the arguments. "@FILE" stands for the contents of FILE.
cache_key() {
	local argument
	for argument; do
		if [[ $argument == @* ]]; then
			sha256sum <"${argument#@}"
		else
			printf '%s' "$argument" | sha256sum
		fi
	done | sha256sum | cut -c 1-16
}

# cache_build NAME KEY FUNCTION: print the cache directory of NAME at KEY, having FUNCTION fill it if it is not there.
#
# FUNCTION gets an empty directory as its argument. What it writes appears in the cache all at once, by
# a rename, so an interrupted build leaves nothing; whoever comes second waits for
# the first. Do not call this after `if`, `||` or `&&`: bash ignores `set -e` there, within FUNCTION too.
cache_build() {
	local name=$1 key=$2 function=$3
	local directory lock
	directory=$(cache_root)/$name-$key

	if [[ ! -d $directory ]]; then
		mkdir -p "$(cache_root)"
		exec {lock}>"$directory.lock"
		flock "$lock"
		if [[ ! -d $directory ]]; then
			# Holding the lock, a directory found here belongs to a build that was killed.
			rm -rf "$directory.tmp"
			mkdir "$directory.tmp"
			# shellcheck disable=SC2064 # The name as it is now.
			trap "rm -rf '$directory.tmp'" EXIT
			"$function" "$directory.tmp" >&2
			mv "$directory.tmp" "$directory"
			trap - EXIT
		fi
		exec {lock}>&-
	fi
	printf '%s\n' "$directory"
}

# debian_field PACKAGE FIELD: print a field, such as Version, of the package that apt would install.
debian_field() {
	local value
	need apt-cache apt
	value=$(apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n "s/^$2: //p")
	[[ -n $value ]] ||
		die "apt knows no package '$1'; run apt-get update, and see that Debian 12's main archive is in its sources"
	printf '%s\n' "$value"
}

# debian_fetch PACKAGE VERSION: print the path of the package's .deb file in the cache, after a download if need be.
debian_fetch() {
	local package=$1 version=$2 directory
	need apt-get apt
	fetch_package() {
		say "fetching $package $version"
		# Root's apt drops to a user who cannot write here, and warns; the option spares the warning.
		(cd "$1" && apt-get -qq -o APT::Sandbox::User=root download "$package=$version") ||
			die "cannot download '$package' version $version; run apt-get update and look at the network"
	}
	directory=$(cache_build "deb-$package" "$(cache_key "$version")" fetch_package)
	printf '%s\n' "$directory"/*.deb
}

# progress_run LABEL EXPECTED LOG COMMAND...: run COMMAND with its output in LOG, and show how far it is.
#
# EXPECTED is about how many lines COMMAND will write. On failure the end of LOG is shown, and COMMAND's
# status returned. The command stays in the foreground, where Ctrl-C reaches it.
progress_run() {
	local label=$1 expected=$2 log=$3 watcher status=0
	shift 3
	: >"$log"
	progress_watch "$label" "$expected" "$log" "$BASHPID" >&2 &
	watcher=$!
	"$@" >"$log" 2>&1 || status=$?
	kill "$watcher" 2>/dev/null || true
	wait "$watcher" 2>/dev/null || true
	if [[ -t 2 ]]; then
		printf '\r\033[K' >&2
	fi
	if ((status != 0)); then
		tail -n 30 "$log" >&2
		say "$label: failed with status $status; the whole output is in $log"
	fi
	return "$status"
}

# A line that is overwritten on a terminal; elsewhere a new line every 15 seconds.
progress_watch() {
	local label=$1 expected=$2 log=$3 parent=$4
	local started=$SECONDS next=15 lines percent line
	while sleep 1 && kill -0 "$parent" 2>/dev/null; do
		lines=$(wc -l <"$log")
		percent=$((lines * 100 / expected))
		((percent < 100)) || percent=99
		line=$(printf '%s: %2d %%, %d of about %d steps, %d s' "$label" "$percent" "$lines" "$expected" \
			$((SECONDS - started)))
		if [[ -t 2 ]]; then
			printf '\r\033[K%s' "$line"
		elif ((SECONDS - started >= next)); then
			printf '%s\n' "$line"
			next=$((next + 15))
		fi
	done
}
