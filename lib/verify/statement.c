#include "verify/statement.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/obj.h"
#include "verify/protojson.h"

#include <string.h>

static const struct verify_pj_field SUBJECT[] = {
	{"name", NULL, VERIFY_PJ_STRING},
	{"uri", NULL, VERIFY_PJ_STRING},
	{"digest", NULL, VERIFY_PJ_STRINGS},
	{"content", NULL, VERIFY_PJ_BYTES},
	{"downloadLocation", "download_location", VERIFY_PJ_STRING},
	{"mediaType", "media_type", VERIFY_PJ_STRING},
	{"annotations", NULL, VERIFY_PJ_STRUCT},
	{0},
};

static const struct verify_pj_field STATEMENT[] = {
	{"_type", "type", VERIFY_PJ_STRING},
	{"subject", NULL, VERIFY_PJ_MESSAGE, .many = true, .fields = SUBJECT},
	{"predicateType", "predicate_type", VERIFY_PJ_STRING},
	{"predicate", NULL, VERIFY_PJ_STRUCT},
	{0},
};

/* One that cannot be read makes the statement useless, though it names another thing. *same: these
   are its bytes. */
static int digest_compare(
	const char *hex, const struct digest *manifest, bool *same, struct err *err)
{
	size_t n = strlen(hex), i;

	*same = n == 2 * digest_size(manifest->algo);
	for (i = 0; i < n; i++) {
		int digit = ascii_hex_value(hex[i]);

		if (digit < 0 || n % 2)
			return err_set(err, ERR_RETRY, "a digest of a subject is not hexadecimal");
		if (*same && (manifest->bin[i / 2] >> (i % 2 ? 0 : 4) & 15) != digit)
			*same = false;
	}
	return 0;
}

static int subject_compare(
	const json_t *subject, const struct digest *manifest, bool *found, struct err *err)
{
	json_t *digests = verify_pj_get(subject, SUBJECT, "digest"), *v;
	const char *algo;
	bool same;

	if (json_object_size(digests) > LIMIT_SUBJECT_DIGESTS)
		return err_set(err, ERR_RETRY, "a subject has %zu digests, more than %d",
			json_object_size(digests), LIMIT_SUBJECT_DIGESTS);
	json_object_foreach (digests, algo, v) {
		if (digest_compare(json_string_value(v), manifest, &same, err))
			return -1;
		*found |= same && !strcmp(algo, "sha256");
	}
	return 0;
}

static int subjects_compare(
	const json_t *statement, const struct digest *manifest, bool *found, struct err *err)
{
	const json_t *subjects = verify_pj_get(statement, STATEMENT, "subject");
	json_t *one;
	size_t i;

	if (json_array_size(subjects) > LIMIT_SUBJECTS)
		return err_set(err, ERR_RETRY, "the statement has %zu subjects, more than %d",
			json_array_size(subjects), LIMIT_SUBJECTS);
	json_array_foreach (subjects, i, one)
		if (subject_compare(one, manifest, found, err))
			return -1;
	return 0;
}

enum verdict verify_statement(
	const char *payload, size_t n, const struct digest *manifest, struct err *err)
{
	auto_json json_t *o = obj_parse_within(payload, n, &obj_signed, "the statement", err);
	char text[DIGEST_TEXT_MAX];
	bool found = false;

	if (!o || verify_pj_check(o, STATEMENT, "statement", err) ||
		subjects_compare(o, manifest, &found, err))
		return VERDICT_BAD;
	if (manifest->algo == DIGEST_SHA256 && found)
		return VERDICT_GOOD;
	err_set(err, ERR_RETRY, "the statement has no subject '%s'", digest_format(manifest, text));
	return VERDICT_BAD;
}
