/* A client of TUF: what it wants, in which order, and each reason not to believe what it gets. */
#include "verify/tuf.h"

#include "base/limits.h"
#include "test/unit/crypto/pss.h"
#include "test/unit/verify/tuf.h"
#include "verify/trusted_root.h"
#include "verify/tuf_canonical.h"

#include <stdlib.h>

Suite *suite_tuf(void);

/* Each step of a row is a file that it is given, or one of these. */
#define LACKS "-" /* there is none */
#define AGAIN "begin" /* another refresh */
#define LATER "later" /* the same, eight days later */

#define ALL "- timestamp-1 snapshot-1 targets-1 target-1"
#define SIGNED_BY "it is signed by "
#define UNKNOWN "of them the kind is not known)"
#define OF_ROOT_1 " of the keys that version 1 of root.json names for "

static const struct {
	const char *root, *steps;
	const char *why; /* of the last step; NULL: it ends well */
} rows[] = {
	{"root-1", ALL, NULL},
	{"root-1-flat", ALL, NULL},
	{"root-1", "- timestamp-1-plain snapshot-1-plain targets-1 target-1", NULL},
	{"root-1-expired", "root-2 " ALL, NULL},
	{"root-1", "root-2 root-3 " ALL, NULL},
	{"root-1", "root-2-spelled " ALL, NULL},
	{"root-1-alias", ALL, NULL},
	{"root-1-unknown", ALL, NULL},
	/* Nothing new: the timestamp says so. */
	{"root-1", ALL " begin - timestamp-1", NULL},
	{"root-1", ALL " begin - timestamp-2 snapshot-2 targets-2 target-2", NULL},
	/* Of one version the first counts. */
	{"root-1", ALL " begin - timestamp-1-old-snapshot", NULL},
	/* What was broken off goes on. */
	{"root-1", "- timestamp-1 begin - timestamp-1 snapshot-1 targets-1 target-1", NULL},
	{"root-1", "- timestamp-1 snapshot-1 begin - timestamp-1 targets-1 target-1", NULL},
	{"root-1", "- timestamp-1 snapshot-1 targets-1 begin - timestamp-1 target-1", NULL},
	{"root-1", "- timestamp-1 snapshot-1 begin - timestamp-2 snapshot-2 targets-2 target-2",
		NULL},

	/* root.json */
	{"root-1", "root-2-other", "2.root.json: " SIGNED_BY "0" OF_ROOT_1 "'root', and 2 have to"},
	{"root-1", "root-2-one", SIGNED_BY "1" OF_ROOT_1 "'root', and 2 have to"},
	{"root-1", "root-2-twice", SIGNED_BY "1" OF_ROOT_1},
	{"root-1", "root-2-swapped", SIGNED_BY "1" OF_ROOT_1},
	{"root-1", "root-2-broken", SIGNED_BY "1" OF_ROOT_1},
	{"root-1", "root-2-behind", SIGNED_BY "1" OF_ROOT_1},
	{"root-1", "root-2-not-by-old", SIGNED_BY "0" OF_ROOT_1},
	{"root-1", "root-2-not-by-new",
		SIGNED_BY "0 of the keys that version 2 of root.json names for 'root', and 2"},
	{"root-1-alias", "root-2-alias", SIGNED_BY "1" OF_ROOT_1},
	{"root-1-unknown", "root-2-unknown",
		SIGNED_BY "1" OF_ROOT_1
			  "'root', and 2 have to (of 1 of them the kind is not known)"},
	{"root-1", "root-3-skipped", "2.root.json: its version is 3, not 2"},
	{"root-1", "root-1-again", "2.root.json: its version is 1, not 2"},
	{"root-1", "root-2 root-1-again", "3.root.json: " SIGNED_BY "1 of the keys"},
	{"root-1", "root-2-expired " LACKS, "2.root.json: it has expired at 2026-01-01T00:00:00Z"},
	{"root-1-expired", LACKS, "1.root.json: it has expired at 2026-01-01T00:00:00Z"},
	{"root-1", "root-2-no-threshold", "its role 'timestamp': its threshold is none"},
	{"root-1", "root-2-missing-key", "its role 'timestamp': it names a key that is not there"},
	{"root-1", "root-2-key-twice", "its role 'timestamp': it names the key '"},
	{"root-1", "root-2-p384", "its key 'new': it is no ECDSA key on P-256"},
	{"root-1", "root-2-no-ed25519", "its key 'new': it is no Ed25519 key in hex"},
	{"root-1", "root-2-no-rsa", "its key 'new': it is no RSA key"},
	{"root-1", "root-2-no-pem", "its key 'new': it is no public key in PEM"},
	{"root-1", "root-2-empty-key", "its key 'new': it is empty"},
	{"root-1", "root-2-no-kind", "its key 'new': it does not say of which kind it is"},
	{"root-1", "root-2-no-keys", "it has 0 keys"},
	{"root-1", "root-2-spec", "its spec_version is '2.0', not 1"},
	{"root-1", "root-2-real", "it holds a number that is not whole"},
	{"root-1", "root-2-no-version", "its version is none"},
	{"root-1", "root-2-no-expiry", "it does not say until when it is good: 'soon'"},
	{"root-1", "root-2-unsigned", "it has no 'signed' or no 'signatures'"},
	{"root-1", "root-2-many", "it has 65 signatures, more than 64"},
	{"root-1", "timestamp-1", "2.root.json: its type is 'timestamp', not 'root'"},
	{"root-1", "target-1", "2.root.json: it has no 'signed' or no 'signatures'"},

	{"root-1", "root-2-no-type", "its key 'new': it does not say of which kind it is"},
	{"root-1", "root-2-no-scheme", "its key 'new': it does not say of which kind it is"},
	{"root-1", "root-2-ed25519-odd", "its key 'new': it is no Ed25519 key in hex"},
	{"root-1", "root-2-ed25519-high", "its key 'new': it is no Ed25519 key in hex"},
	{"root-1", "root-2-ed25519-low", "its key 'new': it is no Ed25519 key in hex"},
	{"root-1", "root-2-ed25519-long", "its key 'new': it is no Ed25519 key in hex"},
	{"root-1-ecdsa-type", "root-2-ecdsa-type", UNKNOWN},
	{"root-1-ecdsa-scheme", "root-2-ecdsa-scheme", UNKNOWN},
	{"root-1-ed25519-type", "root-2-ed25519-type", UNKNOWN},
	{"root-1-ed25519-scheme", "root-2-ed25519-scheme", UNKNOWN},
	{"root-1-rsa-type", "root-2-rsa-type", UNKNOWN},
	{"root-1-rsa-scheme", "root-2-rsa-scheme", UNKNOWN},
	{"root-1", "root-2-many-keys", " keys; 1 to 64 are taken"},
	{"root-1", "root-2-huge-threshold", "its role 'timestamp': its threshold is none"},
	{"root-1", "root-2-many-names", "its role 'timestamp': it names 65 keys, more than 64"},
	{"root-1", "root-2-name-7", "it names a key that is not there: ''"},
	{"root-1", "root-2-spec-10", "its spec_version is '10.0', not 1"},
	{"root-1", "root-2-spec-1 " ALL, NULL},
	{"root-1", "root-2-without-spec", "its spec_version is '', not 1"},
	{"root-1", "root-2-without-type", "its type is '', not 'root'"},
	{"root-1", "root-2-without-expires", "it does not say until when it is good: ''"},
	{"root-1", "root-2-junk", "2.root.json: it is not valid JSON"},
	{"root-1", "root-2-list", "it has no 'signed' or no 'signatures'"},
	{"root-1", "root-2-real-in-list", "it holds a number that is not whole"},

	/* timestamp.json */
	{"root-1", "- timestamp-1-other", "timestamp.json: " SIGNED_BY "0" OF_ROOT_1 "'timestamp'"},
	{"root-1", "- timestamp-1-by-root", "timestamp.json: " SIGNED_BY "0" OF_ROOT_1},
	{"root-1", "- timestamp-1-expired",
		"timestamp.json: it has expired at 2026-01-01T00:00:00Z"},
	{"root-1", ALL " begin - timestamp-2 snapshot-2 targets-2 target-2 begin - timestamp-1",
		"timestamp.json: its version is 1, older than 2, which is known"},
	{"root-1", "- timestamp-2 begin - timestamp-3-back",
		"timestamp.json: it lists version 1 of 'snapshot.json', older than 2, which is "
		"known"},
	{"root-1", "- timestamp-1-empty", "timestamp.json: it does not list 'snapshot.json'"},
	{"root-1", "- timestamp-1-no-version", "of 'snapshot.json': it gives no version"},
	{"root-1", "- timestamp-1-no-length", "of 'snapshot.json': its length is none"},
	{"root-1", "- timestamp-1-no-hash", "of 'snapshot.json': its sha256 is none: 'abc'"},
	{"root-1", "- timestamp-1-hash-short", "its sha512 is none: 'abc'"},
	{"root-1", "- timestamp-1-hash-number", "its sha256 is none: ''"},
	{"root-1", "- timestamp-1-hash-no-hex", "its sha256 is none: 'xxxx"},
	{"root-1", "- timestamp-1-hash-long", "its sha512 is none: '0000"},
	{"root-1", "- timestamp-1-version-0", "of 'snapshot.json': its version is none"},
	{"root-1", "- timestamp-1-version-text", "of 'snapshot.json': its version is none"},
	{"root-1", "- timestamp-1-length-real", "of 'snapshot.json': its length is none"},
	{"root-1", "- timestamp-1 begin - timestamp-2-empty",
		"timestamp.json: it does not list 'snapshot.json'"},
	{"root-1", "- timestamp-1-other-sha512 snapshot-1",
		"snapshot.json: its digest is 'sha512:"},
	{"root-1", "- timestamp-2 snapshot-2 begin root-2-snapshot - timestamp-1 snapshot-1",
		"snapshot.json: " SIGNED_BY "0 of the keys that version 2"},
	{"root-1", "- snapshot-1", "timestamp.json: its type is 'snapshot', not 'timestamp'"},
	{"root-1", "- " LACKS, "timestamp.json: the repository does not have it"},
	{"root-1", "- timestamp-3-week snapshot-2 targets-2 target-2 later - timestamp-3-week",
		"timestamp.json: it has expired at 2026-01-22T12:00:00Z"},

	/* snapshot.json */
	{"root-1", "- timestamp-1 snapshot-2", "snapshot.json: its digest is 'sha256:"},
	{"root-1", "- timestamp-1 snapshot-1-recover", "bytes, and timestamp.json says "},
	{"root-1", "- timestamp-1-plain snapshot-2",
		"snapshot.json: its version is 2, and timestamp.json says 1"},
	{"root-1", "- timestamp-1-plain snapshot-1-other",
		"snapshot.json: " SIGNED_BY "0" OF_ROOT_1 "'snapshot'"},
	{"root-1", "- timestamp-1-plain snapshot-1-by-timestamp",
		"snapshot.json: " SIGNED_BY "0" OF_ROOT_1},
	{"root-1", "- timestamp-1-old-snapshot snapshot-1-expired",
		"snapshot.json: it has expired at 2026-01-01T00:00:00Z"},
	{"root-1", "- timestamp-2 snapshot-2 begin - timestamp-4-other snapshot-3-back",
		"snapshot.json: it lists version 1 of 'targets.json', older than 2"},
	{"root-1", "- timestamp-2 snapshot-2 begin - timestamp-4-other snapshot-3-other-back",
		"snapshot.json: it lists version 2 of 'other.json', older than 3"},
	{"root-1", "- timestamp-2 snapshot-2 begin - timestamp-4-other snapshot-3-less",
		"snapshot.json: it does not list 'other.json' any more"},
	{"root-1", "- timestamp-1-plain snapshot-1-empty",
		"snapshot.json: it does not list 'targets.json'"},
	{"root-1", "- timestamp-1 " LACKS, "snapshot.json: the repository does not have it"},

	/* targets.json */
	{"root-1", "- timestamp-1 snapshot-1 targets-2", "targets.json: it has "},
	{"root-1", "- timestamp-1 snapshot-1 targets-1-twin",
		"targets.json: its digest is 'sha256:"},
	{"root-1", "- timestamp-1-plain snapshot-1-plain targets-2",
		"targets.json: its version is 2, and snapshot.json says 1"},
	{"root-1", "- timestamp-1-plain snapshot-1-of-other targets-1-other",
		"targets.json: " SIGNED_BY "0" OF_ROOT_1 "'targets'"},
	{"root-1", "- timestamp-1-plain snapshot-1-of-expired targets-1-expired",
		"targets.json: it has expired at 2026-01-01T00:00:00Z"},
	{"root-1", "- timestamp-1-plain snapshot-1-of-empty targets-1-empty",
		"targets.json: it does not list 'trusted_root.json'"},
	{"root-1", "- timestamp-1-plain snapshot-1-of-no-length targets-1-no-length",
		"targets.json: of 'trusted_root.json': its length is none"},
	{"root-1", "- timestamp-1-plain snapshot-1-of-huge targets-1-huge",
		"of 'trusted_root.json': its length is 1099511627776; 1 to 131072 are taken"},
	{"root-1", "- timestamp-1-plain snapshot-1-of-no-hash targets-1-no-hash",
		"of 'trusted_root.json': it gives no sha256 or sha512"},
	{"root-1", "- timestamp-1 snapshot-1 " LACKS,
		"targets.json: the repository does not have it"},

	/* The target. */
	{"root-1", "- timestamp-1 snapshot-1 targets-1 target-2", "trusted_root.json: it has "},
	{"root-1", "- timestamp-1 snapshot-1 targets-1 target-1-twin",
		"trusted_root.json: its digest is 'sha256:"},
	{"root-1", "- timestamp-1 snapshot-1 targets-1 " LACKS,
		"trusted_root.json: the repository does not have it"},

	/* The keys of timestamp and snapshot were somebody else's (5.3.11). */
	{"root-1", "- timestamp-far snapshot-far begin - timestamp-1",
		"timestamp.json: its version is 1, older than 4611686018427387904"},
	{"root-1",
		"- timestamp-far snapshot-far targets-1 target-1 begin root-2-recover - "
		"timestamp-1-recover snapshot-1-recover",
		NULL},
	/* Only one of the two. */
	{"root-1",
		"- timestamp-far snapshot-far begin root-2-timestamp - timestamp-1-new snapshot-1 "
		"targets-1 target-1",
		NULL},
	/* What a new key has not signed is fetched again. */
	{"root-1", ALL " begin root-2-targets - timestamp-2 snapshot-2 targets-2",
		"targets.json: " SIGNED_BY
		"0 of the keys that version 2 of root.json names for 'targets'"},
	{"root-1",
		"- timestamp-1-plain snapshot-1-plain targets-1 target-1 begin root-2-targets - "
		"timestamp-1-plain targets-1-new",
		NULL},
	/* Keys that stay keep what they have signed. */
	{"root-1", "- timestamp-2 snapshot-2 targets-2 target-2 begin root-2 - timestamp-1",
		"timestamp.json: its version is 1, older than 2"},
};

