/* Points of test builds, where a process can be made to die: sys.h says how. */
#ifdef TEST_BUILD
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static char kill_name[SYS_POINT_MAX];
static atomic_uint kill_left;
static void (*point_fn)(const char *point, void *arg);
static void *point_arg;
static const char *kill_file;
static int trail = -1;

void sys_kill_at(const char *point, unsigned nth)
{
	snprintf(kill_name, sizeof(kill_name), "%s", point);
	kill_left = nth;
}

void sys_on_point(void (*fn)(const char *point, void *arg), void *arg)
{
	point_fn = fn;
	point_arg = arg;
}

/* text: POINT[:N], changed. */
static void kill_at_text(char *text)
{
	char *colon = strrchr(text, ':');

	if (colon)
		*colon++ = '\0';
	sys_kill_at(text, colon ? (unsigned)strtoul(colon, NULL, 10) : 1);
}

/* Before main. The calls here and below are none of those that sys.h counts. */
static __attribute__((constructor)) void points_from_environment(void)
{
	const char *at = getenv("SYS_KILL_AT"), *to = getenv("SYS_POINTS");
	char text[2 * SYS_POINT_MAX];

	kill_file = getenv("SYS_KILL_FILE");
	if (to)
		trail = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	snprintf(text, sizeof(text), "%s", at ? at : "");
	if (at)
		kill_at_text(text);
}

static void look_at_file(void)
{
	char text[2 * SYS_POINT_MAX];
	int fd = open(kill_file, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	kill_at_text(text);
	unlink(kill_file);
}

static void leave_trail(const char *name)
{
	char line[SYS_POINT_MAX + 1];
	int n = snprintf(line, sizeof(line), "%s\n", name);

	if (write(trail, line, (size_t)n) != n)
		abort();
}

/* Whoever runs a program with these sees all of its threads one after the other here. */
static void point_of_environment(const char *name)
{
	pthread_mutex_lock(&mutex);
	if (kill_file)
		look_at_file();
	if (trail >= 0)
		leave_trail(name);
	pthread_mutex_unlock(&mutex);
}

void sys_point(const char *name)
{
	int before = errno;

	if (point_fn)
		point_fn(name, point_arg);
	if (kill_file || trail >= 0)
		point_of_environment(name);
	if (kill_left && !strcmp(name, kill_name) && !--kill_left)
		raise(SIGKILL);
	errno = before;
}
#endif
