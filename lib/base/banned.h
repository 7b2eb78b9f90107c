/*
 * What our C code may not call. The Makefile reads this file in front of every C file, so a call is
 * a compile error (the name is "poisoned"), with gcc and with clang. The Makefile defines IN_TEST
 * for what is under test/: a test may wait, and may read a number that it wrote itself.
 *
 * To ban another function: include its header here, then add its name to a line below. A header
 * that is read behind this file cannot declare a banned name. `make check-tree` compiles a use of
 * each one and wants the error.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Macros in the headers of some compilers and levels of _FORTIFY_SOURCE. */
#undef alloca
#undef sprintf
#undef vsprintf

/* They write as far as the source goes, whatever room there is: struct buf, mem_printf,
   snprintf. */
#pragma GCC poison strcpy stpcpy strcat sprintf vsprintf
/* They cut without saying so, and may leave no NUL at the end: snprintf, mem_strndup, memcpy. */
#pragma GCC poison strncpy stpncpy strncat
/* Their answer lies in memory that all threads share: strsep, base/time.h. */
#pragma GCC poison strtok gmtime localtime ctime asctime
/* Somebody else may be there first with a name that was only made up: mkstemp. */
#pragma GCC poison tmpnam tempnam mktemp
/* The stack of a worker is small, and nobody is told when it ends: mem_alloc. */
#pragma GCC poison alloca

#ifndef IN_TEST
/* It shares its answer as well: err_sys, strerror_r. */
#pragma GCC poison strerror
/* They know no error, "12x" and "" are numbers to them: strtol and errno. */
#pragma GCC poison atoi atol atoll atof
/* They hold the loop, for it is a thread like others: ev/timer.h. (.ci/check-deps looks for lookups
   of names: their header would bring common words, like send, into every file.) */
#pragma GCC poison sleep usleep
/* They start a shell with our rights and descriptors. */
#pragma GCC poison system popen
#endif

#endif
