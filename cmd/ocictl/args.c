#include "cmd/ocictl/args.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "image/choose.h"
#include "image/name.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"Makes, promotes and looks at Flux artifacts.\n"
	"\n"
	"  ocictl push oci://HOST/REPOSITORY:TAG --path=DIR|FILE|- --source=URL --revision=TEXT\n"
	"  ocictl tag oci://HOST/REPOSITORY:TAG --tag=NEW [--tag=NEW ...]\n"
	"  ocictl resolve oci://HOST/REPOSITORY --semver=RANGE [--semver-filter=REGEX]\n"
	"  ocictl resolve oci://HOST/REPOSITORY:TAG\n"
	"  ocictl pull oci://HOST/REPOSITORY:TAG|@DIGEST --output=DIR|-\n"
	"  ocictl list oci://HOST/REPOSITORY [--semver=RANGE] [--semver-filter=REGEX]\n"
	"  ocictl diff oci://HOST/REPOSITORY:TAG|@DIGEST --path=DIR|FILE|-\n"
	"  ocictl verify oci://HOST/REPOSITORY:TAG|@DIGEST --key=FILE | --trusted-root=FILE ... |\n"
	"                               --trust-policy=FILE --certificate=FILE\n"
	"  ocictl policy HOST/REPOSITORY "
	"--semver=RANGE|--alphabetical=asc|desc|--numerical=asc|desc\n"
	"  ocictl policy -f FILE [HOST/REPOSITORY]\n"
	"\n"
	"push and diff:\n"
	"  -f, --path=DIR|FILE|-        what becomes the artifact's layer; -: stdin, as the file\n"
	"                               stdin.yaml\n"
	"      --ignore-paths=A,B       what is left out, in the syntax of .gitignore; default:\n"
	"                               .git/ .gitignore .gitmodules .gitattributes *.jpg *.jpeg\n"
	"                               *.gif *.png *.wmv *.flv *.tar.gz *.zip\n"
	"\n"
	"push:\n"
	"      --source=URL             where it comes from, e.g. the Git repository\n"
	"      --revision=TEXT          its revision there, e.g. v1.2@sha1:0123abc...\n"
	"  -a, --annotations=KEY=VALUE  another annotation; may be given several times\n"
	"      --created=TIME           RFC 3339; default 1970-01-01T00:00:00Z, so that equal\n"
	"                               input gives an equal digest\n"
	"      --reproducible           accepted; it always is\n"
	"      --allow-empty            also when no file is left to push\n"
	"\n"
	"tag:\n"
	"      --tag=NEW                a tag for the same manifest; may be given several times\n"
	"\n"
	"resolve: prints what an OCIRepository would choose, and on stderr what became of each "
	"tag\n"
	"list: prints tag, digest, created, revision and source of each tag\n"
	"      --semver=RANGE           as spec.ref.semver\n"
	"      --semver-filter=REGEX    as spec.ref.semverFilter\n"
	"\n"
	"pull:\n"
	"  -o, --output=DIR|-           where the files go, in place of those of the same name; -: "
	"the\n"
	"                               layer itself goes to stdout\n"
	"\n"
	"push, tag, resolve, list, verify and policy:\n"
	"      --output=json            an object a line: url, repository, tag and digest; list "
	"adds\n"
	"                               created, revision and source, verify what it has found;\n"
	"                               policy has no digest, but why, counts and runners\n"
	"\n"
	"diff: names what a push of --path would add (A), delete (D) and change (M); exit status "
	"0:\n"
	"nothing, 1: something, 2: it could not find out\n"
	"\n"
	"verify: prints each check of each signature; exit status 0: verified, 1: not\n"
	"      --key=FILE               cosign: a public key that may have signed; may be given\n"
	"                               several times; with --trusted-root a log of that has to\n"
	"                               know the signature, too\n"
	"      --trusted-root=FILE      cosign without keys: trusted_root.json, and with it\n"
	"      --certificate-identity=NAME, --certificate-identity-regexp=REGEX\n"
	"                               who may have signed, as his certificate names him\n"
	"      --certificate-oidc-issuer=URL, --certificate-oidc-issuer-regexp=REGEX\n"
	"                               and where he has to have logged in\n"
	"      --certificate-extension=NAME=VALUE\n"
	"                               what else it has to say, e.g. build-trigger=push; may be\n"
	"                               given several times\n"
	"      --trust-policy=FILE      notation: trustpolicy.json, and with it\n"
	"      --certificate=FILE       what a trust store holds; may be given several times\n"
	"\n"
	"policy: prints what an ImagePolicy would choose, and on stderr why; exit status 1: "
	"nothing\n"
	"      --semver=RANGE, --alphabetical=asc|desc, --numerical=asc|desc\n"
	"                               as spec.policy\n"
	"      --filter=REGEX           as spec.filterTags.pattern\n"
	"      --extract=TEMPLATE       as spec.filterTags.extract\n"
	"      --skip=REGEX             as the annotation oci-source-controller/skip\n"
	"      --pin=TAG                as the annotation oci-source-controller/pin\n"
	"      --exclude=REGEX          as spec.exclusionList of the ImageRepository; may be "
	"given\n"
	"                               several times; default: ^.*\\.sig$\n"
	"  -f, --path=FILE|-            all of these from an ImagePolicy, and from its\n"
	"                               ImageRepository if that stands there, too\n"
	"      --runners=N              also the best N, in order\n"
	"\n"
	"resolve, pull, list and diff:\n"
	"      --layer-type=TYPE        as spec.layerSelector.mediaType (default: the first "
	"layer)\n"
	"      --platform=OS/ARCH       of an index (default linux/amd64)\n"
	"\n"
	"all:\n"
	"      --creds=USER:PASSWORD    default: ~/.docker/config.json\n"
	"      --provider=NAME          aws, azure or gcp: log in there as the environment says\n"
	"      --insecure               plain http is allowed, certificates are not verified\n"
	"      --timeout=DURATION       of each request (default 5m; at most 2m of a question)\n"
	"      --version, --help\n";

