#include "pack/source.h"

#include "base/mem.h"
#include "base/sys.h"

#include <errno.h>
#include <stdlib.h>

void pack_src_init(
	struct pack_src *s, const void *mem, int fd, uint64_t size, const atomic_bool *stop)
{
	*s = (struct pack_src){.mem = mem, .fd = fd, .size = size, .stop = stop};
}

void pack_src_rewind(struct pack_src *s)
{
	s->at = 0;
}

void pack_src_clear(struct pack_src *s)
{
	free(s->chunk);
	s->chunk = NULL;
}

int pack_memory_take(struct pack_memory *m, uint64_t n, struct err *err)
{
	m->used += n;
	if (m->max && m->used > m->max)
		return err_code(err, ERR_RETRY, -ENOBUFS,
			"its names, ignore rules and window take more than the %llu bytes of "
			"memory that "
			"a layer can have here",
			(unsigned long long)m->max);
	return 0;
}

void pack_memory_give(struct pack_memory *m, uint64_t n)
{
	m->used -= n;
}

int pack_stopped(const atomic_bool *stop, struct err *err)
{
	if (stop && atomic_load_explicit(stop, memory_order_relaxed))
		return err_set(err, ERR_CANCELED, "stopped");
	return 0;
}

int pack_src_next(struct pack_src *s, const unsigned char **p, size_t *n, struct err *err)
{
	uint64_t left = s->size - s->at;
	size_t want = left < PACK_CHUNK ? (size_t)left : PACK_CHUNK;
	ssize_t got;

	if (pack_stopped(s->stop, err))
		return -1;
	*n = want;
	if (s->mem) {
		*p = s->mem + s->at;
	} else if (want) {
		if (!s->chunk)
			s->chunk = mem_alloc(PACK_CHUNK);
		*p = s->chunk;
		got = sys_pread(s->fd, s->chunk, want, s->at);
		if (got < 0)
			return err_sys(err, "cannot read the layer");
		if (!got)
			return err_set(err, ERR_RETRY,
				"the layer's file ends after %llu of %llu bytes",
				(unsigned long long)s->at, (unsigned long long)s->size);
		*n = (size_t)got;
	}
	s->at += *n;
	return 0;
}
