// SPDX-License-Identifier: Apache-2.0
/* Who may lock a file beside whom, for how long, and who is named. Start reading at exclusion. */
#include "vmm/base/file_lock.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"
#include "tests/support/open_descriptors.h"
#include "tests/support/refuse_call.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(file_lock, .timeout = 10);

static char path[32];
static int file;

static void setup(void)
{
	file = driver_temp_file("/dev/shm", 4096, path);
}

Test(file_lock, holder_that_ends)
{
	int ready[2];
	pid_t child;
	siginfo_t info;
	char byte;

	cr_assert(!file_lock_holder_is_ending(getpid()));
	check_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		close(ready[0]);
		pause();
	}
	cr_assert(!file_lock_holder_is_ending(child));
	kill(child, SIGKILL);
	/* Whether the signal is pending, the process ends or is not reaped yet. */
	cr_assert(file_lock_holder_is_ending(child));
	check_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	cr_assert(file_lock_holder_is_ending(child), "a zombie");
	waitpid(child, NULL, 0);
	cr_assert(file_lock_holder_is_ending(child), "there is none");
	close(ready[1]);
	check_eq(read(ready[0], &byte, 1), 0);
}

static struct file_lock_holder holder;

static int take_lock(bool writes)
{
	holder = (struct file_lock_holder){ -1, false };
	return file_lock_take(file, writes, &holder);
}

/* A process that locks the file in the given way, and has it until end_holder. */
static pid_t start_holder_by(int (*lock)(bool writes), bool writes)
{
	int ready[2];
	char byte = 0;
	pid_t child;

	check_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		byte = lock(writes) >= 0;
		check_eq(write(ready[1], &byte, 1), 1);
		pause();
		_exit(0);
	}
	check_eq(read(ready[0], &byte, 1), 1);
	check_eq(byte, 1);
	return child;
}

static pid_t start_holder(bool writes)
{
	return start_holder_by(take_lock, writes);
}

static void end_holder(pid_t child)
{
	kill(child, SIGKILL);
	check_eq(waitpid(child, NULL, 0), child);
}