enum {
	PUSH = 1 << COMMAND_PUSH,
	TAG = 1 << COMMAND_TAG,
	RESOLVE = 1 << COMMAND_RESOLVE,
	PULL = 1 << COMMAND_PULL,
	LIST = 1 << COMMAND_LIST,
	DIFF = 1 << COMMAND_DIFF,
	VERIFY = 1 << COMMAND_VERIFY,
	POLICY = 1 << COMMAND_POLICY,
};

enum {
	OPT_SOURCE = 256,
	OPT_REVISION,
	OPT_CREATED,
	OPT_REPRODUCIBLE,
	OPT_IGNORE,
	OPT_EMPTY,
	OPT_TAG,
	OPT_SEMVER,
	OPT_FILTER,
	OPT_LAYER_TYPE,
	OPT_PLATFORM,
	OPT_CREDS,
	OPT_PROVIDER,
	OPT_INSECURE,
	OPT_TIMEOUT,
	OPT_KEY,
	OPT_ROOT,
	OPT_IDENTITY,
	OPT_IDENTITY_REGEXP,
	OPT_ISSUER,
	OPT_ISSUER_REGEXP,
	OPT_EXTENSION,
	OPT_POLICY,
	OPT_CERTIFICATE,
	OPT_ALPHABETICAL,
	OPT_NUMERICAL,
	OPT_PATTERN,
	OPT_EXTRACT,
	OPT_SKIP,
	OPT_PIN,
	OPT_EXCLUDE,
	OPT_RUNNERS,
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
	{"allow-empty", no_argument, NULL, OPT_EMPTY},
	{"tag", required_argument, NULL, OPT_TAG},
	{"semver", required_argument, NULL, OPT_SEMVER},
	{"semver-filter", required_argument, NULL, OPT_FILTER},
	{"layer-type", required_argument, NULL, OPT_LAYER_TYPE},
	{"platform", required_argument, NULL, OPT_PLATFORM},
	{"output", required_argument, NULL, 'o'},
	{"creds", required_argument, NULL, OPT_CREDS},
	{"provider", required_argument, NULL, OPT_PROVIDER},
	{"insecure", no_argument, NULL, OPT_INSECURE},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"key", required_argument, NULL, OPT_KEY},
	{"trusted-root", required_argument, NULL, OPT_ROOT},
	{"certificate-identity", required_argument, NULL, OPT_IDENTITY},
	{"certificate-identity-regexp", required_argument, NULL, OPT_IDENTITY_REGEXP},
	{"certificate-oidc-issuer", required_argument, NULL, OPT_ISSUER},
	{"certificate-oidc-issuer-regexp", required_argument, NULL, OPT_ISSUER_REGEXP},
	{"certificate-extension", required_argument, NULL, OPT_EXTENSION},
	{"trust-policy", required_argument, NULL, OPT_POLICY},
	{"certificate", required_argument, NULL, OPT_CERTIFICATE},
	{"alphabetical", required_argument, NULL, OPT_ALPHABETICAL},
	{"numerical", required_argument, NULL, OPT_NUMERICAL},
	{"filter", required_argument, NULL, OPT_PATTERN},
	{"extract", required_argument, NULL, OPT_EXTRACT},
	{"skip", required_argument, NULL, OPT_SKIP},
	{"pin", required_argument, NULL, OPT_PIN},
	{"exclude", required_argument, NULL, OPT_EXCLUDE},
	{"runners", required_argument, NULL, OPT_RUNNERS},
	{"version", no_argument, NULL, OPT_VERSION},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

