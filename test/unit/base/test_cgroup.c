#include "base/cgroup.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/sys.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V1 "/sys/fs/cgroup/memory"
#define V2 "/sys/fs/cgroup"

struct file {
	const char *path, *text;
};

/* want 0: what the machine has. */
static const struct {
	const char *name;
	struct file files[4];
	uint64_t want;
} ROWS[] = {
	{"nothing", {{NULL, NULL}}, 0},
	{"version 2 in a container",
		{{"/proc/self/cgroup", "0::/\n"}, {V2 "/memory.max", "268435456\n"}}, 268435456},
	{"version 2, no limit", {{"/proc/self/cgroup", "0::/\n"}, {V2 "/memory.max", "max\n"}}, 0},
	{"version 2, the smallest of the path",
		{{"/proc/self/cgroup", "0::/a/b\n"}, {V2 "/a/b/memory.max", "max\n"},
			{V2 "/a/memory.max", "1000000\n"}, {V2 "/memory.max", "2000000\n"}},
		1000000},
	{"version 2, the whole path",
		{{"/proc/self/cgroup", "0::/a/b\n"}, {V2 "/a/b/memory.max", "1000\n"},
			{V2 "/a/memory.max", "1000000\n"}},
		1000},
	{"version 1",
		{{"/proc/self/cgroup", "5:cpu:/x\n4:memory:/k/p\n0::/\n"},
			{V1 "/k/p/memory.limit_in_bytes", "3000\n"},
			{V1 "/memory.limit_in_bytes", "9223372036854771712\n"}},
		3000},
	{"version 1 in a container, whose path is the host's",
		{{"/proc/self/cgroup", "4:memory:/docker/0123\n"},
			{V1 "/memory.limit_in_bytes", "4000\n"}},
		4000},
	{"garbage", {{"/proc/self/cgroup", "x\n::::\n\n0::\n"}, {V2 "/memory.max", "many\n"}}, 0},
	{"no path", {{"/proc/self/cgroup", "0::"}, {V2 "/memory.max", "5000\n"}}, 5000},
};

static void put(const char *root, const struct file *f)
{
	auto_free char *path = mem_printf("%s%s", root, f->path), *dir = mem_strdup(path);
	struct err err = {0};

	*strrchr(dir, '/') = '\0';
	ck_assert_msg(!sys_mkdir_all(dir, 0700, &err), "%s", err.msg);
	ck_assert_msg(!sys_write_file(AT_FDCWD, path, f->text, strlen(f->text), 0600, false, &err),
		"%s", err.msg);
}

START_TEST(test_limit)
{
	char root[] = "/tmp/oci-cgroup-XXXXXX", empty[] = "/tmp/oci-cgroup-XXXXXX";
	auto_free char *clean = NULL;
	uint64_t got, machine;
	size_t i;

	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_ptr_nonnull(mkdtemp(empty));
	for (i = 0; i < 4 && ROWS[_i].files[i].path; i++)
		put(root, &ROWS[_i].files[i]);
	machine = cgroup_memory_limit(empty);
	ck_assert_uint_gt(machine, 64 << 20);
	got = cgroup_memory_limit(root);
	ck_assert_msg(got == (ROWS[_i].want ? ROWS[_i].want : machine), "%s: %llu", ROWS[_i].name,
		(unsigned long long)got);
	ck_assert_uint_le(cgroup_memory_limit(""), machine);
	clean = mem_printf("rm -r %s %s", root, empty);
	ck_assert_int_eq(system(clean), 0);
}
END_TEST

Suite *suite_cgroup(void);
Suite *suite_cgroup(void)
{
	Suite *s = suite_create("cgroup");
	TCase *tc = tcase_create("cgroup");

	tcase_add_loop_test(tc, test_limit, 0, ARRAY_LEN(ROWS));
	suite_add_tcase(s, tc);
	return s;
}
