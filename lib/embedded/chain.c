#include "embedded/chain.h"

#include "base/list.h"
#include "base/mem.h"
#include "ev/op.h"
#include "ev/work.h"

struct link {
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
	struct list at;
};

struct emb_chain {
	struct loop *loop;
	struct list links; /* the first one runs */
	size_t len;
};

struct emb_chain *emb_chain_new(struct loop *l)
{
	struct emb_chain *c = NEW(struct emb_chain);

	c->loop = l;
	list_init(&c->links);
	return c;
}

static struct link *link_first(const struct emb_chain *c)
{
	return CONTAINER_OF(c->links.next, struct link, at);
}

static int chain_on_worker(void *job, const atomic_bool *stop, struct err *err)
{
	struct link *k = job;

	(void)stop;
	(void)err;
	k->run(k->arg);
	return 0;
}

static void chain_start(struct emb_chain *c);

static void chain_on_done(struct op *op, void *arg)
{
	struct emb_chain *c = arg;
	struct link *k = link_first(c);

	op_free(op);
	k->done(k->arg);
	list_out(&k->at);
	c->len--;
	free(k);
	if (c->len)
		chain_start(c);
}

static void chain_start(struct emb_chain *c)
{
	op_then(work_start(c->loop, WORK_SHORT, chain_on_worker, NULL, link_first(c)),
		chain_on_done, c);
}

void emb_chain_add(struct emb_chain *c, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct link *k = NEW(struct link);

	*k = (struct link){.run = run, .done = done, .arg = arg};
	list_add(&c->links, &k->at);
	if (!c->len++)
		chain_start(c);
}

size_t emb_chain_len(const struct emb_chain *c)
{
	return c->len;
}

void emb_chain_free(struct emb_chain *c)
{
	if (!c)
		return;
	BUG_IF(c->len);
	free(c);
}