static struct verify_tuf *tuf_new(const char *root)
{
	auto_free char *text = tuf_made(root);
	struct err err = {0};
	struct verify_tuf *t = verify_tuf_new(text, strlen(text), "trusted_root.json", &err);

	ck_assert_msg(t, "%s: %s", root, err.msg);
	return t;
}

static int step_do(struct verify_tuf *t, const char *step, struct err *err)
{
	struct verify_tuf_want want;
	auto_free char *text = NULL;

	if (!strcmp(step, AGAIN) || !strcmp(step, LATER)) {
		verify_tuf_begin(t, TUF_NOW_MS + (*step == 'l' ? 8 * 86400000LL : 0));
		return 0;
	}
	ck_assert_msg(verify_tuf_wants(t, &want), "it wants no '%s'", step);
	if (!strcmp(step, LACKS))
		return verify_tuf_lacks(t, err);
	text = tuf_made(step);
	return verify_tuf_give(t, text, strlen(text), err);
}

START_TEST(test_rows)
{
	struct verify_tuf *t = tuf_new(rows[_i].root);
	auto_free char *steps = mem_strdup(rows[_i].steps);
	char *rest = steps, *step;
	struct verify_tuf_want want;
	struct err err = {0};
	int rc = 0;

	verify_tuf_begin(t, TUF_NOW_MS);
	while ((step = strsep(&rest, " "))) {
		rc = step_do(t, step, &err);
		ck_assert_msg(!rc || !rest, "row %d: '%s' of '%s': %s", _i, step, rows[_i].steps,
			err.msg);
	}
	ck_assert_msg(!rc == !rows[_i].why, "row %d: %s: %s", _i, rows[_i].steps, err.msg);
	if (rows[_i].why) {
		ck_assert_msg(strstr(err.msg, rows[_i].why), "row %d: %s", _i, err.msg);
	} else {
		ck_assert_msg(!verify_tuf_wants(t, &want), "row %d: it wants '%s'", _i, want.path);
		ck_assert_msg(!verify_tuf_check(t, TUF_NOW_MS, &err), "%s", err.msg);
	}
	verify_tuf_free(t);
}
END_TEST

