/* What make-keyless.py has made: roots, layers and bundles of a Sigstore of our own. */
#ifndef UNIT_VERIFY_KEYLESS_H
#define UNIT_VERIFY_KEYLESS_H
#include "test/unit/verify/vectors.h"
#include "verify/identity.h"
#include "verify/policy.h"
#include "verify/trusted_root.h"
#include "verify/verdict.h"

#include <stdlib.h>

#define KEYLESS_ISSUER "^https://issuer\\.example$"
#define KEYLESS_SUBJECT "^https://github\\.com/org/app/\\.github/workflows/[^/]+@refs/tags/v1$"

/* Puts the value at a JSON pointer; null takes away what is there. */
static inline void keyless_put(json_t *o, const char *pointer, json_t *value)
{
	auto_free char *copy = mem_strdup(pointer + 1);
	char *rest = copy, *name = strsep(&rest, "/");

	for (; rest; name = strsep(&rest, "/"))
		o = json_is_array(o) ? json_array_get(o, (size_t)atoi(name))
				     : json_object_get(o, name);
	if (json_is_array(o))
		ck_assert(!json_array_set(o, (size_t)atoi(name), value));
	else if (json_is_null(value))
		json_object_del(o, name);
	else
		ck_assert(!json_object_set(o, name, value));
}

/* The same, and the value is given up. */
static inline void keyless_put_new(json_t *o, const char *pointer, json_t *value)
{
	keyless_put(o, pointer, value);
	json_decref(value);
}

/* A case of "legacy", "bundle" or "roots"; "good": the base. */
static inline json_t *keyless_case(const char *file, const char *name)
{
	auto_free char *text = vector_text("keyless/", file, ".json");
	json_t *all = json_loads(text, 0, NULL), *changes, *value;
	json_t *o = json_deep_copy(json_object_get(all, "base"));
	const char *pointer;

	ck_assert(o);
	if (strcmp(name, "good") != 0) {
		changes = json_object_get(json_object_get(all, "cases"), name);
		ck_assert_msg(changes, "no case '%s' in %s.json", name, file);
		json_object_foreach (changes, pointer, value)
			keyless_put(o, pointer, value);
	}
	json_decref(all);
	return o;
}

static inline struct verify_root *keyless_root(const char *name)
{
	json_t *o = keyless_case("roots", name);
	auto_free char *text = json_dumps(o, 0);
	struct verify_root *root = NULL;
	struct err err = {0};

	ck_assert_msg(!verify_root_parse(&root, text, strlen(text), &err), "%s: %s", name, err.msg);
	json_decref(o);
	return root;
}

/* Compiled; issuer and subject NULL: those of the good ones. */
static inline void keyless_who(
	struct verify_identities *who, const char *issuer, const char *subject)
{
	struct err err = {0};

	verify_identities_add(
		who, issuer ? issuer : KEYLESS_ISSUER, subject ? subject : KEYLESS_SUBJECT);
	ck_assert_msg(!verify_identities_compile(who, &err), "%s", err.msg);
}

/* One case, and what comes of it. */
struct keyless_row {
	const char *name;
	const char *why; /* NULL: good */
	const char *root, *subject, *issuer; /* NULL: the usual */
	const char *manifest; /* NULL: a */
};

typedef enum verdict keyless_prove_fn(json_t *o, const struct verify_policy *policy, const char *of,
	struct buf *signer, struct err *err);

/* file: as of keyless_case. */
static inline void keyless_row_check(
	const char *file, const struct keyless_row *row, keyless_prove_fn *prove)
{
	struct verify_root *root = keyless_root(row->root ? row->root : "good");
	json_t *o = keyless_case(file, row->name);
	auto_buf struct buf signer = BUF_INIT(1024);
	struct verify_identities who = {0};
	struct verify_policy policy = {.root = root, .who = &who};
	struct err err = {0};
	enum verdict got;

	keyless_who(&who, row->issuer, row->subject);
	got = prove(o, &policy, row->manifest ? row->manifest : "a", &signer, &err);
	ck_assert_msg((got == VERDICT_GOOD) == !row->why, "%s: %s", row->name, err.msg);
	if (row->why)
		ck_assert_msg(strstr(err.msg, row->why), "%s: %s", row->name, err.msg);
	else
		ck_assert_msg(strstr(buf_str(&signer), "' of 'https://issuer.example'"), "%s",
			buf_str(&signer));
	json_decref(o);
	verify_identities_clear(&who);
	verify_root_unref(root);
}

#endif
