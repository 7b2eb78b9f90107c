/*
 * ocictl: makes and promotes Flux artifacts. Flags and wiring only; the work is in lib/oci
 * (artifact.h, push.h). Exit status: 0 done, 1 it failed, 2 the command line is wrong. stdout has
 * the result, stderr everything else.
 */
#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/vec.h"
#include "cmd/ocictl/spool.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "http/client.h"
#include "oci/build.h"
#include "oci/identity.h"
#include "oci/push.h"
#include "oci/ref.h"
#include "oci/registry.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

static const char usage[] =
	"Makes and promotes Flux artifacts.\n"
	"\n"
	"  ocictl push oci://HOST/REPOSITORY:TAG --path=DIR|FILE|- --source=URL --revision=TEXT\n"
	"  ocictl tag oci://HOST/REPOSITORY:TAG --tag=NEW [--tag=NEW ...]\n"
	"\n"
	"push:\n"
	"  -f, --path=DIR|FILE|-        what becomes the artifact's layer; -: stdin, as the file\n"
	"                               stdin.yaml\n"
	"      --source=URL             where it comes from, e.g. the Git repository\n"
	"      --revision=TEXT          its revision there, e.g. main@sha1:0123abc...\n"
	"  -a, --annotations=KEY=VALUE  another annotation; may be given several times\n"
	"      --created=TIME           RFC 3339; default 1970-01-01T00:00:00Z, so that equal\n"
	"                               input gives an equal digest\n"
	"      --reproducible           accepted; it always is\n"
	"      --ignore-paths=A,B       what is left out, in the syntax of .gitignore; default:\n"
	"                               .git/ .gitignore .gitmodules .gitattributes *.jpg *.jpeg\n"
	"                               *.gif *.png *.wmv *.flv *.tar.gz *.zip\n"
	"\n"
	"tag:\n"
	"      --tag=NEW                a tag for the same manifest; may be given several times\n"
	"\n"
	"both:\n"
	"      --creds=USER:PASSWORD    default: ~/.docker/config.json\n"
	"      --insecure               plain http is allowed, certificates are not verified\n"
	"      --timeout=DURATION       of each request (default 5m; at most 2m of a question)\n"
	"      --version, --help\n";

struct args {
	struct oci_ref ref;
	const char *path, *source, *revision, *created, *creds;
	struct buf ignore;
	bool has_ignore, insecure;
	VEC(const char *) annotations, tags;
	uint64_t timeout_ms;
};

struct run {
	struct loop *loop;
	struct http_client *http;
	struct oci_client *oci;
	struct oci_identity *identity;
	bool tty;
	int percent;
};

static int ocictl_failed(const struct err *err)
{
	fprintf(stderr, "ocictl: %s\n", err->msg);
	return EXIT_FAILED;
}

static int ocictl_misused(const char *text)
{
	fprintf(stderr, "ocictl: %s; see ocictl --help\n", text);
	return EXIT_USAGE;
}

/* ---- waiting --------------------------------------------------------------------------------- */

static void ocictl_run_ended(struct op *op, void *arg)
{
	(void)op;
	loop_stop(arg);
}

static void progress_show(void *arg, uint64_t done, uint64_t total)
{
	struct run *r = arg;
	int percent = total ? (int)(done * 100 / total) : 100;

	if (!r->tty || percent == r->percent)
		return;
	r->percent = percent;
	fprintf(stderr, "\rpushing %.1f of %.1f MiB, %d %%", (double)done / LIMIT_MIB,
		(double)total / LIMIT_MIB, percent);
}

/* The end of the progress line: it was for the eyes only. */
static void progress_end(struct run *r)
{
	if (r->tty && r->percent >= 0)
		fprintf(stderr, "\r\033[K");
}

static int ocictl_run_init(struct run *r, const struct args *a, struct err *err)
{
	const char *colon;

	*r = (struct run){.tty = isatty(2), .percent = -1};
	r->loop = loop_new();
	r->http = http_client_new(
		r->loop, &(struct http_client_opts){.user_agent = "ocictl/" VERSION});
	r->oci = oci_client_new(r->loop, r->http);
	oci_client_once(r->oci);
	r->identity = oci_identity_new();
	if (!a->creds)
		return oci_identity_load_docker(r->identity, &a->ref.repo, err);
	colon = strchr(a->creds, ':');
	if (colon) {
		auto_free char *user = mem_strndup(a->creds, (size_t)(colon - a->creds));

		oci_identity_add_basic(r->identity, a->ref.repo.host, user, colon + 1);
	}
	return 0;
}