/* ---- what it asks for ------------------------------------------------------------------------ */

static void wants(const struct verify_tuf *t, const char *path, const char *name, size_t max)
{
	struct verify_tuf_want w;

	ck_assert(verify_tuf_wants(t, &w));
	ck_assert_str_eq(w.path, path);
	ck_assert_str_eq(w.name, name);
	ck_assert_uint_eq(w.max, max);
	ck_assert(w.optional == (strstr(name, "root.json") && name[0] == '2'));
}

static void steps_do(struct verify_tuf *t, const char *step)
{
	struct err err = {0};

	ck_assert_msg(!step_do(t, step, &err), "%s: %s", step, err.msg);
}

START_TEST(test_paths)
{
	auto_free char *snapshot = tuf_made("snapshot-1"), *targets = tuf_made("targets-1");
	auto_free char *target = tuf_made("target-1"), *path = NULL;
	struct verify_tuf *t = tuf_new(_i ? "root-1-flat" : "root-1");
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, target, strlen(target));
	path = _i ? mem_strdup("targets/trusted_root.json")
		  : mem_printf("targets/%s.trusted_root.json", digest_hex(&d, hex));
	verify_tuf_begin(t, TUF_NOW_MS);
	wants(t, "2.root.json", "2.root.json", LIMIT_TUF_META);
	steps_do(t, LACKS);
	wants(t, "timestamp.json", "timestamp.json", LIMIT_TUF_TIMESTAMP);
	steps_do(t, "timestamp-1");
	wants(t, _i ? "snapshot.json" : "1.snapshot.json", "snapshot.json", strlen(snapshot));
	steps_do(t, "snapshot-1");
	wants(t, _i ? "targets.json" : "1.targets.json", "targets.json", strlen(targets));
	steps_do(t, "targets-1");
	wants(t, path, "trusted_root.json", strlen(target));
	ck_assert_uint_eq(verify_tuf_target(t)->len, 0);
	steps_do(t, "target-1");
	ck_assert_str_eq(verify_tuf_target(t)->p, target);
	verify_tuf_free(t);
}
END_TEST

