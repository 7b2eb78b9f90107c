#include "verify/identity.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "crypto/cert.h"
#include "text/match.h"
#include "verify/plain.h"

#include <string.h>

/* The name of a workflow has a repository, a file and a branch in it. */
#define NAME_MAX_SHOWN (VERIFY_SIGNER_MAX / 2 - 8)

#define OID_ISSUER "1.3.6.1.4.1.57264.1.8"
#define OID_ISSUER_OLD "1.3.6.1.4.1.57264.1.1"

static const char *where(const struct verify_identities *all)
{
	return all->where ? all->where : "spec.verify.matchOIDCIdentity";
}

/* ---- the words ------------------------------------------------------------------------------- */

void verify_identities_add(struct verify_identities *all, const char *issuer, const char *subject)
{
	*vec_add(all) = (struct verify_identity){.issuer = mem_strdup(issuer ? issuer : ""),
		.subject = mem_strdup(subject ? subject : "")};
}

void verify_identities_copy(struct verify_identities *out, const struct verify_identities *from)
{
	const struct verify_identity *one;

	out->where = from->where;
	vec_each (from, one)
		verify_identities_add(out, one->issuer, one->subject);
}

void verify_identities_clear(struct verify_identities *all)
{
	struct verify_identity *one;

	vec_each (all, one) {
		free(one->issuer);
		free(one->subject);
		match_free(one->issuer_match);
		match_free(one->subject_match);
	}
	vec_clear(all);
}

/* ---- patterns -------------------------------------------------------------------------------- */

static int compile(struct match **out, const char *pattern, const char *name, struct err *err)
{
	if (!*pattern)
		return err_set(err, ERR_STALL, "%s is empty: anybody would do", name);
	if (!match_new(out, pattern, err))
		return 0;
	err->kind = ERR_STALL;
	return err_wrap(err, "%s", name);
}

int verify_identities_compile(struct verify_identities *all, struct err *err)
{
	struct verify_identity *one;
	int program = 0;

	if (!all->len || all->len > LIMIT_SIGNERS)
		return err_set(err, ERR_STALL,
			"%s has %zu entries; without a key 1 to %d say who may have signed",
			where(all), all->len, LIMIT_SIGNERS);
	vec_each (all, one) {
		if (compile(&one->issuer_match, one->issuer, "issuer", err) ||
			compile(&one->subject_match, one->subject, "subject", err))
			return err_wrap(err, "%s[%zu]", where(all), (size_t)(one - all->p));
		program += match_program(one->issuer_match) + match_program(one->subject_match);
		if (program > LIMIT_SIGNERS_PROGRAM)
			return err_set(err, ERR_STALL,
				"the patterns of %s are too large: together they compile to more "
				"than %d instructions",
				where(all), LIMIT_SIGNERS_PROGRAM);
	}
	return 0;
}

static bool anchored(const char *pattern)
{
	size_t n = strlen(pattern);

	/* "^a|b$" and "^a\\$" are not. */
	return n > 1 && pattern[0] == '^' && pattern[n - 1] == '$' && pattern[n - 2] != '\\' &&
		!strchr(pattern, '|');
}

bool verify_identities_anchored(const struct verify_identities *all)
{
	const struct verify_identity *one;

	vec_each (all, one)
		if (!anchored(one->issuer) || !anchored(one->subject))
			return false;
	return true;
}

/* ---- what the certificate says --------------------------------------------------------------- */

/* Written twice in new certificates, once in DER; who writes two things is not to be believed. */
static int issuer_of(struct buf *out, const struct cert *leaf, struct err *err)
{
	const unsigned char *old, *value;
	const char *text = NULL;
	size_t old_len, n, len = 0;

	if (cert_extension(leaf, OID_ISSUER_OLD, &old, &old_len, err) ||
		cert_extension(leaf, OID_ISSUER, &value, &n, err))
		return -1;
	if (value && cert_utf8(value, n, &text, &len, err))
		return err_wrap(err, "the issuer in the certificate");
	if (old && text && (old_len != len || memcmp(old, text, len) != 0))
		return err_set(err, ERR_RETRY, "the certificate names two issuers");
	if (text)
		buf_add(out, text, len);
	else if (old)
		buf_add(out, old, old_len);
	if (!out->len || memchr(out->p, '\0', out->len))
		return err_set(err, ERR_RETRY, "the certificate does not say who the issuer is");
	return 0;
}

static const struct cert_name *first(const struct cert_names *names, enum cert_name_type type)
{
	const struct cert_name *one;

	vec_each (names, one)
		if (one->type == type)
			return one;
	return NULL;
}

static const struct cert_name *the_one(const struct cert_names *names)
{
	const struct cert_name *one = first(names, CERT_NAME_URI);

	if (!one)
		one = first(names, CERT_NAME_EMAIL);
	return one ? one : first(names, CERT_NAME_OTHER);
}

/* The first of them that fits; NULL: none. only: no other; NULL: any. */
static const struct cert_name *find(const struct verify_identity *who,
	const struct cert_names *names, const struct cert_name *only)
{
	const struct cert_name *one;

	vec_each (names, one)
		if ((!only || one == only) &&
			match_text(who->subject_match, one->text, strlen(one->text)))
			return one;
	return NULL;
}

/* The issuer is looked at once for each entry: a certificate has many names, and a pattern may take
   its time. */
static int names_match(const struct verify_identities *all, const char *issuer,
	const struct cert_names *names, enum verify_names which, struct buf *signer,
	struct err *err)
{
	const struct cert_name *only = the_one(names), *one = only;
	char name[NAME_MAX_SHOWN], whose[NAME_MAX_SHOWN];
	const struct verify_identity *who;
	bool issuer_fits = false;

	if (!one && which == VERIFY_ANY_NAME && names->len)
		one = &names->p[0];
	if (!one)
		return err_set(err, ERR_RETRY, "the certificate names nobody");
	verify_plain_cut(issuer, whose, sizeof(whose));
	vec_each (all, who) {
		const struct cert_name *found;

		if (!match_text(who->issuer_match, issuer, strlen(issuer)))
			continue;
		issuer_fits = true;
		found = find(who, names, which == VERIFY_ONE_NAME ? only : NULL);
		if (!found)
			continue;
		buf_addf(signer, "'%s' of '%s'", verify_plain_cut(found->text, name, sizeof(name)),
			whose);
		return 0;
	}
	return err_set(err, ERR_RETRY, "the %s fits no entry of %s: it is signed by '%s' of '%s'",
		issuer_fits ? "subject" : "issuer", where(all),
		verify_plain_cut(one->text, name, sizeof(name)), whose);
}

int verify_identities_match(const struct verify_identities *all, const struct cert *leaf,
	enum verify_names which, struct buf *signer, struct err *err)
{
	auto_buf struct buf issuer = BUF_INIT(LIMIT_CERTIFICATE);
	struct cert_names names = {0};
	int rc;

	rc = issuer_of(&issuer, leaf, err) || cert_names(&names, leaf, err) ||
		names_match(all, buf_str(&issuer), &names, which, signer, err);
	cert_names_clear(&names);
	return rc ? -1 : 0;
}