/* Whose flags they are; all others are everybody's. */
static const struct {
	int option;
	unsigned commands;
} owners[] = {
	{'f', PUSH | DIFF | POLICY},
	{OPT_SOURCE, PUSH},
	{OPT_REVISION, PUSH},
	{'a', PUSH},
	{OPT_CREATED, PUSH},
	{OPT_REPRODUCIBLE, PUSH},
	{OPT_EMPTY, PUSH},
	{OPT_IGNORE, PUSH | DIFF},
	{OPT_TAG, TAG},
	{OPT_SEMVER, RESOLVE | LIST | POLICY},
	{OPT_FILTER, RESOLVE | LIST},
	{OPT_LAYER_TYPE, RESOLVE | PULL | LIST | DIFF},
	{OPT_PLATFORM, PULL | LIST | DIFF},
	{'o', PULL | PUSH | TAG | RESOLVE | LIST | VERIFY | POLICY},
	{OPT_KEY, VERIFY},
	{OPT_ROOT, VERIFY},
	{OPT_IDENTITY, VERIFY},
	{OPT_IDENTITY_REGEXP, VERIFY},
	{OPT_ISSUER, VERIFY},
	{OPT_ISSUER_REGEXP, VERIFY},
	{OPT_EXTENSION, VERIFY},
	{OPT_POLICY, VERIFY},
	{OPT_CERTIFICATE, VERIFY},
	{OPT_ALPHABETICAL, POLICY},
	{OPT_NUMERICAL, POLICY},
	{OPT_PATTERN, POLICY},
	{OPT_EXTRACT, POLICY},
	{OPT_SKIP, POLICY},
	{OPT_PIN, POLICY},
	{OPT_EXCLUDE, POLICY},
	{OPT_RUNNERS, POLICY},
};

/* These add to what was given before. */
static bool option_repeats(int option)
{
	return option == 'a' || option == OPT_TAG || option == OPT_IGNORE || option == OPT_KEY ||
		option == OPT_CERTIFICATE || option == OPT_EXTENSION || option == OPT_EXCLUDE;
}

/* In options[]; c is one of them. */
static size_t option_index(int c)
{
	size_t i = 0;

	while (options[i].val != c)
		i++;
	return i;
}

/* What the URL must have behind the repository. */
enum url { URL_TAG, URL_ANY, URL_NONE, URL_FREE, URL_IMAGE };

static const struct {
	const char *name;
	enum url url;
} commands[] = {
	[COMMAND_PUSH] = {"push", URL_TAG},
	[COMMAND_TAG] = {"tag", URL_ANY},
	[COMMAND_RESOLVE] = {"resolve", URL_FREE},
	[COMMAND_PULL] = {"pull", URL_ANY},
	[COMMAND_LIST] = {"list", URL_NONE},
	[COMMAND_DIFF] = {"diff", URL_ANY},
	[COMMAND_VERIFY] = {"verify", URL_ANY},
	[COMMAND_POLICY] = {"policy", URL_IMAGE},
};

int ocictl_failed(const struct err *err)
{
	fprintf(stderr, "ocictl: %s\n", err->msg);
	return EXIT_FAILED;
}

int ocictl_misused(const char *text)
{
	fprintf(stderr, "ocictl: %s; see ocictl --help\n", text);
	return EXIT_USAGE;
}

/* "a,b" becomes two lines. */
static void args_add_ignore(struct args *a, const char *list)
{
	for (; *list; list++)
		buf_addc(&a->ignore, *list == ',' ? '\n' : *list);
	buf_addc(&a->ignore, '\n');
	a->has_ignore = true;
}