/* Whoever lists a file says how long it is; of the first two the limits do. */
START_TEST(test_too_long)
{
	struct verify_tuf *t = tuf_new("root-1");
	char *text = mem_zalloc(LIMIT_TUF_META + 2);
	struct err err = {0};

	memset(text, ' ', LIMIT_TUF_META + 1);
	verify_tuf_begin(t, TUF_NOW_MS);
	ck_assert(verify_tuf_give(t, text, LIMIT_TUF_META + 1, &err));
	ck_assert_str_eq(err.msg, "2.root.json: it has 524289 bytes, more than 524288");
	ck_assert(verify_tuf_give(t, "", 0, &err));
	ck_assert_str_eq(err.msg, "2.root.json: it has 0 bytes; 1 to 524288 are taken");
	steps_do(t, LACKS);
	ck_assert(verify_tuf_give(t, text, LIMIT_TUF_TIMESTAMP + 1, &err));
	ck_assert_str_eq(err.msg, "timestamp.json: it has 16385 bytes, more than 16384");
	steps_do(t, "timestamp-1");
	ck_assert(verify_tuf_give(t, text, 5000, &err));
	ck_assert_msg(!strncmp(err.msg, "snapshot.json: it has 5000 bytes, more than ", 44), "%s",
		err.msg);
	verify_tuf_free(t);
	free(text);
}
END_TEST

