#include "base/mem.h"

#include "base/err.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *or_die(void *p)
{
	if (!p) {
		static const char line[] = "{\"level\":\"error\",\"msg\":\"out of memory\"}\n";

		if (write(2, line, sizeof(line) - 1) < 0)
			abort();
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return or_die(malloc(size ? size : 1));
}

void *mem_zalloc(size_t size)
{
	return or_die(calloc(1, size ? size : 1));
}

void *mem_realloc(void *p, size_t size)
{
	return or_die(realloc(p, size ? size : 1));
}

void *mem_array(void *p, size_t n, size_t size)
{
	BUG_IF(size && n > SIZE_MAX / size);
	return mem_realloc(p, n * size);
}

char *mem_strdup(const char *s)
{
	return s ? mem_dup(s, strlen(s) + 1) : NULL;
}

char *mem_strndup(const char *s, size_t n)
{
	char *p = mem_alloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void *mem_dup(const void *p, size_t n)
{
	void *copy = mem_alloc(n);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	char *p;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		or_die(NULL);
	return p;
}

void mem_wipe(void *p, size_t n)
{
	if (p)
		explicit_bzero(p, n);
}

void mem_setup(void)
{
	/* With one arena per thread the workers' heaps would never be given back. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	mallopt(M_MMAP_THRESHOLD, 256 * 1024);
}

void mem_trim(void)
{
	malloc_trim(0);
}

size_t mem_in_use(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

void mem_auto_free(void *pp)
{
	void *p;

	memcpy(&p, pp, sizeof(p));
	free(p);
}

void mem_auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