Test(file_lock, exclusion, .init = setup)
{
	static const struct {
		bool first, second;
		int ret;
	} cases[] = {
		{ true, true, -EBUSY },
		{ true, false, -EBUSY },
		{ false, true, -EBUSY },
		{ false, false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		pid_t child = start_holder(cases[i].first);
		int lock = take_lock(cases[i].second);

		check_eq(lock < 0 ? lock : 0, cases[i].ret, "case %zu", i);
		if (lock < 0) {
			check_eq(holder.pid, child, "case %zu", i);
			check_eq(holder.writes, cases[i].first, "case %zu", i);
		} else {
			close(lock);
		}
		end_holder(child);
		lock = take_lock(cases[i].second);
		cr_assert(lock >= 0, "ends with its process");
		close(lock);
	}
}

Test(file_lock, ends_when_it_is_closed_and_no_sooner, .init = setup)
{
	int lock = take_lock(true), other = open(path, O_RDWR);

	cr_assert(lock >= 0);
	check_eq(fcntl(lock, F_GETFD), FD_CLOEXEC);
	/* What ends the older kind of lock. */
	close(other);
	check_eq(take_lock(false), -EBUSY);
	check_eq(holder.pid, 0, "nobody else");
	check_eq(holder.writes, true);
	close(lock);
	lock = take_lock(false);
	cr_assert(lock >= 0);
	close(lock);
}

/* A program that only locks is no holder of ours: seen, but not known. */
Test(file_lock, a_strangers_lock, .init = setup)
{
	struct flock wanted = { .l_type = F_RDLCK };
	int other = open(path, O_RDWR);

	check_eq(fcntl(other, F_OFD_SETLK, &wanted), 0);
	check_eq(take_lock(true), -EBUSY);
	check_eq(holder.pid, 0);
	check_eq(holder.writes, false);
	close(other);
}

/* Two readers, of which neither is the one to blame. */
Test(file_lock, names_one_of_several, .init = setup)
{
	pid_t a = start_holder(false), b = start_holder(false);

	check_eq(take_lock(true), -EBUSY);
	cr_assert(holder.pid == a || holder.pid == b, "%d", (int)holder.pid);
	end_holder(a);
	check_eq(take_lock(true), -EBUSY);
	check_eq(holder.pid, b);
	end_holder(b);
}

Test(file_lock, another_file_does_not_matter, .init = setup)
{
	pid_t child = start_holder(true);
	int lock;

	file = memfd_create("other", MFD_CLOEXEC);
	lock = take_lock(true);
	cr_assert(lock >= 0);
	end_holder(child);
}

Test(file_lock, leaves_nothing_open_where_there_are_no_locks, .init = setup)
{
	unsigned before = open_descriptors();

	refuse_command(SYS_fcntl, F_OFD_SETLK, ENOLCK);
	check_eq(take_lock(true), -ENOLCK);
	check_eq(take_lock(false), -ENOLCK);
	check_eq(holder.pid, -1, "untouched");
	check_eq(open_descriptors(), before);
}

/* Descriptors that were passed to us: one open file, as a launcher gives it to several. */

static int take_passed_lock(bool writes)
{
	holder = (struct file_lock_holder){ -1, false };
	return file_lock_take_passed(file, writes, &holder);
}

/*
 * bad input: Launcher: one descriptor of an image is passed to two VMs -> they lock the image
 * against each other
 */
Test(file_lock, passed_to_several, .init = setup)
{
	for (unsigned i = 0; i < 4; i++) {
		bool first = i & 1, second = i & 2;
		pid_t child = start_holder_by(take_passed_lock, first);
		int ret = take_passed_lock(second);

		check_eq(ret, first || second ? -EBUSY : 0, "case %u", i);
		if (ret < 0) {
			check_eq(holder.pid, child, "case %u", i);
			check_eq(holder.writes, first, "case %u", i);
		}
		end_holder(child);
		check_eq(take_passed_lock(second), 0, "ends with its process");
		/* A lock of one's own does not stand in the way of another. */
		check_eq(take_passed_lock(!second), 0);
		close(open(path, O_RDONLY));
	}
}

/* Both kinds of lock exclude each other, and each tells its holder if that can be known. */
Test(file_lock, passed_beside_opened, .init = setup)
{
	pid_t child = start_holder_by(take_passed_lock, true);

	check_eq(take_lock(false), -EBUSY);
	check_eq(holder.pid, child);
	check_eq(holder.writes, true);
	end_holder(child);
	child = start_holder(true);
	check_eq(take_passed_lock(false), -EBUSY);
	check_eq(holder.pid, 0, "its file would have to be opened");
	check_eq(holder.writes, true);
	end_holder(child);
	child = start_holder(false);
	check_eq(take_passed_lock(false), 0);
	end_holder(child);
}

/* A client of QMP may pass a descriptor of a file that is in use. */
Test(file_lock, survives_the_end_of_another_descriptor, .init = setup)
{
	pid_t child;

	check_eq(take_passed_lock(true), 0);
	file_lock_remember(file, true);
	file_lock_remember(file, true);
	file_lock_close(dup(file));
	check_eq(take_lock(true), -EBUSY, "the lock is there");
	file_lock_forget(file + 1);
	file_lock_close(dup(file));
	check_eq(take_lock(true), -EBUSY);
	file_lock_forget(file);
	file_lock_close(dup(file));
	child = start_holder(true);
	file_lock_remember(file, true);
	check_eq(file_lock_take_again(), -EBUSY, "somebody else was faster");
	file_lock_forget(file);
	check_eq(file_lock_take_again(), 0);
	end_holder(child);
}

Test(file_lock, passed_where_there_are_no_locks, .init = setup)
{
	refuse_command(SYS_fcntl, F_SETLK, ENOLCK);
	check_eq(take_passed_lock(true), -ENOLCK);
}