/* The root that comes with the program has to be signed by itself, whatever its age. */
static const struct {
	const char *root, *why; /* NULL: fine */
} firsts[] = {
	{"root-1-expired", NULL},
	{"root-1-one", SIGNED_BY "1" OF_ROOT_1 "'root', and 2 have to"},
	{"root-1-two-names", SIGNED_BY "1" OF_ROOT_1},
	{"timestamp-1", "its type is 'timestamp', not 'root'"},
	{"target-1", "it has no 'signed' or no 'signatures'"},
};

START_TEST(test_first)
{
	auto_free char *text = tuf_made(firsts[_i].root);
	struct verify_tuf *t;
	struct err err = {0};

	t = verify_tuf_new(text, strlen(text), "trusted_root.json", &err);
	ck_assert_msg(!t == !!firsts[_i].why, "row %d: %s", _i, err.msg);
	ck_assert_msg(t || strstr(err.msg, firsts[_i].why), "row %d: %s", _i, err.msg);
	verify_tuf_free(t);
}
END_TEST

/* ---- how many roots -------------------------------------------------------------------------- */

/* Version n of a root that signer.pem alone has signed. */
static char *chain_root(int n)
{
	auto_free char *pem = vector_text("keys/", "rsa2048", ".pub");
	auto_free char *key = vector_text("", "signer", ".pem");
	auto_buf struct buf text = BUF_INIT(BUF_ANY), sig = BUF_INIT(BUF_ANY),
			    hex = BUF_INIT(BUF_ANY);
	json_t *role = json_pack("{s[s]si}", "keyids", "k", "threshold", 1);
	json_t *body = json_pack("{ssssss si s{s{ssss s{ss}}} s{sOsOsOsO}}", "_type", "root",
		"spec_version", "1.0.31", "expires", "2100-01-01T00:00:00Z", "version", n, "keys",
		"k", "keytype", "rsa", "scheme", "rsassa-pss-sha256", "keyval", "public", pem,
		"roles", "root", role, "timestamp", role, "snapshot", role, "targets", role);
	struct err err = {0};
	json_t *all;
	char *out;
	size_t i;

	ck_assert_msg(!verify_tuf_canonical(body, &text, &err), "%s", err.msg);
	pss_sign(&sig, key, text.p, text.len);
	for (i = 0; i < sig.len; i++)
		buf_addf(&hex, "%02x", (unsigned char)sig.p[i]);
	all = json_pack(
		"{s[{ssss}]so}", "signatures", "keyid", "k", "sig", buf_str(&hex), "signed", body);
	out = json_dumps(all, 0);
	json_decref(all);
	json_decref(role);
	return out;
}

