/*
 * The only source of time of our own code. Any thread.
 * Tests take the clock over: after clock_fake() both clocks stand still and move only with
 * clock_fake_add(). (lib/ev/timer notices.)
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdbool.h>
#include <stdint.h>

uint64_t clock_ms(void); /* monotonic milliseconds */
uint64_t clock_ns(void); /* monotonic nanoseconds, always real: for measuring only */
int64_t clock_wall_ms(void); /* milliseconds since 1970 UTC */

void clock_fake(int64_t wall_ms); /* tests: both clocks stand still from now on */
void clock_fake_add(uint64_t ms); /* tests: move both */
bool clock_is_fake(void);

#endif
