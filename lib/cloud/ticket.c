/* What a login is handed around in: the ticket, what an exchange gives, and the account. */
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/provider.h"

#include <stdlib.h>

void cloud_secrets_copy(struct cloud_secrets *to, const struct cloud_secrets *from)
{
	secret_copy(&to->first, &from->first);
	secret_copy(&to->second, &from->second);
	secret_copy(&to->third, &from->third);
	to->expires_ms = from->expires_ms;
	to->source = from->source;
}

void cloud_secrets_clear(struct cloud_secrets *s)
{
	secret_clear(&s->first);
	secret_clear(&s->second);
	secret_clear(&s->third);
	*s = (struct cloud_secrets){0};
}

void cloud_fetch_init(struct cloud_fetch *f, struct cloud_ticket *t, const char *name,
	const struct step *steps, void (*free_fn)(struct task *t))
{
	f->ticket = cloud_ticket_ref(t);
	task_init(&f->task, t->cloud->loop, name, steps, NULL, free_fn);
}

void cloud_fetch_clear(struct cloud_fetch *f)
{
	cloud_secrets_clear(&f->got);
	cloud_ticket_unref(f->ticket);
}

struct cloud_ticket *cloud_ticket_ref(struct cloud_ticket *t)
{
	t->refs++;
	return t;
}

void cloud_ticket_unref(struct cloud_ticket *t)
{
	if (!t || --t->refs)
		return;
	if (t->account)
		t->account->unref(t->account);
	http_proxy_clear(&t->proxy);
	free(t->host);
	free(t->scope);
	free(t);
}

/* ---- accounts -------------------------------------------------------------------------------- */

const char *cloud_account_annotation(const struct cloud_ticket *t, const char *key)
{
	const char *v = t->account ? obj_str(t->account->annotations, key) : NULL;

	return v && *v ? v : NULL;
}

struct op *cloud_account_token_start(struct cloud_ticket *t, const char *audience)
{
	return t->account->token_start(t->account, audience);
}

const struct secret *cloud_account_token_result(const struct cloud_ticket *t, struct op *op)
{
	return t->account->token_result(op);
}