static int chain_give(struct verify_tuf *t, int n, struct err *err)
{
	auto_free char *text = chain_root(n);

	return verify_tuf_give(t, text, strlen(text), err);
}

/* Who has the keys could go on for ever. Another refresh may go on from there. */
START_TEST(test_many_roots)
{
	auto_free char *first = chain_root(1);
	struct err err = {0};
	struct verify_tuf *t = verify_tuf_new(first, strlen(first), "trusted_root.json", &err);
	int n = 2;

	ck_assert_msg(t != NULL, "%s", err.msg);
	verify_tuf_begin(t, TUF_NOW_MS);
	for (; n < 2 + LIMIT_TUF_ROOTS; n++)
		ck_assert_msg(!chain_give(t, n, &err), "%s", err.msg);
	ck_assert_int_eq(chain_give(t, n, &err), -1);
	ck_assert_str_eq(err.msg, "258.root.json: it is the one after 256 new ones");
	err_clear(&err);
	verify_tuf_begin(t, TUF_NOW_MS);
	ck_assert_msg(!chain_give(t, n + 1, &err), "%s", err.msg);
	verify_tuf_free(t);
}
END_TEST

/* What does not fit is not cut: else less would be signed than is read. */
START_TEST(test_canonical)
{
	json_t *o = json_loads("{\"b\":1,\"a\":\"x\"}", 0, NULL);
	auto_buf struct buf whole = BUF_INIT(15), cut = BUF_INIT(14);
	struct err err = {0};

	ck_assert_msg(!verify_tuf_canonical(o, &whole, &err), "%s", err.msg);
	ck_assert_str_eq(buf_str(&whole), "{\"a\":\"x\",\"b\":1}");
	ck_assert_int_eq(verify_tuf_canonical(o, &cut, &err), -1);
	ck_assert_str_eq(err.msg, "its canonical form is too long");
	json_decref(o);
}
END_TEST

/* ---- what was kept --------------------------------------------------------------------------- */

#define R VERIFY_TUF_FILE_ROOT
#define TS VERIFY_TUF_FILE_TIMESTAMP
#define S VERIFY_TUF_FILE_SNAPSHOT
#define T VERIFY_TUF_FILE_TARGETS
#define F VERIFY_TUF_FILE_TARGET

