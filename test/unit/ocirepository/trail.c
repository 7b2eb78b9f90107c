#include "test/unit/ocirepository/trail.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define STOPS_MAX 20000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct trail_stop stops[STOPS_MAX];
static unsigned count;

static void note(const char *point, void *arg)
{
	unsigned i;

	(void)arg;
	pthread_mutex_lock(&mutex);
	if (count < STOPS_MAX) {
		for (i = count; i > 0 && strcmp(stops[i - 1].point, point) != 0; i--)
			;
		stops[count].nth = i ? stops[i - 1].nth + 1 : 1;
		snprintf(stops[count].point, SYS_POINT_MAX, "%s", point);
		count++;
	}
	pthread_mutex_unlock(&mutex);
}

void trail_begin(void)
{
	count = 0;
	sys_on_point(note, NULL);
}

void trail_end(void)
{
	sys_on_point(NULL, NULL);
	ck_assert_uint_lt(count, STOPS_MAX);
}

const struct trail_stop *trail_stops(unsigned *n)
{
	*n = count;
	return stops;
}

bool trail_has(const char *point)
{
	unsigned i;

	for (i = 0; i < count && strcmp(stops[i].point, point) != 0; i++)
		;
	return i < count;
}
