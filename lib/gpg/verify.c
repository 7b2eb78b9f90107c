#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/proc.h"
#include "gpg/armor.h"
#include "gpg/gpg.h"
#include "gpg/status.h"

#include <stdio.h>
#include <string.h>

#define STATUS_MAX (64 * 1024)
#define STDERR_MAX 2048
#define ID 16 /* hex digits of a key's id */

struct verify {
	struct op op;
	struct op *proc;
	struct gpg_verify_result result;
};

static struct verify *verify_of(const struct op *op)
{
	return CONTAINER_OF(op, struct verify, op);
}

/* ---- what gpgv says -------------------------------------------------------------------------- */

/* Of a fingerprint: that of a key of version 4 ends with it, that of a later one begins with it
   (RFC 9580 section 5.5.4). */
static bool key_id_of(const char *fpr, size_t n, char id[GPG_KEY_ID_MAX])
{
	size_t i;

	if (n != ID && n != 40 && n != 64)
		return false;
	for (i = 0; i < n; i++)
		if (!strchr("0123456789ABCDEF", fpr[i]))
			return false;
	memcpy(id, n == 40 ? fpr + n - ID : fpr, ID);
	id[ID] = '\0';
	return true;
}

/* Which signatures do not count any more, whoever made them: MD5, SHA-1, RIPE-MD/160. */
static bool hash_is_weak(const char *algo, size_t n)
{
	return n == 1 && *algo >= '1' && *algo <= '3';
}

/* VALIDSIG fpr date time expires version reserved algo hash class primary-fpr */
static void valid_read(struct verify *v, const struct gpg_status *s)
{
	size_t hash_len, class_len, fpr_len;
	const char *hash = gpg_status_arg(s, 7, &hash_len);
	const char *class = gpg_status_arg(s, 8, &class_len);
	const char *fpr = gpg_status_arg(s, 9, &fpr_len);

	if (hash_is_weak(hash, hash_len))
		snprintf(v->result.why, GPG_WHY_MAX, "it was made with a hash that is not taken");
	else if (class_len != 2 || (memcmp(class, "00", 2) != 0 && memcmp(class, "01", 2) != 0))
		snprintf(v->result.why, GPG_WHY_MAX, "it is a signature of another kind of thing");
	else if (!key_id_of(fpr, fpr_len, v->result.key_id))
		snprintf(v->result.why, GPG_WHY_MAX, "its key has no id that is known here");
}

static const struct {
	const char *word, *before, *after; /* the key's id */
} BAD[] = {
	{"BADSIG", "it is not a signature of this content by the key ", ""},
	{"EXPSIG", "the signature has expired; it is by the key ", ""},
	{"EXPKEYSIG", "its key ", " has expired"},
	{"REVKEYSIG", "its key ", " was revoked"},
	{"NO_PUBKEY", "it is by the key ", ", which is none of the given ones"},
	{"ERRSIG", "it cannot be checked: it is by the key ", ", of a kind that is not taken"},
};

/* The first that is there in this order: an ERRSIG may have a NO_PUBKEY behind it. */
static bool bad_read(struct verify *v, const struct buf *text)
{
	char id[GPG_KEY_ID_MAX];
	struct gpg_status s;
	const char *arg;
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(BAD); i++) {
		gpg_status_init(&s, text);
		while (gpg_status_next(&s)) {
			if (!gpg_status_is(&s, BAD[i].word))
				continue;
			arg = gpg_status_arg(&s, 0, &n);
			if (!key_id_of(arg, n, id))
				snprintf(id, sizeof(id), "unknown");
			snprintf(v->result.why, GPG_WHY_MAX, "%s'%s'%s", BAD[i].before, id,
				BAD[i].after);
			return true;
		}
	}
	return false;
}

/* Good is what says so in each way that it could: any word more or less, and it is not. */
static void answer_read(struct verify *v, const struct proc_result *r)
{
	unsigned news = 0, goods = 0, valids = 0;
	struct gpg_status s;

	if (bad_read(v, &r->out))
		return;
	gpg_status_init(&s, &r->out);
	while (gpg_status_next(&s)) {
		news += gpg_status_is(&s, "NEWSIG");
		goods += gpg_status_is(&s, "GOODSIG");
		if (gpg_status_is(&s, "VALIDSIG") && !valids++)
			valid_read(v, &s);
	}
	v->result.good = !*v->result.why && news == 1 && goods == 1 && valids == 1 && !r->status &&
		*v->result.key_id;
	if (!v->result.good && !*v->result.why)
		snprintf(
			v->result.why, GPG_WHY_MAX, "it is broken, or of a kind that is not taken");
}

