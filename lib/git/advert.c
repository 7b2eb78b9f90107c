#include "git/advert.h"

#include "base/limits.h"
#include "git/gitc.h"
#include "git/reflist.h"

#include <string.h>

void gitc_advert_init(struct gitc_advert *a, enum gitc_service service, struct gitc_reflist *refs)
{
	*a = (struct gitc_advert){.service = service, .refs = refs};
	gitc_pkt_reader_init(&a->reader);
}

void gitc_advert_clear(struct gitc_advert *a)
{
	gitc_pkt_reader_clear(&a->reader);
}

static int refuse(struct err *err, const char *why)
{
	return err_code(err, ERR_RETRY, GITC_PROTOCOL, "the server's answer is no Git: %s", why);
}

static int refuse_sha256(struct err *err)
{
	return err_code(err, ERR_RETRY, GITC_SHA256,
		"the repository names its objects by SHA-256, which is not supported: it has to be "
		"one of SHA-1");
}

/* "# service=git-upload-pack" */
static int read_service(struct gitc_advert *a, const struct gitc_pkt *name, struct err *err)
{
	if (!gitc_pkt_is(name, gitc_service_name(a->service)))
		return refuse(err, "it is that of another service");
	a->at = GITC_ADVERT_SERVICE_END;
	return 0;
}

static int read_caps_line(struct gitc_advert *a, const struct gitc_pkt *pkt, struct err *err)
{
	if (pkt->kind == GITC_PKT_FLUSH) {
		a->at = GITC_ADVERT_DONE;
		return 0;
	}
	a->caps_bytes += pkt->n;
	if (pkt->kind != GITC_PKT_DATA || a->caps_bytes > LIMIT_GIT_CAPABILITIES)
		return refuse(err, "its list of capabilities is malformed");
	gitc_caps_line(&a->caps, pkt->p, pkt->n);
	return 0;
}

static int read_ref_caps(struct gitc_advert *a, const char *p, size_t n, const char **target,
	size_t *target_n, struct err *err)
{
	if (n > LIMIT_GIT_CAPABILITIES)
		return refuse(err, "its list of capabilities is malformed");
	gitc_caps_list(&a->caps, p, n, target, target_n);
	return a->caps.sha256 ? refuse_sha256(err) : 0;
}

/* "OID NAME", or "OID NAME^{}": what the one before leads to. */
static int read_ref(struct gitc_advert *a, const struct gitc_pkt *pkt, struct err *err)
{
	struct gitc_pkt name;
	struct gitc_oid oid;

	if (gitc_pkt_begins(pkt, "shallow ", &name))
		return 0;
	if (pkt->n >= 64 && memchr(pkt->p, ' ', pkt->n) == pkt->p + 64)
		return refuse_sha256(err);
	if (pkt->n < 42 || pkt->p[40] != ' ' || !gitc_oid_parse(&oid, pkt->p, 40))
		return refuse(err, "a line of its refs is malformed");
	name = (struct gitc_pkt){GITC_PKT_DATA, pkt->p + 41, pkt->n - 41};
	if (gitc_pkt_is(&name, "capabilities^{}"))
		return 0; /* there is no ref */
	if (name.n > 3 && !memcmp(name.p + name.n - 3, "^{}", 3)) {
		gitc_reflist_peel(a->refs, &oid);
		return 0;
	}
	return gitc_reflist_add(a->refs, name.p, name.n, &oid, NULL, err);
}

/* The first one has the capabilities behind a NUL. */
static int read_first_ref(struct gitc_advert *a, struct gitc_pkt *pkt, struct err *err)
{
	const char *nul = memchr(pkt->p, '\0', pkt->n), *target = NULL;
	size_t target_n = 0;

	a->at = GITC_ADVERT_REFS;
	if (nul &&
		read_ref_caps(
			a, nul + 1, pkt->n - (size_t)(nul + 1 - pkt->p), &target, &target_n, err))
		return -1;
	if (nul)
		pkt->n = (size_t)(nul - pkt->p);
	if (target)
		gitc_reflist_head_target(a->refs, target, target_n);
	return read_ref(a, pkt, err);
}

static int read_refs(struct gitc_advert *a, struct gitc_pkt *pkt, struct err *err)
{
	if (pkt->kind == GITC_PKT_FLUSH) {
		a->at = GITC_ADVERT_DONE;
		return 0;
	}
	if (pkt->kind != GITC_PKT_DATA)
		return refuse(err, "a line of its refs is malformed");
	return a->at == GITC_ADVERT_REFS ? read_ref(a, pkt, err) : read_first_ref(a, pkt, err);
}

static int read_first(struct gitc_advert *a, struct gitc_pkt *pkt, struct err *err)
{
	if (gitc_pkt_is(pkt, "version 2")) {
		a->caps.version = 2;
		a->at = GITC_ADVERT_CAPS;
		return 0;
	}
	if (gitc_pkt_is(pkt, "version 1")) {
		a->at = GITC_ADVERT_REF;
		return 0;
	}
	return read_refs(a, pkt, err);
}

static int read_pkt(struct gitc_advert *a, struct gitc_pkt *pkt, struct err *err)
{
	struct gitc_pkt rest;

	if (a->at == GITC_ADVERT_DONE)
		return refuse(err, "it goes on behind its end");
	gitc_pkt_chomp(pkt);
	if (gitc_pkt_check_error(pkt, err))
		return -1;
	switch (a->at) {
	case GITC_ADVERT_START:
		if (gitc_pkt_begins(pkt, "# service=", &rest))
			return read_service(a, &rest, err);
		return read_first(a, pkt, err);
	case GITC_ADVERT_SERVICE_END:
		a->at = GITC_ADVERT_FIRST;
		return pkt->kind == GITC_PKT_FLUSH ? 0 : refuse(err, "it has no beginning");
	case GITC_ADVERT_FIRST:
		return read_first(a, pkt, err);
	case GITC_ADVERT_CAPS:
		return read_caps_line(a, pkt, err);
	default:
		return read_refs(a, pkt, err);
	}
}

int gitc_advert_feed(struct gitc_advert *a, const char *p, size_t n, struct err *err)
{
	struct gitc_pkt pkt;
	int rc;

	while ((rc = gitc_pkt_next(&a->reader, &p, &n, &pkt, err)) > 0)
		if (read_pkt(a, &pkt, err))
			return -1;
	return rc < 0 ? -1 : a->at == GITC_ADVERT_DONE && gitc_pkt_at_start(&a->reader);
}

int gitc_advert_end(const struct gitc_advert *a, struct err *err)
{
	if (a->at != GITC_ADVERT_DONE || !gitc_pkt_at_start(&a->reader))
		return refuse(err, "it ends too early");
	return a->caps.sha256 ? refuse_sha256(err) : 0;
}