static const struct {
	struct {
		enum verify_tuf_file file;
		const char *name;
		const char *why; /* NULL: it is taken */
	} kept[6];
	const char *check; /* NULL: all is there and good */
	const char *then; /* what a refresh goes like */
	const char *end; /* why it fails; NULL: it does not */
} restores[] = {
	{{{TS, "timestamp-1"}, {S, "snapshot-1"}, {T, "targets-1"}, {F, "target-1"}}, NULL,
		"- timestamp-1", NULL},
	{{{R, "root-2"}, {R, "root-3"}, {TS, "timestamp-1"}, {S, "snapshot-1"}, {T, "targets-1"},
		 {F, "target-1"}},
		NULL, "- timestamp-2 snapshot-2 targets-2 target-2", NULL},
	/* It went down between two files. */
	{{{TS, "timestamp-2"}, {S, "snapshot-1"}, {T, "targets-1"}, {F, "target-1"}},
		"not all that timestamp.json leads to is there",
		"- timestamp-2 snapshot-2 targets-2 target-2", NULL},
	{{{TS, "timestamp-1"}}, "not all that timestamp.json leads to is there",
		"- timestamp-1 snapshot-1 targets-1 target-1", NULL},
	{{{0}}, "there is no timestamp.json", ALL, NULL},
	/* What is old protects all the same. */
	{{{TS, "timestamp-2"}, {S, "snapshot-2"}, {T, "targets-2"}, {F, "target-2"}}, NULL,
		"- timestamp-1", "its version is 1, older than 2, which is known"},
	{{{TS, "timestamp-1-expired"}, {S, "snapshot-1"}, {T, "targets-1"}, {F, "target-1"}},
		"timestamp.json: it has expired at 2026-01-01T00:00:00Z",
		"- timestamp-2 snapshot-2", NULL},
	{{{TS, "timestamp-1-old-snapshot"}, {S, "snapshot-1-expired"}},
		"snapshot.json: it has expired at 2026-01-01T00:00:00Z",
		"- timestamp-2 snapshot-2 targets-2 target-2", NULL},
	{{{TS, "timestamp-1-plain"}, {S, "snapshot-1-of-expired"}, {T, "targets-1-expired"},
		 {F, "target-1"}},
		"targets.json: it has expired at 2026-01-01T00:00:00Z",
		"- timestamp-2 snapshot-2 targets-2 target-2", NULL},
	/* What is broken is as good as not there. */
	{{{R, "root-2-one", "2.root.json: " SIGNED_BY "1" OF_ROOT_1},
		 {TS, "timestamp-1-other", "timestamp.json: " SIGNED_BY "0"},
		 {S, "snapshot-1", "snapshot.json: what lists it is not there"},
		 {T, "targets-1", "targets.json: what lists it is not there"},
		 {F, "target-1", "trusted_root.json: what lists it is not there"}},
		"there is no timestamp.json", ALL, NULL},
	{{{TS, "timestamp-1"}, {S, "snapshot-1-other", "snapshot.json: " SIGNED_BY "0"},
		 {T, "targets-1", "targets.json: what lists it is not there"}},
		"not all that timestamp.json leads to", "- timestamp-1 snapshot-1", NULL},
	{{{TS, "timestamp-1"}, {S, "snapshot-1"},
		 {T, "targets-1-other", "targets.json: " SIGNED_BY "0"}},
		"not all that timestamp.json leads to", "- timestamp-1 targets-1 target-1", NULL},
	{{{TS, "timestamp-1"}, {S, "snapshot-1"}, {T, "targets-1"},
		 {F, "target-2", "trusted_root.json: it has "}},
		"not all that timestamp.json leads to", "- timestamp-1 target-1", NULL},
	/* Of the version that is listed, and of other bytes. */
	{{{TS, "timestamp-1"}, {S, "snapshot-1-plain"}, {T, "targets-1"}, {F, "target-1"}},
		"not all that timestamp.json leads to", "- timestamp-1 snapshot-1", NULL},
	/* The root is as old as any other file. */
	{{{R, "root-2-expired"}, {TS, "timestamp-1"}, {S, "snapshot-1"}, {T, "targets-1"},
		 {F, "target-1"}},
		"2.root.json: it has expired at 2026-01-01T00:00:00Z", "-",
		"2.root.json: it has expired at 2026-01-01T00:00:00Z"},
	/* Of another age of the repository. */
	{{{R, "root-2-recover"}, {TS, "timestamp-far", "timestamp.json: " SIGNED_BY "0"}},
		"there is no timestamp.json", "- timestamp-1-recover snapshot-1-recover", NULL},
};

static void restore(struct verify_tuf *t, int row)
{
	struct err err = {0};
	size_t i;

	for (i = 0; i < ARRAY_LEN(restores[row].kept) && restores[row].kept[i].name; i++) {
		const char *why = restores[row].kept[i].why;
		auto_free char *text = tuf_made(restores[row].kept[i].name);
		int rc =
			verify_tuf_restore(t, restores[row].kept[i].file, text, strlen(text), &err);

		ck_assert_msg(
			!rc == !why, "row %d: %s: %s", row, restores[row].kept[i].name, err.msg);
		ck_assert_msg(!why || strstr(err.msg, why), "row %d: %s", row, err.msg);
		err_clear(&err);
	}
}