static void verify_ran(struct op *proc, void *arg)
{
	struct verify *v = arg;
	const struct proc_result *r = proc_result(proc);
	auto_buf struct buf said = BUF_INIT(512);

	if (proc->err.kind != ERR_NONE) {
		v->op.err = proc->err;
		if (v->op.err.kind != ERR_CANCELED)
			v->op.err.code = GPG_NOT_RUN;
	} else if (!r->out.len) {
		gpg_stderr_add(&said, "gpgv", &r->err);
		err_code(&v->op.err, ERR_RETRY, GPG_NOT_RUN, "gpgv broke: %s", buf_str(&said));
	} else {
		answer_read(v, r);
	}
	if (!v->result.good)
		*v->result.key_id = '\0';
	op_free(MOVE(v->proc));
	op_finish(&v->op);
}

/* ---- the start ------------------------------------------------------------------------------- */

static void verify_cancel(struct op *op)
{
	op_cancel(verify_of(op)->proc);
}

static void verify_free(struct op *op)
{
	free(verify_of(op));
}

static int keyring_add(struct buf *ring, const struct gpg_key_text *key, struct err *err)
{
	size_t before = ring->len;
	struct gpg_packets count;

	if (key->len > LIMIT_GPG_KEYS)
		err_set(err, ERR_RETRY, "it has %zu bytes, more than %llu", key->len,
			LIMIT_GPG_KEYS);
	else if (!gpg_dearmor(ring, key->p, key->len, GPG_PUBLIC_KEYS, err) &&
		!gpg_packets_count(ring->p + before, ring->len - before, &count, err)) {
		if (count.first == GPG_PACKET_PUBLIC && !count.secrets && !count.secret_subkeys)
			return 0;
		err_set(err, ERR_RETRY,
			"it does not begin with a public key, or holds a secret one");
	}
	err->code = GPG_BAD_KEY;
	return err_wrap(err, "the key '%.100s'", key->name);
}

/* Text of a signature, the only one; NULL for any other. */
static const char *signature_refused(struct buf *sig, const char *text, size_t len)
{
	struct gpg_packets count;
	struct err err = {0};

	if (len > LIMIT_GPG_SIGNATURE || gpg_dearmor(sig, text, len, GPG_SIGNATURE, &err) ||
		gpg_packets_count(sig->p, sig->len, &count, &err) || !count.sigs)
		return "it is no OpenPGP signature, or it is broken";
	return count.n == 1 ? NULL : "it holds more than one packet";
}

static int verify_run(struct verify *v, struct loop *l, const struct gpg_verify_req *req,
	const struct buf *ring, const struct buf *sig, struct err *err)
{
	static const char *const argv[] = {"gpgv", "--homedir", "/nonexistent", "--status-fd", "1",
		"--keyring", "/proc/self/fd/3", "--", "/proc/self/fd/4", "-", NULL};
	auto_fd int ring_fd = sys_memory_file(ring->p, ring->len, err);
	auto_fd int sig_fd = ring_fd < 0 ? -1 : sys_memory_file(sig->p, sig->len, err);
	const int fds[] = {ring_fd, sig_fd};

	if (sig_fd < 0)
		return -1;
	v->proc = proc_start(l,
		&(struct proc_req){.argv = argv,
			.fds = fds,
			.n_fds = 2,
			.input = req->data,
			.input_len = req->data_len,
			.out_max = STATUS_MAX,
			.err_max = STDERR_MAX,
			.deadline_ms = req->deadline_ms ? req->deadline_ms : LIMIT_GPG_MS});
	op_then(v->proc, verify_ran, v);
	return 0;
}

struct op *gpg_verify_start(struct loop *l, const struct gpg_verify_req *req)
{
	static const struct op_type type = {"gpg-verify", verify_cancel, verify_free};
	auto_buf struct buf ring = BUF_INIT(LIMIT_GPG_KEYS), sig = BUF_INIT(LIMIT_GPG_SIGNATURE);
	struct verify *v = NEW(struct verify);
	struct err err = {0};
	const char *refused;
	size_t i;
	int rc = 0;

	op_init(&v->op, l, &type);
	for (i = 0; i < req->n_keys && !rc; i++)
		rc = keyring_add(&ring, &req->keys[i], &err);
	refused = signature_refused(&sig, req->signature, req->signature_len);
	if (!rc && (refused || !ring.len)) {
		snprintf(v->result.why, GPG_WHY_MAX, "%s",
			refused ? refused : "there is no key to check it with");
		op_finish(&v->op);
	} else if (rc || verify_run(v, l, req, &ring, &sig, &err)) {
		op_end(&v->op, &err);
	}
	return &v->op;
}

const struct gpg_verify_result *gpg_verify_result(const struct op *op)
{
	return &verify_of(op)->result;
}

bool gpg_signature_is(const char *text, size_t len)
{
	static const char begin[] = "-----BEGIN PGP SIGNATURE-----";

	for (; len && (*text == ' ' || *text == '\t' || *text == '\r' || *text == '\n'); text++)
		len--;
	return len >= sizeof(begin) - 1 && !memcmp(text, begin, sizeof(begin) - 1);
}