/* The flags that are a text and nothing else. */
static const char **args_text(struct args *a, int c)
{
	switch (c) {
	case 'f':
		return &a->path;
	case 'o':
		return &a->output;
	case OPT_SOURCE:
		return &a->source;
	case OPT_REVISION:
		return &a->revision;
	case OPT_CREATED:
		return &a->created;
	case OPT_SEMVER:
		return &a->semver;
	case OPT_FILTER:
		return &a->semver_filter;
	case OPT_LAYER_TYPE:
		return &a->layer_type;
	case OPT_CREDS:
		return &a->creds;
	case OPT_ROOT:
		return &a->trusted_root;
	case OPT_IDENTITY:
		return &a->identity;
	case OPT_IDENTITY_REGEXP:
		return &a->identity_regexp;
	case OPT_ISSUER:
		return &a->issuer;
	case OPT_ISSUER_REGEXP:
		return &a->issuer_regexp;
	case OPT_POLICY:
		return &a->trust_policy;
	case OPT_ALPHABETICAL:
		return &a->alphabetical;
	case OPT_NUMERICAL:
		return &a->numerical;
	case OPT_PATTERN:
		return &a->filter;
	case OPT_EXTRACT:
		return &a->extract;
	case OPT_SKIP:
		return &a->skip;
	case OPT_PIN:
		return &a->pin;
	default:
		return NULL;
	}
}

/* Which of two values is meant? 0, or the exit status. */
static int args_check_twice(size_t i, bool given[ARRAY_LEN(options)])
{
	char text[100];

	if (given[i] && options[i].has_arg == required_argument &&
		!option_repeats(options[i].val)) {
		snprintf(text, sizeof(text), "--%s is given twice", options[i].name);
		return ocictl_misused(text);
	}
	given[i] = true;
	return 0;
}

/* 0: go on; else the exit status + 1. */
static int args_runners(struct args *a, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	char said[64];

	if (!isdigit((unsigned char)*text) || *end || !n || n > CHOOSE_KEEP_MAX) {
		snprintf(said, sizeof(said), "--runners is a number from 1 to %d", CHOOSE_KEEP_MAX);
		return ocictl_misused(said) + 1;
	}
	a->runners = (unsigned)n;
	return 0;
}

/* 0: go on; else the exit status + 1. */
static int args_option(struct args *a, int c)
{
	const char **text = args_text(a, c);
	struct err err = {0};
	int64_t ms;

	if (text)
		*text = optarg;
	switch (c) {
	case 'a':
		*vec_add(&a->annotations) = optarg;
		return 0;
	case OPT_IGNORE:
		args_add_ignore(a, optarg);
		return 0;
	case OPT_TAG:
		*vec_add(&a->tags) = optarg;
		return 0;
	case OPT_KEY:
		*vec_add(&a->keys) = optarg;
		return 0;
	case OPT_EXTENSION:
		*vec_add(&a->extensions) = optarg;
		return 0;
	case OPT_CERTIFICATE:
		*vec_add(&a->certificates) = optarg;
		return 0;
	case OPT_EXCLUDE:
		*vec_add(&a->exclude) = optarg;
		return 0;
	case OPT_RUNNERS:
		return args_runners(a, optarg);
	case OPT_CREDS:
		return strchr(optarg, ':')
			? 0
			: ocictl_misused("--creds has the form USER:PASSWORD") + 1;
	case OPT_PROVIDER:
		a->has_provider = strcmp(optarg, "generic") != 0;
		if (!a->has_provider || cloud_provider_parse(optarg, &a->provider))
			return 0;
		return ocictl_misused("--provider is aws, azure, gcp or generic") + 1;
	case OPT_PLATFORM:
		if (!oci_platform_parse(&a->platform, optarg, &err))
			return 0;
		err_wrap(&err, "--platform");
		return ocictl_misused(err.msg) + 1;
	case OPT_EMPTY:
		a->allow_empty = true;
		return 0;
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
	case '?':
		return ocictl_misused("wrong flag") + 1; /* getopt has named it */
	default:
		return 0;
	}
}

/* -1: there is no such command. */
static int args_command(const char *name)
{
	int i;

	for (i = 0; name && i < (int)ARRAY_LEN(commands); i++)
		if (!strcmp(commands[i].name, name))
			return i;
	return -1;
}

/* Whose it is; all, if nobody is named. */
static unsigned option_commands(int option)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(owners); i++)
		if (owners[i].option == option)
			return owners[i].commands;
	return ~0U;
}

