#include "base/cgroup.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t machine_memory(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "max", and version 1's number of about 2^63, are no limit. */
static void cgroup_limit(
	uint64_t *least, const char *root, const char *mount, const char *group, const char *name)
{
	auto_free char *path = mem_printf("%s%s%s/%s", root, mount, group, name);
	auto_buf struct buf text = BUF_INIT(64);
	struct err ignored = {0};
	unsigned long long n;
	char *end;

	if (sys_read_file(AT_FDCWD, path, &text, &ignored))
		return;
	n = strtoull(buf_str(&text), &end, 10);
	if (end != buf_str(&text) && n && n < *least)
		*least = n;
}

/* The group and all above it; a container sees its own group as the root, whatever the path
   says. */
static void cgroup_limits_up(
	uint64_t *least, const char *root, const char *mount, char *group, const char *name)
{
	char *slash;

	while ((slash = strrchr(group, '/'))) {
		cgroup_limit(least, root, mount, slash[1] ? group : "", name);
		*slash = '\0';
	}
	cgroup_limit(least, root, mount, "", name);
}

/* A line is ID:CONTROLLERS:PATH; version 2 has no controllers. */
static void cgroup_line(uint64_t *least, const char *root, char *text)
{
	char *controllers = strchr(text, ':'), *path;

	if (!controllers || !(path = strchr(++controllers, ':')))
		return;
	*path++ = '\0';
	if (!*controllers)
		cgroup_limits_up(least, root, "/sys/fs/cgroup", path, "memory.max");
	else if (!strcmp(controllers, "memory"))
		cgroup_limits_up(
			least, root, "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
}

uint64_t cgroup_memory_limit(const char *root)
{
	auto_free char *file = mem_printf("%s/proc/self/cgroup", root);
	auto_buf struct buf text = BUF_INIT(64 * LIMIT_KIB);
	uint64_t least = machine_memory();
	struct err ignored = {0};
	char *at, *save = NULL;

	if (sys_read_file(AT_FDCWD, file, &text, &ignored) || !text.len)
		return least;
	for (at = strtok_r(text.p, "\n", &save); at; at = strtok_r(NULL, "\n", &save))
		cgroup_line(&least, root, at);
	return least;
}
