/* Envelopes of the Notary Project in data/, of both forms, and what its own library says of them:
   where that says no, nothing passes here, and where only we say no, the row says so. */
#ifndef UNIT_VERIFY_NOTATION_H
#define UNIT_VERIFY_NOTATION_H
#include "base/time.h"
#include "base/vec.h"
#include "crypto/notary_cert.h"
#include "test/unit/verify/vectors.h"
#include "verify/notation.h"
#include "verify/notation_policy.h"
#include "verify/notation_trust.h"

#define NOTATION_NOW "2026-12-01T00:00:00Z"
#define NOTATION_IDENTITY "x509.subject: C=US, ST=WA, O=Notary"
#define NOTATION_STORES "\"ca:x\",\"signingAuthority:y\""

struct notation_form {
	const char *folder, *suffix, *type; /* of its files, of its media */
};
static const struct notation_form notation_jws = {"notation/", ".jws", "application/jose+json"};

struct notation_row {
	const char *name, *why; /* NULL: good */
	bool stricter; /* the Notary Project's library takes it */
};

static inline int64_t notation_time(const char *text)
{
	struct err err = {0};
	int64_t ms;

	ck_assert_msg(!time_parse_rfc3339(text, &ms, &err), "%s", err.msg);
	return ms;
}

/* verification: what signatureVerification holds. pool: of data/notation, "a b". */
static inline struct verify_trust *notation_trust(const struct notation_form *form,
	const char *verification, const char *stores, const char *identities, const char *pool)
{
	auto_free char *policy = mem_printf(
		"{\"version\":\"1.0\",\"trustPolicies\":[{\"name\":\"all\",\"registryScopes\":["
		"\"*\"],\"signatureVerification\":{%s},\"trustStores\":[%s],\"trustedIdentities\":["
		"%s]}]}",
		verification, stores, identities);
	auto_free char *copy = mem_strdup(pool);
	char *rest = copy, *name;
	struct verify_trust *t = NULL;
	json_t *secret = json_object();
	struct err err = {0};

	vector_entry(secret, "trustpolicy.json", policy);
	while ((name = strsep(&rest, " "))) {
		auto_free char *pem = vector_text(form->folder, name, ".crt");
		auto_free char *entry = mem_printf("%s.crt", name);

		vector_entry(secret, entry, pem);
	}
	ck_assert_msg(!verify_trust_read(&t, secret, &err), "%s", err.msg);
	json_decref(secret);
	return t;
}

static inline struct verify_artifact notation_artifact(void)
{
	struct verify_artifact a = {
		.type = "application/vnd.oci.image.manifest.v1+json", .size = 1234};

	digest_mem(&a.digest, DIGEST_SHA256, "manifest", 8);
	return a;
}

static inline enum verdict notation_prove(const struct notation_form *form,
	const struct verify_trust *t, const char *envelope, const char *now, struct buf *logged,
	struct err *err)
{
	auto_buf struct buf data = BUF_INIT(BUF_ANY);
	struct verify_artifact a = notation_artifact();

	vector_load(&data, form->folder, envelope, form->suffix);
	return verify_notation(t, verify_policy_find(t->policy, "any/thing"), &a, form->type,
		buf_str(&data), data.len, notation_time(now),
		&(struct verify_notation_said){.logged = logged}, err);
}

static inline enum verdict notation_prove_at(const struct notation_form *form, const char *level,
	const char *name, const char *pool, struct buf *logged, struct err *err)
{
	auto_free char *verification = mem_printf("\"level\":\"%s\"", level);
	struct verify_trust *t = notation_trust(
		form, verification, NOTATION_STORES, "\"" NOTATION_IDENTITY "\"", pool);
	enum verdict got = notation_prove(form, t, name, NOTATION_NOW, logged, err);

	verify_trust_unref(t);
	return got;
}

/* What the library says of a row, at a level: 0 strict, 1 permissive, 2 audit. *pool is freed by
   the caller. */
static inline void notation_verdict(
	const struct notation_form *form, const char *name, char said[3][8], char **pool)
{
	auto_free char *all = vector_text(form->folder, "verdicts", ".tsv");
	char *rest = all, *line, *field;
	int i;

	while ((line = strsep(&rest, "\n"))) {
		field = strsep(&line, "\t");
		if (strcmp(field, name) != 0)
			continue;
		*pool = mem_strdup(strsep(&line, "\t"));
		for (i = 0; i < 3; i++)
			snprintf(said[i], sizeof(said[i]), "%s", strsep(&line, "\t"));
		return;
	}
	ck_abort_msg("no row '%s'", name);
}

/* A row at each level. */
static inline void notation_check(const struct notation_form *form, const struct notation_row *row)
{
	static const char *const levels[] = {"strict", "permissive", "audit"};
	static const char *const words[] = {
		[VERDICT_BAD] = "reject", [VERDICT_GOOD] = "accept", [VERDICT_IGNORED] = "ignore"};
	auto_free char *pool = NULL;
	char said[3][8];
	int level;

	notation_verdict(form, row->name, said, &pool);
	for (level = 0; level < 3; level++) {
		auto_buf struct buf logged = BUF_INIT(BUF_ANY);
		struct err err = {0};
		enum verdict got =
			notation_prove_at(form, levels[level], row->name, pool, &logged, &err);

		if (row->stricter) {
			ck_assert_msg(got == VERDICT_BAD, "%s: %d", row->name, got);
			ck_assert_str_eq(said[level], "accept");
		} else {
			ck_assert_msg(!strcmp(said[level], words[got]), "%s at %s: %s, not %s: %s",
				row->name, levels[level], words[got], said[level], err.msg);
		}
		ck_assert_msg((got == VERDICT_BAD) == (err.kind == ERR_RETRY), "%s", row->name);
		if (!level)
			ck_assert_msg(
				(got == VERDICT_GOOD) == !row->why, "%s: %s", row->name, err.msg);
		/* What is not enforced is written down. */
		if (row->why)
			ck_assert_msg(
				strstr(got == VERDICT_BAD ? err.msg : buf_str(&logged), row->why),
				"%s at %s: %s %s", row->name, levels[level], err.msg,
				buf_str(&logged));
		else
			ck_assert_str_eq(buf_str(&logged), "");
	}
}

static inline size_t notation_rows(const struct notation_form *form)
{
	auto_free char *all = vector_text(form->folder, "verdicts", ".tsv");
	char *rest = all, *line;
	size_t n = 0;

	while ((line = strsep(&rest, "\n")))
		n += *line != '\0';
	return n;
}

#endif
