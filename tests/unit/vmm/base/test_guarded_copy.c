// SPDX-License-Identifier: Apache-2.0
/* Pages that are not there, and signals that are none of guarded_copy's business. */
#include "vmm/base/guarded_copy.h"

#include "tests/support/check.h"
#include "tests/support/driver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(guarded_copy, .timeout = 10);

#define PAGE 4096

/* Two pages of a file, of which only the first is there. */
static uint8_t *map_truncated(void)
{
	char path[32];
	int fd = driver_temp_file("/dev/shm", 2 * PAGE, path);
	uint8_t *map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check_eq(ftruncate(fd, PAGE), 0);
	return map;
}

static void copy_both_ways(uint8_t *map)
{
	uint8_t buf[PAGE] = { 0 };

	memset(map, 7, PAGE);
	check_eq(guarded_copy(buf, map, PAGE), 0);
	check_eq(buf[PAGE - 1], 7);
	check_eq(guarded_copy(map, "x", 1), 0);
	check_eq(map[0], 'x');
	check_eq(guarded_copy(buf, map + PAGE, 1), -EIO);
	check_eq(guarded_copy(map + PAGE, buf, 1), -EIO);
	check_eq(guarded_copy(map + PAGE - 4, buf, 8), -EIO, "over the border");
	check_eq(guarded_copy(buf, map, PAGE), 0, "and again");
	check_eq(guarded_copy(buf, map + 2 * PAGE - 1, 1), -EIO, "more than once");
}

Test(guarded_copy, missing_pages_are_errors)
{
	check_eq(guarded_copy_init(), 0);
	copy_both_ways(map_truncated());
}

static void exit_with_5(void)
{
	_exit(5);
}

Test(guarded_copy, other_accesses_to_watched_memory_are_fatal, .exit_code = 5)
{
	uint8_t *map = map_truncated();

	check_eq(guarded_copy_init(), 0);
	guarded_copy_watch(map + PAGE, PAGE, exit_with_5);
	copy_both_ways(map);
	*(volatile uint8_t *)(map + 2 * PAGE - 1) = 1;
}

/* The default action. */
Test(guarded_copy, other_memory_is_not_watched, .signal = SIGBUS)
{
	uint8_t *map = map_truncated();

	check_eq(guarded_copy_init(), 0);
	guarded_copy_watch(map + 2 * PAGE, PAGE, exit_with_5);
	*(volatile uint8_t *)(map + 2 * PAGE - 1) = 1;
}

static void *copy_in_thread(void *arg)
{
	copy_both_ways(arg);
	return NULL;
}

Test(guarded_copy, each_thread_for_itself)
{
	pthread_t threads[2];

	check_eq(guarded_copy_init(), 0);
	for (unsigned i = 0; i < 2; i++)
		check_eq(pthread_create(&threads[i], NULL, copy_in_thread, map_truncated()), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
}

/* An access that nobody guards dies as it would have without us, also after a guarded one. */
Test(guarded_copy, other_accesses_die, .signal = SIGBUS)
{
	uint8_t *map = map_truncated();
	uint8_t byte;

	check_eq(guarded_copy_init(), 0);
	check_eq(guarded_copy(&byte, map + PAGE, 1), -EIO);
	*(volatile uint8_t *)(map + PAGE) = 1;
}

Test(guarded_copy, sent_signals_end_us, .signal = SIGBUS)
{
	check_eq(guarded_copy_init(), 0);
	raise(SIGBUS);
}

static void earlier_action(int signo)
{
	_exit(77);
}

Test(guarded_copy, earlier_action_stays, .exit_code = 77)
{
	struct sigaction action = { .sa_handler = earlier_action };
	uint8_t *map = map_truncated();

	sigaction(SIGBUS, &action, NULL);
	check_eq(guarded_copy_init(), 0);
	check_eq(guarded_copy_init(), 0, "twice does no harm");
	*(volatile uint8_t *)(map + PAGE) = 1;
}
