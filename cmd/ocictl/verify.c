/* ocictl verify: looks for signatures as an OCIRepository's spec.verify does, with the same code,
   and shows each check of each of them. */
#include "base/buf.h"
#include "base/vec.h"
#include "cmd/ocictl/args.h"
#include "cmd/ocictl/commands.h"
#include "cmd/ocictl/run.h"
#include "cmd/ocictl/show.h"
#include "cmd/ocictl/trusted.h"
#include "ev/op.h"
#include "oci/resolve.h"
#include "source/notary.h"
#include "verify/checks.h"

#include <stdio.h>

struct verify {
	const struct args *args;
	struct trusted trusted;
	struct run run;
	struct digest digest;
	struct buf out; /* the object, with --output=json */
	struct js_w w;
	struct buf signer; /* of the good one */
	bool good, ignored;
};

/* ---- what was found -------------------------------------------------------------------------- */

static const char *const outcomes[] = {[VERIFY_FAILED] = "failed",
	[VERIFY_PASSED] = "passed",
	[VERIFY_LOGGED] = "logged",
	[VERIFY_NOT_ASKED] = "-"};

static void seen_json(struct js_w *w, const struct signature_seen *s)
{
	const struct verify_reported *row;
	char text[DIGEST_TEXT_MAX];

	js_begin(w, '{');
	js_kstr(w, "layout", s->layout);
	js_kstr(w, "digest", digest_format(s->digest, text));
	js_key(w, "good");
	js_bool(w, s->verdict == VERDICT_GOOD);
	if (*s->signer)
		js_kstr(w, "signer", s->signer);
	if (*s->why)
		js_kstr(w, "error", s->why);
	js_key(w, "checks");
	js_begin(w, '[');
	vec_each (&s->report->rows, row) {
		js_begin(w, '{');
		js_kstr(w, "name", row->name);
		js_kstr(w, "result", outcomes[row->outcome]);
		if (row->why)
			js_kstr(w, "error", row->why);
		js_end(w, '}');
	}
	js_end(w, ']');
	js_end(w, '}');
}

static void seen_text(const struct signature_seen *s)
{
	const struct verify_reported *row;
	char text[DIGEST_TEXT_MAX];

	printf("%s %s\n", s->layout, digest_format(s->digest, text));
	vec_each (&s->report->rows, row)
		printf("  %-22s  %s%s%s\n", row->name, outcomes[row->outcome], row->why ? ": " : "",
			row->why ? row->why : "");
	if (!s->report->rows.len)
		printf("  no signature: %s\n", s->why);
}

static void on_seen(void *arg, const struct signature_seen *s)
{
	struct verify *v = arg;

	if (s->verdict == VERDICT_GOOD)
		buf_adds(&v->signer, s->signer);
	if (v->args->json)
		seen_json(&v->w, s);
	else
		seen_text(s);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static int digest_ask(struct verify *v, struct err *err)
{
	const struct args *a = v->args;
	char digest[DIGEST_TEXT_MAX] = "";
	struct op *op;
	int rc;

	if (a->ref.digest.algo != DIGEST_NONE)
		digest_format(&a->ref.digest, digest);
	op = oci_resolve_start(v->run.oci,
		&(struct oci_resolve_req){.target = ocictl_run_target(&v->run, a),
			.digest = digest,
			.tag = a->ref.tag});
	rc = ocictl_run_wait(&v->run, op, err);
	if (!rc)
		v->digest = oci_resolve_result(op)->digest;
	op_free(op);
	return rc;
}

static int signatures_ask(struct verify *v, struct err *err)
{
	struct signature_req req = {.oci = v->run.oci,
		.target = ocictl_run_target(&v->run, v->args),
		.manifest = &v->digest,
		.keys = v->trusted.keys,
		.root = v->trusted.root,
		.who = &v->trusted.who,
		.trust = v->trusted.notary,
		.owner = "ocictl",
		.seen = on_seen,
		.arg = v};
	struct op *op = req.trust ? notary_start(&req) : signature_start(&req);
	int rc = ocictl_run_wait(&v->run, op, err);

	v->ignored = !rc && req.trust && notary_result(op).verdict != VERDICT_GOOD;
	v->good = !rc && !v->ignored;
	op_free(op);
	return rc;
}

/* ---- what comes of it ------------------------------------------------------------------------ */

static void json_end(struct verify *v, const struct err *err)
{
	js_end(&v->w, ']');
	js_key(&v->w, "verified");
	js_bool(&v->w, v->good);
	if (v->good)
		js_kstr(&v->w, "signer", buf_str(&v->signer));
	if (err->kind != ERR_NONE)
		js_kstr(&v->w, "error", err->msg);
	ocictl_show_end(&v->w);
}

static void text_end(const struct verify *v)
{
	char ref[OCI_REF_TEXT_MAX];

	oci_ref_format(&v->args->ref.repo, v->args->ref.tag, &v->digest, ref);
	if (v->good)
		printf("%s: verified, signed by %s\n", ref, buf_str(&v->signer));
	else
		printf("%s: not verified\n", ref);
}

static int verify_run(struct verify *v, struct err *err)
{
	int rc;

	if (trusted_read(&v->trusted, v->args, err) || digest_ask(v, err))
		return -1;
	if (v->args->json) {
		ocictl_show_begin(&v->w, v->args, v->args->ref.tag, &v->digest);
		js_key(&v->w, "signatures");
		js_begin(&v->w, '[');
	}
	rc = signatures_ask(v, err);
	if (v->ignored)
		rc = err_set(err, ERR_RETRY,
			"the trust policy lets it pass, and nobody knows who has signed it");
	if (v->args->json)
		json_end(v, err);
	else
		text_end(v);
	return rc;
}

int command_verify(struct args *a)
{
	const char *misused = trusted_misused(a);
	struct verify v = {.args = a, .out = BUF_INIT(BUF_ANY), .signer = BUF_INIT(BUF_ANY)};
	struct err err = {0};
	int rc;

	if (misused)
		return ocictl_misused(misused);
	v.w = JS_W(&v.out);
	rc = ocictl_run_init(&v.run, a, &err) || verify_run(&v, &err);
	ocictl_run_clear(&v.run);
	trusted_clear(&v.trusted);
	buf_clear(&v.out);
	buf_clear(&v.signer);
	return ocictl_flush(rc ? ocictl_failed(&err) : 0);
}
