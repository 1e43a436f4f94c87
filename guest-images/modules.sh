# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# Kernel modules for an initramfs; sourced by the scripts that make one, after cache.sh.
# Start at modules_copy.

# modules_copy KERNEL DIRECTORY NAME...: copy modules of KERNEL, a directory from stock-kernel/build, and all
# that they depend on into DIRECTORY, numbered so that a glob lists them in an order that loads.
#
# A NAME that is built into the kernel needs no file. A NAME the kernel does not have at all ends the script.
modules_copy() {
	local kernel=$1 directory=$2 name
	local -A modules_seen=()
	local modules_count=0
	shift 2
	mkdir -p "$directory"
	for name; do
		modules_visit "$kernel" "$directory" "$name"
	done
}

# Depth first: what a module depends on gets the smaller number.
modules_visit() {
	local kernel=$1 directory=$2 name=$3 line path dependency
	[[ -z ${modules_seen[$name]:-} ]] || return 0
	modules_seen[$name]=1

	line=$(grep -m 1 -E "(^|/)${name//[-_]/[-_]}\.ko:" "$kernel/modules/modules.dep") || {
		grep -qE "/${name//[-_]/[-_]}\.ko$" "$kernel/modules/modules.builtin" ||
			die "the kernel in $kernel has no module '$name'"
		return 0
	}
	path=${line%%:*}
	for dependency in ${line#*:}; do
		dependency=${dependency##*/}
		modules_visit "$kernel" "$directory" "${dependency%.ko}"
	done
	modules_count=$((modules_count + 1))
	cp "$kernel/modules/$path" "$directory/$(printf '%02d' "$modules_count")-${path##*/}"
}

# archive_directory DIRECTORY: write DIRECTORY as an initramfs archive on stdout, the same bytes for the same files.
archive_directory() {
	find "$1" -exec touch -h -d @0 {} +
	(cd "$1" && find . -print0 | sort -z | cpio --null --create --format=newc --owner=0:0 --reproducible --quiet)
}