static int args_no_command(const char *name)
{
	auto_buf struct buf said = BUF_INIT(512);
	size_t i;

	if (name)
		buf_addf(&said, "unknown command '%.100s': there are ", name);
	else
		buf_adds(&said, "no command: there are ");
	for (i = 0; i < ARRAY_LEN(commands); i++)
		buf_add_listed(&said, i, ARRAY_LEN(commands), " and ", commands[i].name);
	return ocictl_misused(buf_str(&said));
}

/* A flag that means nothing to the command is a mistake of who wrote it. 0, or the exit status. */
static int args_check_flags(int command, const bool given[ARRAY_LEN(options)])
{
	char text[100];
	size_t i;

	for (i = 0; options[i].name; i++)
		if (given[i] && !(option_commands(options[i].val) & 1U << command)) {
			snprintf(text, sizeof(text), "--%s is no flag of ocictl %s",
				options[i].name, commands[command].name);
			return ocictl_misused(text);
		}
	return 0;
}

/* A folder for pull, a form for the others. */
static int args_check_output(struct args *a, int command)
{
	if (command == COMMAND_PULL || !a->output)
		return 0;
	a->json = !strcmp(a->output, "json");
	return a->json ? 0 : ocictl_misused("--output is json, but for pull");
}

/* As the spec of an ImageRepository has it, or as the URL that the other commands take. */
static int args_check_image(struct args *a, const char *image)
{
	struct err err = {0};

	return image_name_parse(&a->ref.repo, image, a->insecure, &err) ? ocictl_failed(&err) : 0;
}

static int args_check_url(struct args *a, int command, const char *url)
{
	enum url kind = commands[command].url;
	struct err err = {0};
	bool digest, tag;

	a->has_repo = true;
	if (kind == URL_IMAGE && strncmp(url, "oci://", 6) != 0)
		return args_check_image(a, url);
	if (oci_ref_parse(&a->ref, url, a->insecure, &err)) {
		(void)ocictl_failed(&err);
		return command == COMMAND_DIFF ? EXIT_USAGE : EXIT_FAILED;
	}
	digest = a->ref.digest.algo != DIGEST_NONE;
	tag = *a->ref.tag;
	if ((kind == URL_NONE || kind == URL_IMAGE) && (tag || digest))
		return ocictl_misused("the URL is the repository's, without a tag");
	if (kind == URL_TAG && digest)
		return ocictl_misused("a push cannot choose its digest");
	if ((kind == URL_TAG || kind == URL_ANY) && !tag && !digest)
		return ocictl_misused("the URL needs a tag");
	return 0;
}

/* n words, the command is the first of them. */
static int args_check_rest(struct args *a, int command, int n, char **words)
{
	if (n == 2)
		return args_check_url(a, command, words[1]);
	if (commands[command].url != URL_IMAGE)
		return ocictl_misused("it takes one URL");
	return n == 1 && a->path ? 0 : ocictl_misused("it takes one repository");
}

int args_read(struct args *a, int argc, char **argv, enum command *command, int *rc)
{
	bool given[ARRAY_LEN(options)] = {false};
	int c, cmd;

	*a = (struct args){.ignore = BUF_INIT(LIMIT_IGNORE_FILE),
		.platform = oci_platform_default,
		.timeout_ms = 5 * 60 * 1000};
	while ((c = getopt_long(argc, argv, "f:a:o:h", options, NULL)) != -1) {
		*rc = args_option(a, c);
		if (*rc) {
			--*rc;
			return 1;
		}
		*rc = args_check_twice(option_index(c), given);
		if (*rc)
			return 1;
	}
	cmd = args_command(argv[optind]);
	if (cmd < 0)
		*rc = args_no_command(argv[optind]);
	else if (!(*rc = args_check_flags(cmd, given)) && !(*rc = args_check_output(a, cmd)))
		*rc = args_check_rest(a, cmd, argc - optind, argv + optind);
	if (*rc)
		return 1;
	*vec_add(&a->annotations) = NULL;
	*vec_add(&a->tags) = NULL;
	*command = (enum command)cmd;
	return 0;
}

void args_clear(struct args *a)
{
	buf_clear(&a->ignore);
	vec_clear(&a->annotations);
	vec_clear(&a->tags);
	vec_clear(&a->keys);
	vec_clear(&a->certificates);
	vec_clear(&a->extensions);
	vec_clear(&a->exclude);
}