static void ocictl_run_clear(struct run *r)
{
	oci_identity_unref(r->identity);
	oci_client_stop(r->oci);
	while (loop_turn(r->loop, false))
		;
	oci_client_free(r->oci);
	http_client_free(r->http);
	while (loop_turn(r->loop, false))
		;
	loop_free(r->loop);
}

/* Waits, prints one line a tag: "ghcr.io/org/app:1.0.0@sha256:...". */
static int run_finish(struct run *r, struct op *op, const char *const *tags, const struct args *a)
{
	char text[OCI_REF_TEXT_MAX];
	int rc = 0;

	op_then(op, ocictl_run_ended, r->loop);
	loop_run(r->loop);
	progress_end(r);
	if (op->err.kind != ERR_NONE)
		rc = ocictl_failed(&op->err);
	else
		for (; *tags; tags++)
			printf("%s\n",
				oci_ref_format(&a->ref.repo, *tags, oci_push_digest(op), text));
	op_free(op);
	if (!rc && fflush(stdout)) {
		perror("ocictl: stdout");
		rc = EXIT_FAILED;
	}
	return rc;
}

/* ---- commands -------------------------------------------------------------------------------- */

static int command_push(struct args *a)
{
	const char *const tags[] = {a->ref.tag, NULL};
	struct oci_build_in in = {
		.path = a->path,
		.ignore = a->has_ignore ? buf_str(&a->ignore) : NULL,
		.created = a->created,
		.source = a->source,
		.revision = a->revision,
		.annotations = a->annotations.p,
	};
	struct spool spool = {0};
	struct oci_build made;
	struct err err = {0};
	struct run r;
	int rc;

	if (!a->path || !a->source || !a->revision)
		return ocictl_misused("push needs --path, --source and --revision");
	if (a->tags.len)
		return ocictl_misused(
			"--tag belongs to ocictl tag; push takes its tag from the URL");
	if (!strcmp(a->path, "-")) {
		if (spool_stdin(&spool, &err))
			return ocictl_failed(&err);
		in.path = spool.path;
	}
	rc = oci_build_run(&made, &in, &err);
	spool_remove(&spool);
	if (rc)
		return ocictl_failed(&err);
	if (made.skipped)
		fprintf(stderr,
			"ocictl: left out %llu links or special files, which an artifact does not "
			"hold\n",
			(unsigned long long)made.skipped);
	if (ocictl_run_init(&r, a, &err))
		rc = ocictl_failed(&err);
	else
		rc = run_finish(&r,
			oci_push_start(r.oci,
				&(struct oci_push_req){
					.target = {&a->ref.repo, r.identity, a->timeout_ms},
					.blobs = made.blobs,
					.blob_count = ARRAY_LEN(made.blobs),
					.manifest = buf_str(&made.manifest),
					.manifest_len = made.manifest.len,
					.media_type = OCI_TYPE_MANIFEST,
					.tags = tags,
					.progress = progress_show,
					.arg = &r,
				}),
			tags, a);
	ocictl_run_clear(&r);
	oci_build_clear(&made);
	return rc;
}

static int command_tag(struct args *a)
{
	char from[DIGEST_TEXT_MAX + OCI_TAG_MAX];
	struct err err = {0};
	struct run r;
	int rc;

	if (!a->tags.len)
		return ocictl_misused("tag needs --tag");
	if (a->path || a->source || a->revision || a->created || a->annotations.len)
		return ocictl_misused("this flag belongs to ocictl push");
	*vec_add(&a->tags) = NULL;
	snprintf(from, sizeof(from), "%s", a->ref.tag);
	if (a->ref.digest.algo != DIGEST_NONE)
		digest_format(&a->ref.digest, from);
	if (ocictl_run_init(&r, a, &err))
		rc = ocictl_failed(&err);
	else
		rc = run_finish(&r,
			oci_retag_start(r.oci,
				&(struct oci_retag_req){
					.target = {&a->ref.repo, r.identity, a->timeout_ms},
					.from = from,
					.tags = a->tags.p,
				}),
			a->tags.p, a);
	ocictl_run_clear(&r);
	return rc;
}

/* ---- the command line ------------------------------------------------------------------------ */

