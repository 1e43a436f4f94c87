# SPDX-License-Identifier: Apache-2.0
# Builds build/mvmm, its tests and its test guests. `make help` lists the targets.
# CFLAGS, LDFLAGS, CC, DESTDIR and PREFIX are the user's; V=1 shows the commands. What was built with other flags is
# built again, so give `make install` the flags of `make`.

VERSION := 0.2.0-dev
BUILD ?= build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
IASL ?= iasl
WARNINGS := -Wall -Wextra -Wno-unused-parameter -Wshadow -Wcast-qual -Wmissing-prototypes
MVMM_CFLAGS := -std=gnu17 -D_GNU_SOURCE -DMVMM_VERSION=$(VERSION) -I. -I$(BUILD)/gen $(WARNINGS) \
	-fno-strict-aliasing -fstack-protector-strong -pthread $(EXTRA_CFLAGS)
LIBS := -lfdt -luring -ljansson -pthread
STATIC_LIBS := -larchive -lz -lbz2 -llzma -lzstd -llz4

Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-7s %s\n' '$(1)' '$(2)')

MAKE_FILTERS := vmm/sandbox/make_filters.c
SOURCES := $(filter-out $(MAKE_FILTERS),$(wildcard vmm/*.c vmm/*/*.c devices/*/*.c boot/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o)
TEST_SOURCES := $(shell find tests -name "*.c" ! -path "tests/bench/*" ! -path tests/hooks/sandbox_hook.c)
UNIT_SOURCES := $(shell find tests/unit tests/support -name "*.c")
UNIT_OBJECTS := $(UNIT_SOURCES:%.c=$(BUILD)/obj/%.o)

.PHONY: all help static test-guests bench bench-programs check check-fast unit warnings fuzz fuzz-targets install clean format
.DELETE_ON_ERROR:

all: $(BUILD)/mvmm

help:
	@echo 'make              $(BUILD)/mvmm'
	@echo 'make static       $(BUILD)/mvmm-static'
	@echo 'make test-guests  freestanding guests for the tests'
	@echo 'make test-monitors  mvmm that breaks or audits its flushes, its attacker, and a launcher, for the tests'
	@echo 'make unit         builds and runs the unit tests; T="SUITE/TEST..." for some; * stands for anything'
	@echo 'make fuzz         fuzz targets, in build/fuzz; scripts/checks/fuzz runs them'
	@echo 'make check-fast   style, unit tests and test guests on /dev/kvm: a few minutes'
	@echo 'make check        every test, after it has installed what is missing; scripts/check --help shows how to run some'
	@echo 'make bench        measures mvmm beside others, writes docs/bench/: a quarter of an hour'
	@echo 'make install      into DESTDIR and PREFIX ($(PREFIX))'
	@echo 'make warnings     compiles all and shows what the compiler warned of; fails if it did'
	@echo 'make compile_commands.json   for editors'
	@echo 'make format       runs clang-format over the sources'

# What the compiler says of an object is shown, and kept beside the object for `make warnings`.
TO_OBJECT = -MMD -MP -c -o $@ $< 2>$(@:.o=.warnings); status=$$?; cat $(@:.o=.warnings) >&2; exit $$status

$(BUILD)/mvmm: $(OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# Everything in one file: libarchive is linked instead of opened at run time. Only archive_api.c differs (boot/archive_api.h).
ARCHIVE_API := $(BUILD)/obj/boot/archive_api
static: $(BUILD)/mvmm-static

$(BUILD)/mvmm-static: $(filter-out $(ARCHIVE_API).o,$(OBJECTS)) $(ARCHIVE_API)-static.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) $(LDFLAGS) -static -o $@ $^ $(LIBS) $(STATIC_LIBS)

$(ARCHIVE_API)-static.o: boot/archive_api.c $(BUILD)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) -DMVMM_STATIC $(TO_OBJECT)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) $(TO_OBJECT)

# The DSDT is ASL, compiled into a C array; its addresses come from layout.h.
$(BUILD)/gen/boot/dsdt_x86.inc: boot/dsdt_x86.asl vmm/base/layout.h $(BUILD)/flags
	$(call say,IASL,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -E -P -x assembler-with-cpp -I. -o $(@D)/dsdt.i.asl $<
	$(Q)$(IASL) -we -tc -p $(@D)/dsdt $(@D)/dsdt.i.asl >$(@D)/iasl.log 2>&1 || { cat $(@D)/iasl.log; exit 1; }
	$(Q)sed 's/^unsigned char/static const unsigned char/' $(@D)/dsdt.hex >$@

$(BUILD)/obj/boot/acpi_x86.o: $(BUILD)/gen/boot/dsdt_x86.inc

# The sandbox's filters are BPF, made of a table. Without the user's flags, which may be a sanitizer's.
$(BUILD)/sandbox-filters: $(MAKE_FILTERS) vmm/sandbox/sandbox_calls.h $(BUILD)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -O1 -std=gnu17 -D_GNU_SOURCE -I. $(WARNINGS) -o $@ $< -lseccomp

$(BUILD)/gen/vmm/sandbox/sandbox_filters.inc: $(BUILD)/sandbox-filters
	$(call say,BPF,$@)
	@mkdir -p $(@D)
	$(Q)$< >$@

$(BUILD)/obj/vmm/sandbox/sandbox_seccomp.o: $(BUILD)/gen/vmm/sandbox/sandbox_filters.inc

# The wraps let a test decide when an fdatasync or a fetch of pages ends, and how.
$(BUILD)/unit-tests: $(filter-out $(BUILD)/obj/vmm/main.o,$(OBJECTS)) $(UNIT_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) $(LDFLAGS) -Wl,--wrap=event_loop_fdatasync,--wrap=event_loop_populate -o $@ $^ $(LIBS) -lcriterion

# What scripts/measure/counts counts the instructions of.
$(BUILD)/count-flush: $(filter-out $(BUILD)/obj/vmm/main.o,$(OBJECTS)) $(BUILD)/obj/tests/support/driver.o $(BUILD)/obj/tests/counts/flush.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS) -lcriterion

# What the benchmarks compare with, and run. first-guest.elf is a kernel of four instructions.
BENCH_PROGRAMS := $(BUILD)/bench/stopwatch $(BUILD)/bench/sync-floor $(BUILD)/bench/slow-fs $(BUILD)/bench/timeline \
	$(BUILD)/bench/bare-restore

bench-programs: $(BENCH_PROGRAMS) $(BUILD)/bench/first-guest.elf $(BUILD)/bare-kvm

$(BUILD)/bare-kvm: tests/bench/bare_kvm.c
$(BUILD)/bench/bare-restore: tests/bench/bare_restore.c vmm/base/state_format.h vmm/kvm/vcpu_state_x86.h vmm/kvm/kvm_state_x86.h
$(BUILD)/bench/stopwatch: tests/bench/stopwatch.c
$(BUILD)/bench/sync-floor: tests/bench/sync_floor.c
$(BUILD)/bench/sync-floor: BENCH_LIBS := -luring
$(BUILD)/bench/slow-fs: tests/bench/slow_fs.c
$(BUILD)/bench/timeline: tests/bench/timeline.c
$(BENCH_PROGRAMS) $(BUILD)/bare-kvm: $(BUILD)/flags
$(BUILD)/bench/slow-fs: BENCH_LIBS = $(shell pkg-config --cflags --libs fuse3)
$(BENCH_PROGRAMS) $(BUILD)/bare-kvm:
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -std=gnu17 -D_GNU_SOURCE -I. $(WARNINGS) $(LDFLAGS) -o $@ $(filter %.c,$^) $(BENCH_LIBS)

$(BUILD)/bench/first-guest.elf: tests/bench/first_guest.S guest-images/test-guest/link.lds $(BUILD)/flags
	$(call say,GUEST,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -c -o $(@D)/first-guest.o $<
	$(Q)$(GUEST_LINK) -Wl,--defsym=IMAGE_BASE=0x100000 -o $@ $(@D)/first-guest.o

# mvmm with something put between pmem and the event loop or the ring, for tests of what a flush is worth; never installed.
test-monitors: $(BUILD)/broken-flush/mvmm $(BUILD)/flush-audit/mvmm $(BUILD)/sandbox-hook.so $(BUILD)/fork-children

$(BUILD)/broken-flush/mvmm: WRAPS := -Wl,--wrap=event_loop_fdatasync
$(BUILD)/broken-flush/mvmm: $(OBJECTS) $(BUILD)/obj/tests/hooks/broken_flush.o
$(BUILD)/flush-audit/mvmm: WRAPS := -Wl,--wrap=event_loop_fdatasync -Wl,--wrap=virtqueue_push
$(BUILD)/flush-audit/mvmm: $(OBJECTS) $(BUILD)/obj/tests/hooks/flush_audit.o
$(BUILD)/broken-flush/mvmm $(BUILD)/flush-audit/mvmm:
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) $(LDFLAGS) $(WRAPS) -o $@ $^ $(LIBS)

# Plays an attacker in tests/e2e/sandbox; never part of mvmm.
$(BUILD)/sandbox-hook.so: tests/hooks/sandbox_hook.c vmm/snapshot/page_scan.h $(BUILD)/flags
	$(call say,LD,$@)
	$(Q)$(CC) -I . $(filter-out -fsanitize%,$(CFLAGS)) -std=gnu17 -D_GNU_SOURCE $(WARNINGS) -shared -fPIC -o $@ $< -ldl

# A launcher of forks, for the emulated host, which has only a shell.
$(BUILD)/fork-children: $(BUILD)/obj/tests/hooks/fork_children.o
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) $(LDFLAGS) -o $@ $^

# Test guests: the same freestanding objects linked as an ELF kernel and, with the setup sectors, as
# a bzImage, at different addresses. Only -g and -O are taken from the user's flags.
GUEST := guest-images/test-guest
GUEST_SOURCES := $(wildcard $(GUEST)/*.c) $(filter-out %/setup.S,$(wildcard $(GUEST)/*.S))
GUEST_OBJECTS := $(GUEST_SOURCES:$(GUEST)/%=$(BUILD)/test-guest/%.o)
GUEST_CFLAGS := $(filter -g% -O%,$(CFLAGS)) -std=gnu17 $(WARNINGS) -ffreestanding -mno-red-zone \
	-mgeneral-regs-only -fno-pic -fno-pie -fno-stack-protector -fcf-protection=none \
	-fno-strict-aliasing -fno-asynchronous-unwind-tables -mcmodel=small
GUEST_LINK = $(CC) -nostdlib -static -Wl,-T,$(GUEST)/link.lds -Wl,--build-id=none \
	-Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

test-guests: $(BUILD)/test-guest.elf $(BUILD)/test-guest.bzimage

$(BUILD)/test-guest/%.o: $(GUEST)/% $(BUILD)/flags
	$(call say,GUEST,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(GUEST_CFLAGS) $(TO_OBJECT)

$(BUILD)/test-guest.elf: $(GUEST_OBJECTS) $(GUEST)/link.lds
	$(call say,LD,$@)
	$(Q)$(GUEST_LINK) -Wl,--defsym=IMAGE_BASE=0x100000 -o $@ $(GUEST_OBJECTS)

$(BUILD)/test-guest.bzimage: $(GUEST_OBJECTS) $(BUILD)/test-guest/setup.S.o $(GUEST)/link.lds
	$(call say,LD,$@)
	$(Q)$(GUEST_LINK) -Wl,--defsym=IMAGE_BASE=0x1000000 -o $(BUILD)/test-guest/bzimage.elf \
		$(GUEST_OBJECTS) $(BUILD)/test-guest/setup.S.o
	$(Q)objcopy -O binary $(BUILD)/test-guest/bzimage.elf $@

-include $(GUEST_OBJECTS:.o=.d)
# End of the test guests.

# Fuzz targets: libFuzzer, all sources instrumented, and for scripts/checks/fuzz the lines that they reach.
FUZZ_SOURCES := $(wildcard tests/fuzz/*.c)
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SHARED := $(filter-out tests/fuzz/fuzz_%.c tests/fuzz/loop.c,$(FUZZ_SOURCES))
FUZZ_CFLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
	-fprofile-instr-generate -fcoverage-mapping

fuzz:
	$(Q)$(MAKE) --no-print-directory BUILD=build/fuzz CC=clang CFLAGS='-O1 -g' EXTRA_CFLAGS='$(FUZZ_CFLAGS) $(EXTRA_CFLAGS)' \
		fuzz-targets

fuzz-targets: $(FUZZ_TARGETS)

# loop.o first, on its own: it takes the place of event_loop.o.
$(FUZZ_TARGETS): $(BUILD)/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(BUILD)/obj/tests/fuzz/loop.o $(BUILD)/fuzz.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(MVMM_CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS) -lz

$(BUILD)/fuzz.a: $(filter-out $(BUILD)/obj/vmm/main.o,$(OBJECTS)) $(FUZZ_SHARED:%.c=$(BUILD)/obj/%.o)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
# End of the fuzz targets.

install: $(BUILD)/mvmm
	$(Q)install -D -m 755 $(BUILD)/mvmm $(DESTDIR)$(PREFIX)/bin/mvmm
	$(Q)install -D -m 644 mvmm.1 $(DESTDIR)$(PREFIX)/share/man/man1/mvmm.1

check:
	$(Q)scripts/check

check-fast:
	$(Q)scripts/check --fast

bench:
	$(Q)scripts/measure/bench

# To Criterion it is a success if no test matches; its report lists the others as skipped.
unit: export PATTERNS := $(or $(subst ::,/,$(T)),*)
unit: $(BUILD)/unit-tests
	$(Q)set -f; status=0; for pattern in $$PATTERNS; do \
		$< --filter="$$pattern" -Otap:$<.tap || status=1; \
		grep 'ok - ' $<.tap | grep -qv 'test was skipped' || { \
			echo "make unit: no test matches '$$pattern'; T is SUITE/TEST, and * in it stands for anything" >&2; status=1; }; \
	done; exit $$status

# Fails if the compiler has warned of an object, even if that was long ago. Links nothing.
warnings: $(OBJECTS) $(TEST_SOURCES:%.c=$(BUILD)/obj/%.o) $(GUEST_OBJECTS)
	@cat $(^:.o=.warnings) >$(BUILD)/warnings
	@! grep . $(BUILD)/warnings

compile_commands.json: Makefile $(SOURCES) $(TEST_SOURCES) $(BUILD)/flags
	$(call say,GEN,$@)
	$(Q){ sep=[; for f in $(SOURCES) $(TEST_SOURCES); do \
		printf '%s\n{"directory":"%s","file":"%s","command":"%s"}' "$$sep" '$(CURDIR)' "$$f" \
			"$(CC) $(MVMM_CFLAGS) -c $$f"; sep=,; done; printf '\n]\n'; } >$@

format:
	$(Q)git ls-files -co --exclude-standard '*.[ch]' | xargs clang-format -i

clean:
	rm -rf $(BUILD)

# What is compiled depends on this file. It is written again only when a command would not be what it was the last time.
FLAGS := $(strip $(CC) $(CFLAGS) $(MVMM_CFLAGS) $(LDFLAGS) $(LIBS) $(STATIC_LIBS) $(GUEST_CFLAGS) $(TO_OBJECT) $(GUEST_LINK) $(AR) $(IASL))
ifneq ($(file <$(BUILD)/flags),$(FLAGS))
.PHONY: $(BUILD)/flags
endif
$(BUILD)/flags:
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' >$@

-include $(OBJECTS:.o=.d) $(ARCHIVE_API)-static.d $(TEST_SOURCES:%.c=$(BUILD)/obj/%.d) $(FUZZ_SOURCES:%.c=$(BUILD)/obj/%.d)
