/*
 * How much memory this process may have: the smallest limit of its control groups, version 2
 * (memory.max) or 1 (memory.limit_in_bytes), else the machine's memory. cgroups(7);
 * Documentation/admin-guide/cgroup-v2.rst of Linux.
 *
 * Reads files, so it is for the start of a program.
 */
#ifndef BASE_CGROUP_H
#define BASE_CGROUP_H
#include <stdint.h>

/* root: "" for this machine; tests give a folder that holds proc/ and sys/. */
uint64_t cgroup_memory_limit(const char *root);

#endif
