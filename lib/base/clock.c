#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static atomic_bool fake;
static _Atomic uint64_t fake_mono;
static _Atomic int64_t fake_wall;

static uint64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

uint64_t clock_ms(void)
{
	return fake ? fake_mono : clock_read_ns(CLOCK_MONOTONIC) / 1000000;
}

uint64_t clock_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return fake ? fake_wall : (int64_t)(clock_read_ns(CLOCK_REALTIME) / 1000000);
}

void clock_fake(int64_t wall_ms)
{
	fake_mono = clock_read_ns(CLOCK_MONOTONIC) / 1000000;
	fake_wall = wall_ms;
	fake = true;
}

void clock_fake_add(uint64_t ms)
{
	fake_mono += ms;
	fake_wall += (int64_t)ms;
}

bool clock_is_fake(void)
{
	return fake;
}
