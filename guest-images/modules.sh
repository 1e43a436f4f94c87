# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Kernel modules for an initramfs; sourced by the scripts that make one, after cache.sh.
# Start at modules_copy.

# modules_copy MODULES DIRECTORY NAME...: copy modules from MODULES, as /lib/modules/VERSION is, and all
# that they depend on into DIRECTORY, unpacked, numbered so that a glob lists them in an order that loads.
#
# A NAME that is built into the kernel needs no file. A NAME the kernel does not have at all ends the script.
modules_copy() {
	local modules=$1 directory=$2 name
	local -A modules_seen=()
	local modules_count=0
	shift 2
	mkdir -p "$directory"
	for name; do
		modules_visit "$modules" "$directory" "$name"
	done
}

# Depth first: what a module depends on gets the smaller number.
modules_visit() {
	local modules=$1 directory=$2 name=$3 line path dependency
	[[ -z ${modules_seen[$name]:-} ]] || return 0
	modules_seen[$name]=1

	line=$(grep -m 1 -E "(^|/)${name//[-_]/[-_]}\.ko(\.[a-z0-9]+)?:" "$modules/modules.dep") || {
		modules_builtin "$modules" "$name" || die "there is no module '$name' in $modules"
		return 0
	}
	path=${line%%:*}
	for dependency in ${line#*:}; do
		dependency=${dependency##*/}
		modules_visit "$modules" "$directory" "${dependency%.ko*}"
	done
	modules_count=$((modules_count + 1))
	name=${path##*/}
	modules_unpack "$modules/$path" >"$directory/$(printf '%02d' "$modules_count")-${name%.ko*}.ko"
}

modules_builtin() {
	grep -qE "/${2//[-_]/[-_]}\.ko$" "$1/modules.builtin"
}

# modules_have MODULES NAME: whether the kernel has the module, as a file or built in.
modules_have() {
	grep -qE "(^|/)${2//[-_]/[-_]}\.ko(\.[a-z0-9]+)?:" "$1/modules.dep" || modules_builtin "$1" "$2"
}

# Distributions compress them, each in its way.
modules_unpack() {
	local tool=cat package=coreutils
	case $1 in
	*.xz) tool='xz -dc' package=xz-utils ;;
	*.zst) tool='zstd -dcq' package=zstd ;;
	*.gz) tool='gzip -dc' package=gzip ;;
	esac
	need "${tool%% *}" "$package"
	$tool "$1"
}

# archive_directory DIRECTORY: write DIRECTORY as an initramfs archive on stdout, the same bytes for the same files.
archive_directory() {
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . -print0 | sort -z | cpio --null --create --format=newc --owner=0:0 --reproducible --quiet)
}
