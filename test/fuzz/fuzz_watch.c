/* The stream of a watch: whatever comes, and in whatever pieces it comes, the same objects are
   delivered, the same version is remembered, and the cache holds what was delivered. The watch's
   own file is included, because its parser is nobody else's business. */
#include "kube/watch.c"

#include "base/clock.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct kube_resource REPOS = {"example.com", "v1", "repos", "Repo", true};

struct trace {
	uint64_t hash;
	size_t live;
};

static void mix(struct trace *t, const char *s)
{
	for (; *s; s++)
		t->hash = (t->hash ^ (unsigned char)*s) * 0x100000001b3ULL;
	t->hash = (t->hash ^ 0xff) * 0x100000001b3ULL;
}

static void set(void *arg, struct kube_entry *e, const json_t *o, bool added)
{
	struct trace *t = arg;

	BUG_IF(!json_is_object(o) || !*kube_entry_name(e) || !*kube_entry_uid(e) || !*e->rv);
	BUG_IF(!!e->user == added);
	e->user = t;
	t->live += added;
	mix(t, added ? "+" : "~");
	mix(t, kube_entry_name(e));
	mix(t, e->rv);
}

static void deleted(void *arg, struct kube_entry *e)
{
	struct trace *t = arg;

	BUG_IF(!e->user || !t->live);
	t->live--;
	mix(t, "-");
	mix(t, kube_entry_name(e));
}

static struct trace run(struct loop *l, const uint8_t *data, size_t n, size_t piece)
{
	struct trace t = {0};
	struct kube_watch w = {.cache = {0}};
	struct err err = {0};
	size_t at = 0;

	w.op.loop = l;
	w.rv = mem_strdup("7"); /* of the list: no watch begins without one */
	w.req = (struct kube_watch_req){.on_set = set, .on_deleted = deleted, .arg = &t};
	kube_resource_copy(&w.res, &REPOS);
	buf_init(&w.line, EVENT_MAX);
	timer_init(&w.quiet, l, watch_quiet_due, &w);
	while (at < n) {
		size_t len = n - at < piece ? n - at : piece;

		if (watch_body(&w, (const char *)data + at, len, &err) != HTTP_BODY_OK) {
			BUG_IF(err.kind == ERR_NONE || !*err.msg);
			break;
		}
		at += len;
	}
	BUG_IF(w.cache.len != t.live);
	mix(&t, w.rv ? w.rv : "");
	mix(&t, err.msg);
	timer_cancel(&w.quiet);
	kube_cache_clear(&w.cache, NULL, NULL);
	kube_resource_clear(&w.res);
	free(w.rv);
	buf_clear(&w.line);
	return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct loop *l;
	struct trace whole, other;

	if (!l) {
		clock_fake(0);
		l = loop_new();
	}
	whole = run(l, data, n, n ? n : 1);
	other = run(l, data, n, 1);
	BUG_IF(whole.hash != other.hash);
	other = run(l, data, n, 7);
	BUG_IF(whole.hash != other.hash);
	return 0;
}