START_TEST(test_restores)
{
	struct verify_tuf *t = tuf_new("root-1");
	auto_free char *steps = mem_strdup(restores[_i].then);
	char *rest = steps, *step;
	struct err err = {0};
	int rc;

	restore(t, _i);
	rc = verify_tuf_check(t, TUF_NOW_MS, &err);
	ck_assert_msg(!rc == !restores[_i].check, "row %d: %s", _i, err.msg);
	ck_assert_msg(!rc || strstr(err.msg, restores[_i].check), "row %d: %s", _i, err.msg);
	verify_tuf_begin(t, TUF_NOW_MS);
	err_clear(&err);
	rc = 0;
	while ((step = strsep(&rest, " "))) {
		rc = step_do(t, step, &err);
		ck_assert_msg(!rc || !rest, "row %d: '%s': %s", _i, step, err.msg);
	}
	ck_assert_msg(!rc == !restores[_i].end, "row %d: %s", _i, err.msg);
	ck_assert_msg(!rc || strstr(err.msg, restores[_i].end), "row %d: %s", _i, err.msg);
	verify_tuf_free(t);
}
END_TEST

/* ---- Sigstore's own -------------------------------------------------------------------------- */

#define REAL_NOW_MS 1787400000000LL /* 2026-08-22T12:00:00Z: its timestamp.json lives for a week */

static void real_give(struct verify_tuf *t, const char *name)
{
	auto_free char *text = vector_text("tuf/real/", name, ".json");
	struct err err = {0};

	ck_assert_msg(!verify_tuf_give(t, text, strlen(text), &err), "%s", err.msg);
}

START_TEST(test_real)
{
	auto_free char *first = vector_text("tuf/real/", "5.root", ".json"), *root = NULL;
	struct verify_root *parsed = NULL;
	struct verify_tuf_want want;
	struct err err = {0};
	struct verify_tuf *t;
	int i;

	t = verify_tuf_new(first, strlen(first), "trusted_root.json", &err);
	ck_assert_msg(t != NULL, "%s", err.msg);
	verify_tuf_begin(t, REAL_NOW_MS);
	for (i = 6; i <= 15; i++) {
		auto_free char *name = mem_printf("%d.root", i);

		real_give(t, name);
	}
	ck_assert_msg(!verify_tuf_lacks(t, &err), "%s", err.msg);
	real_give(t, "timestamp");
	ck_assert(verify_tuf_wants(t, &want));
	ck_assert_str_eq(want.path, "165.snapshot.json");
	real_give(t, "snapshot");
	ck_assert(verify_tuf_wants(t, &want));
	ck_assert_str_eq(want.path, "14.targets.json");
	real_give(t, "targets");
	ck_assert(verify_tuf_wants(t, &want));
	ck_assert_str_eq(want.path,
		"targets/6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66."
		"trusted_root.json");
	real_give(t, "trusted_root");
	ck_assert(!verify_tuf_wants(t, &want));
	root = vector_text("tuf/real/", "trusted_root", ".json");
	ck_assert_str_eq(verify_tuf_target(t)->p, root);
	ck_assert_msg(!verify_root_parse(&parsed, root, strlen(root), &err), "%s", err.msg);
	ck_assert_uint_eq(parsed->tlogs.len, 2);
	ck_assert_uint_eq(parsed->ctlogs.len, 2);
	ck_assert_uint_eq(parsed->authorities.len, 2);
	ck_assert_uint_eq(parsed->timestamps.len, 1);
	verify_root_unref(parsed);
	/* A week later nobody has to believe it. */
	ck_assert(verify_tuf_check(t, REAL_NOW_MS + 7 * 86400000LL, &err));
	ck_assert_str_eq(err.msg, "timestamp.json: it has expired at 2026-08-28T19:25:56Z");
	verify_tuf_free(t);
}
END_TEST

Suite *suite_tuf(void)
{
	Suite *s = suite_create("tuf");
	TCase *tc = tcase_create("tuf");

	tcase_add_loop_test(tc, test_rows, 0, ARRAY_LEN(rows));
	tcase_add_loop_test(tc, test_paths, 0, 2);
	tcase_add_test(tc, test_too_long);
	tcase_add_loop_test(tc, test_first, 0, ARRAY_LEN(firsts));
	tcase_add_loop_test(tc, test_restores, 0, ARRAY_LEN(restores));
	tcase_add_test(tc, test_many_roots);
	tcase_add_test(tc, test_canonical);
	tcase_add_test(tc, test_real);
	suite_add_tcase(s, tc);
	return s;
}
