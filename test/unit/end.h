/* How a test's process ends: for the main() that main.sh prints. Check forks for each test, and
   most of the CPU of a small test went into the end of its process: the search for leaks, which
   reads each global of the program and of its libraries, and the destructors of ASan.

   A test that has given back each byte it allocated cannot have leaked one: it ends at once. Of one
   that has not (a library keeps what it sets up once) the leaks are searched for, as ever. What
   Check allocates in each of these processes is known from a test that does nothing. */
#ifndef TEST_UNIT_END_H
#define TEST_UNIT_END_H
#ifdef __SANITIZE_ADDRESS__
#include <check.h>
#include <pthread.h>
#include <sanitizer/lsan_interface.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of sanitizer/allocator_interface.h, which gcc does not bring. */
size_t __sanitizer_get_current_allocated_bytes(void);

static pid_t end_parent;
static size_t end_had; /* bytes that the test's process was born with */
static size_t *end_own; /* bytes of Check's, in memory that all processes share */
static int end_ready; /* these are known */

static void end_born(void)
{
	end_had = __sanitizer_get_current_allocated_bytes();
}

static void end_now(int status, void *arg)
{
	size_t more;

	(void)arg;
	if (getpid() == end_parent)
		return;
	fflush(NULL);
	more = __sanitizer_get_current_allocated_bytes() - end_had;
	if (!end_ready)
		*end_own = more;
	else if (more != *end_own)
		__lsan_do_leak_check(); /* does not return if it finds one */
	_exit(status);
}

START_TEST(end_nothing)
{
}
END_TEST

/* Once, before the tests. What the search looks at is then in memory, and need not be fetched anew,
   page by page, in each test's process. */
static inline void end_init(void)
{
	Suite *s = suite_create("nothing");
	TCase *tc = tcase_create("nothing");
	SRunner *r = srunner_create(s);

	end_parent = getpid();
	end_own = mmap(
		NULL, sizeof(*end_own), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (end_own == MAP_FAILED || __lsan_do_recoverable_leak_check() ||
		pthread_atfork(NULL, NULL, end_born) || on_exit(end_now, NULL))
		_exit(1);
	tcase_add_test(tc, end_nothing);
	suite_add_tcase(s, tc);
	srunner_run_all(r, CK_SILENT);
	srunner_free(r);
	end_ready = 1;
}
#else
static inline void end_init(void)
{
}
#endif
#endif
