#include "ev/account.h"

#include "base/limits.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "ev/op.h"

#include <stdlib.h>

struct key {
	char *name;
	uint64_t held;
	unsigned refs; /* takings, waiting ones included */
};

struct pool {
	uint64_t held, waiting, limit;
	uint64_t large; /* of held: what is not small */
	uint64_t reserve; /* for small takings; 0: none is small */
	uint64_t key_most;
	struct map keys; /* struct key */
	struct list line; /* of struct take: who waits */
};

struct account {
	struct loop *loop;
	struct pool pools[ACCOUNT_POOLS];
};

struct take {
	struct op op;
	struct pool *pool;
	struct key *key;
	uint64_t bytes;
	unsigned passed; /* by others that came later */
	bool granted;
	struct list link;
};

/* ---- keys ------------------------------------------------------------------------------------ */

static struct key *key_ref(struct pool *p, const char *name)
{
	struct key *k = map_get(&p->keys, name);

	if (!k) {
		k = NEW(struct key);
		k->name = mem_strdup(name);
		map_put(&p->keys, name, k);
	}
	k->refs++;
	return k;
}

static void key_unref(struct pool *p, struct key *k)
{
	if (--k->refs)
		return;
	map_del(&p->keys, k->name);
	free(k->name);
	free(k);
}

/* ---- the line -------------------------------------------------------------------------------- */

static bool take_is_small(const struct take *t)
{
	return t->bytes <= t->pool->reserve / ACCOUNT_SMALL;
}

static bool key_allows(const struct take *t)
{
	return !t->key->held || t->key->held + t->bytes <= t->pool->key_most;
}

/* What is larger than all but the reserve is alone among the large ones. */
static bool take_fits(const struct take *t)
{
	const struct pool *p = t->pool;

	if (p->held + t->bytes > p->limit || !key_allows(t))
		return false;
	return take_is_small(t) || !p->large || p->large + t->bytes <= p->limit - p->reserve;
}

static struct take *take_first_due(const struct pool *p, bool small_only)
{
	struct list *at;

	list_each (&p->line, at) {
		struct take *t = CONTAINER_OF(at, struct take, link);

		if (t->passed >= ACCOUNT_PASSES && key_allows(t) &&
			(!small_only || take_is_small(t)))
			return t;
	}
	return NULL;
}

/* May a small one be granted although a large one is due? Of what becomes free it leaves to that
   one all that it needs. */
static bool take_beside(const struct take *due, const struct take *t)
{
	const struct pool *p = t->pool;
	uint64_t rest = p->limit - due->bytes, most = rest < p->reserve ? rest : p->reserve;

	return take_is_small(t) && !take_is_small(due) && p->held - p->large + t->bytes <= most;
}

static struct take *take_next(const struct pool *p)
{
	struct take *best = NULL, *due = take_first_due(p, false),
		    *due_small = take_first_due(p, true);
	struct list *at;

	if (due && take_fits(due))
		return due;
	list_each (&p->line, at) {
		struct take *t = CONTAINER_OF(at, struct take, link);

		if (!take_fits(t) || (due && !take_beside(due, t)) || (due_small && t != due_small))
			continue;
		if (!best || t->key->held < best->key->held)
			best = t;
	}
	return best;
}

static void take_line_out(struct take *t)
{
	list_out(&t->link);
	t->pool->waiting -= t->bytes;
}

static void take_grant(struct take *t)
{
	t->granted = true;
	t->pool->held += t->bytes;
	t->pool->large += take_is_small(t) ? 0 : t->bytes;
	t->key->held += t->bytes;
	op_finish(&t->op);
}

static void account_pump(struct pool *p)
{
	struct list *before;
	struct take *t;

	while ((t = take_next(p))) {
		for (before = p->line.next; before != &t->link; before = before->next)
			CONTAINER_OF(before, struct take, link)->passed++;
		take_line_out(t);
		take_grant(t);
	}
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void take_cancel(struct op *op)
{
	struct take *t = CONTAINER_OF(op, struct take, op);

	take_line_out(t);
	op_finish(op);
	account_pump(t->pool); /* it may have been the one that all others waited for */
}

static void take_free(struct op *op)
{
	struct take *t = CONTAINER_OF(op, struct take, op);
	struct pool *p = t->pool;

	if (t->granted) {
		p->held -= t->bytes;
		p->large -= take_is_small(t) ? 0 : t->bytes;
		t->key->held -= t->bytes;
	}
	key_unref(p, t->key);
	free(t);
	account_pump(p);
}

struct op *account_take(struct account *a, enum account_pool pool, const char *key, uint64_t bytes)
{
	static const struct op_type type = {"memory", take_cancel, take_free};
	struct take *t = NEW(struct take);
	struct pool *p = &a->pools[pool];

	op_init(&t->op, a->loop, &type);
	t->pool = p;
	t->key = key_ref(p, key);
	t->bytes = bytes < p->limit ? bytes : p->limit;
	if (bytes <= LIMIT_MEMORY_FREE) {
		take_grant(t);
		return &t->op;
	}
	p->waiting += t->bytes;
	list_add(&p->line, &t->link);
	account_pump(p);
	return &t->op;
}

/* ---- the account ----------------------------------------------------------------------------- */

struct account *account_new(struct loop *l, uint64_t bytes)
{
	struct account *a = NEW(struct account);
	int i;

	a->loop = l;
	a->pools[ACCOUNT_JOBS].limit = bytes - bytes / 3;
	a->pools[ACCOUNT_JOBS].key_most = a->pools[ACCOUNT_JOBS].limit / 2;
	a->pools[ACCOUNT_BODIES].limit = bytes / 3;
	a->pools[ACCOUNT_BODIES].key_most = a->pools[ACCOUNT_BODIES].limit / 4;
	a->pools[ACCOUNT_BODIES].reserve = a->pools[ACCOUNT_BODIES].limit / 4;
	for (i = 0; i < ACCOUNT_POOLS; i++)
		list_init(&a->pools[i].line);
	return a;
}

void account_free(struct account *a)
{
	int i;

	for (i = 0; a && i < ACCOUNT_POOLS; i++) {
		BUG_IF(a->pools[i].held || !list_empty(&a->pools[i].line));
		map_clear(&a->pools[i].keys);
	}
	free(a);
}

void account_stats(const struct account *a, enum account_pool pool, struct account_stats *out)
{
	const struct pool *p = &a->pools[pool];

	*out = (struct account_stats){p->held, p->waiting, p->limit};
}

uint64_t account_share(uint64_t memory_limit, unsigned pulls)
{
	uint64_t base = LIMIT_MEMORY_BASE + pulls * LIMIT_MEMORY_PULL;
	uint64_t n = memory_limit > base ? (memory_limit - base) / 3 * 2 : 0;

	if (n < LIMIT_MEMORY_MIN)
		return LIMIT_MEMORY_MIN;
	return n < LIMIT_MEMORY_MAX ? n : LIMIT_MEMORY_MAX;
}