enum {
	OPT_SOURCE = 256,
	OPT_REVISION,
	OPT_CREATED,
	OPT_REPRODUCIBLE,
	OPT_IGNORE,
	OPT_TAG,
	OPT_CREDS,
	OPT_INSECURE,
	OPT_TIMEOUT,
	OPT_VERSION
};

static const struct option options[] = {
	{"path", required_argument, NULL, 'f'},
	{"source", required_argument, NULL, OPT_SOURCE},
	{"revision", required_argument, NULL, OPT_REVISION},
	{"annotations", required_argument, NULL, 'a'},
	{"created", required_argument, NULL, OPT_CREATED},
	{"reproducible", no_argument, NULL, OPT_REPRODUCIBLE},
	{"ignore-paths", required_argument, NULL, OPT_IGNORE},
	{"tag", required_argument, NULL, OPT_TAG},
	{"creds", required_argument, NULL, OPT_CREDS},
	{"insecure", no_argument, NULL, OPT_INSECURE},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* "a,b" becomes two lines. */
static void args_add_ignore(struct args *a, const char *list)
{
	for (; *list; list++)
		buf_addc(&a->ignore, *list == ',' ? '\n' : *list);
	buf_addc(&a->ignore, '\n');
	a->has_ignore = true;
}

/* 0: go on; else the exit status + 1. */
static int args_option(struct args *a, int c)
{
	struct err err = {0};
	int64_t ms;

	switch (c) {
	case 'f':
		a->path = optarg;
		return 0;
	case OPT_SOURCE:
		a->source = optarg;
		return 0;
	case OPT_REVISION:
		a->revision = optarg;
		return 0;
	case 'a':
		*vec_add(&a->annotations) = optarg;
		return 0;
	case OPT_CREATED:
		a->created = optarg;
		return 0;
	case OPT_REPRODUCIBLE:
		return 0;
	case OPT_IGNORE:
		args_add_ignore(a, optarg);
		return 0;
	case OPT_TAG:
		*vec_add(&a->tags) = optarg;
		return 0;
	case OPT_CREDS:
		a->creds = optarg;
		return strchr(optarg, ':')
			? 0
			: ocictl_misused("--creds has the form USER:PASSWORD") + 1;
	case OPT_INSECURE:
		a->insecure = true;
		return 0;
	case OPT_TIMEOUT:
		if (time_parse_duration(optarg, &ms, &err) || ms <= 0)
			return ocictl_misused("--timeout is no duration such as 30s or 5m") + 1;
		a->timeout_ms = (uint64_t)ms;
		return 0;
	case OPT_VERSION:
		puts("ocictl " VERSION);
		return 1;
	case 'h':
		fputs(usage, stdout);
		return 1;
	default:
		return ocictl_misused("wrong flag") + 1; /* getopt has named it */
	}
}

static int args_command(struct args *a, int argc, char **argv)
{
	int (*fn)(struct args *) = NULL;
	struct err err = {0};
	int c, rc;

	while ((c = getopt_long(argc, argv, "f:a:h", options, NULL)) != -1) {
		rc = args_option(a, c);
		if (rc)
			return rc - 1;
	}
	if (optind < argc && !strcmp(argv[optind], "push"))
		fn = command_push;
	else if (optind < argc && !strcmp(argv[optind], "tag"))
		fn = command_tag;
	if (!fn)
		return ocictl_misused(optind < argc ? "unknown command" : "no command");
	if (argc - optind != 2)
		return ocictl_misused("it takes one URL");
	if (oci_ref_parse(&a->ref, argv[optind + 1], a->insecure, &err))
		return ocictl_failed(&err);
	if (!a->ref.tag[0] && a->ref.digest.algo == DIGEST_NONE)
		return ocictl_misused("the URL needs a tag");
	if (fn == command_push && a->ref.digest.algo != DIGEST_NONE)
		return ocictl_misused("a push cannot choose its digest");
	if (a->annotations.len)
		*vec_add(&a->annotations) = NULL;
	return fn(a);
}

int main(int argc, char **argv)
{
	struct args a = {.ignore = BUF_INIT(LIMIT_IGNORE_FILE), .timeout_ms = 5 * 60 * 1000};
	int rc;

	mem_setup();
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	rc = args_command(&a, argc, argv);
	buf_clear(&a.ignore);
	vec_clear(&a.annotations);
	vec_clear(&a.tags);
	return rc;
}
