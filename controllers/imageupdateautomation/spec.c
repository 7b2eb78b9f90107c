#include "controllers/imageupdateautomation/spec.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/object.h"
#include "kube/names.h"
#include "kube/selector.h"
#include "template/template.h"

#include <stdlib.h>
#include <string.h>

/* An interval of nothing would be a busy loop against the server. */
#define LEAST_INTERVAL_MS 1000
/* Of a commit without a template of its own. */
#define MESSAGE "Update from image update automation"

/* The first that is wrong counts. */
static void misfit(struct automation_spec *s, const char *reason, const struct err *err)
{
	if (s->misfit)
		return;
	s->misfit = mem_dup(err, sizeof(*err));
	s->misfit->kind = ERR_STALL;
	s->misfit_reason = reason;
}

/* ---- whose choices --------------------------------------------------------------------------- */

static int selector_values(struct buf *b, const char *key, const json_t *values, struct err *err)
{
	json_t *v;
	size_t i;

	if (!json_array_size(values))
		return err_set(err, ERR_STALL,
			"for 'in', 'notin' operators, values set can't be empty: '%.64s'", key);
	json_array_foreach ((json_t *)(uintptr_t)values, i, v) {
		const char *text = json_is_string(v) ? json_string_value(v) : NULL;

		if (!text || !kube_is_label_value(text))
			return err_set(err, ERR_STALL, "values[%zu][%.64s] is invalid: %s", i, key,
				KUBE_LABEL_VALUE_RULE);
		buf_addf(b, "%s%s", i ? "," : "", text);
	}
	return 0;
}

static int selector_key(struct buf *b, const char *key, struct err *err)
{
	if (!kube_is_qualified(key))
		return err_set(
			err, ERR_STALL, "key '%.64s' is invalid: %s", key, KUBE_QUALIFIED_RULE);
	if (b->len)
		buf_addc(b, ',');
	return 0;
}

static int selector_expression(struct buf *b, const json_t *e, struct err *err)
{
	const char *key = obj_str_or("", e, "key"), *op = obj_str_or("", e, "operator");
	const json_t *values = obj_get(e, "values");
	bool in = !strcmp(op, "In"), exists = !strcmp(op, "Exists");

	if (!in && !exists && strcmp(op, "NotIn") != 0 && strcmp(op, "DoesNotExist") != 0)
		return err_set(
			err, ERR_STALL, "'%.64s' is not a valid label selector operator", op);
	if (selector_key(b, key, err))
		return -1;
	if (exists || !strcmp(op, "DoesNotExist")) {
		if (json_array_size(values))
			return err_set(err, ERR_STALL,
				"values set must be empty for exists and does not exist: '%.64s'",
				key);
		buf_addf(b, "%s%s", exists ? "" : "!", key);
		return 0;
	}
	buf_addf(b, "%s %s (", key, in ? "in" : "notin");
	if (selector_values(b, key, values, err))
		return -1;
	buf_addc(b, ')');
	return 0;
}

static int selector_text(struct buf *b, const json_t *from, struct err *err)
{
	json_t *labels = obj_get(from, "matchLabels"), *v;
	const char *key;
	size_t i;

	json_object_foreach (labels, key, v) {
		const char *text = json_is_string(v) ? json_string_value(v) : NULL;

		if (selector_key(b, key, err))
			return -1;
		if (!text || !kube_is_label_value(text))
			return err_set(err, ERR_STALL, "the value of '%.64s' is invalid: %s", key,
				KUBE_LABEL_VALUE_RULE);
		buf_addf(b, "%s=%s", key, text);
	}
	json_array_foreach (obj_get(from, "matchExpressions"), i, v)
		if (selector_expression(b, v, err))
			return -1;
	return buf_over(b) ? err_set(err, ERR_STALL, "the selector is longer than %llu bytes",
				     (unsigned long long)LIMIT_KUBE_SELECTOR)
			   : 0;
}

static void selector_read(struct automation_spec *s, const json_t *from)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_KUBE_SELECTOR);
	struct err err = {0};

	if (!json_is_object(from))
		return;
	if (selector_text(&b, from, &err) ||
		kube_selector_labels(&s->selector, buf_str(&b), &err)) {
		err_wrap(&err, "failed to parse policy selector");
		misfit(s, "InvalidPolicySelector", &err);
	}
	s->spec.size += b.len;
}

/* ---- what is written ------------------------------------------------------------------------- */

static int pair_compare(const void *a, const void *b)
{
	return strcmp(((const struct automation_pair *)a)->name,
		((const struct automation_pair *)b)->name);
}

static void pairs_read(struct automation_pairs *to, const json_t *from, const char *where,
	size_t *size, struct err *err)
{
	size_t sum = 0;
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)from, name, v) {
		if (!json_is_string(v))
			continue;
		sum += strlen(name) + json_string_length(v);
		if (sum > LIMIT_AUTOMATION_PAIRS) {
			if (err->kind == ERR_NONE)
				err_set(err, ERR_STALL, "spec.%s is longer than %llu bytes", where,
					(unsigned long long)LIMIT_AUTOMATION_PAIRS);
			break;
		}
		*vec_add(to) = (struct automation_pair){
			spec_text(size, name), spec_text(size, json_string_value(v))};
	}
	if (to->len)
		qsort(to->p, to->len, sizeof(*to->p), pair_compare);
}

/* What is no template now is none later either. */
static void message_read(struct automation_spec *s, const char *text)
{
	struct err err = {0};

	if (!text || !*text)
		text = MESSAGE;
	s->spec.size += strlen(text) + 1;
	if (tmpl_parse(&s->message, text, strlen(text), &err)) {
		err_wrap(&err,
			"failed to update source: unable to create commit message template from "
			"spec");
		misfit(s, "GitOperationFailed", &err);
	}
}

/* It stands in a line of a commit, between < and >. As it is there: own.c compares the two. */
static char *author_read(
	struct automation_spec *s, const char *where, const char *text, struct err *err)
{
	char *copy = spec_member(&s->spec.size, where, text, err), *p;
	size_t n;

	for (p = copy; p && *p; p++)
		if ((unsigned char)*p < ' ' || *p == '<' || *p == '>')
			*p = ' ';
	for (p = copy; p && *p == ' '; p++)
		;
	if (!p)
		return mem_strdup("");
	for (n = strlen(p); n && p[n - 1] == ' '; n--)
		;
	memmove(copy, p, n);
	copy[n] = '\0';
	return copy;
}

static void signing_read(struct automation_spec *s, const json_t *key, struct err *err)
{
	if (!json_is_object(key))
		return;
	s->signing_ssh = !strcmp(obj_str_or("gpg", key, "type"), "ssh");
	s->signing_key = spec_member(&s->spec.size, "git.commit.signingKey.secretRef.name",
		obj_str(key, "secretRef", "name"), err);
	if (!s->signing_key && err->kind == ERR_NONE)
		err_set(err, ERR_STALL, "spec.git.commit.signingKey names no Secret");
}

static void commit_read(struct automation_spec *s, const json_t *commit, struct err *err)
{
	const json_t *author = obj_get(commit, "author");

	s->author_name = author_read(s, "git.commit.author.name", obj_str(author, "name"), err);
	s->author_email = author_read(s, "git.commit.author.email", obj_str(author, "email"), err);
	if (!*s->author_email && err->kind == ERR_NONE)
		err_set(err, ERR_STALL, "spec.git.commit.author has no email");
	pairs_read(&s->values, obj_get(commit, "messageTemplateValues"),
		"git.commit.messageTemplateValues", &s->spec.size, err);
	message_read(s, obj_str(commit, "messageTemplate"));
	signing_read(s, obj_get(commit, "signingKey"), err);
}

static void push_read(struct automation_spec *s, const json_t *push, struct err *err)
{
	s->push_branch =
		spec_member(&s->spec.size, "git.push.branch", obj_str(push, "branch"), err);
	s->push_refspec =
		spec_member(&s->spec.size, "git.push.refspec", obj_str(push, "refspec"), err);
	if (s->push_refspec && strchr("+:", *s->push_refspec) && err->kind == ERR_NONE)
		err_set(err, ERR_STALL,
			"spec.git.push.refspec must neither force nor delete: it begins with '%c'",
			*s->push_refspec);
	pairs_read(&s->options, obj_get(push, "options"), "git.push.options", &s->spec.size, err);
}

/* ---- where ----------------------------------------------------------------------------------- */

/* Flux's rule (Go's filepath.Join with the root): `..` ends at the root. */
char *automation_path_clean(const char *path)
{
	size_t n = path ? strlen(path) : 0, len = 0;
	char *out = mem_zalloc(n + 1);
	const char *p = path ? path : "";

	while (*p) {
		size_t part = strcspn(p, "/");

		if (part == 2 && !memcmp(p, "..", 2)) {
			while (len && out[--len] != '/')
				;
		} else if (part && !(part == 1 && *p == '.')) {
			if (len)
				out[len++] = '/';
			memcpy(out + len, p, part);
			len += part;
		}
		p += part + (p[part] == '/');
	}
	out[len] = '\0';
	return out;
}

static void source_read(struct automation_spec *s, const json_t *ref, struct err *err)
{
	const char *kind = obj_str_or("GitRepository", ref, "kind");
	struct err no = {0};

	s->repository = spec_member(&s->spec.size, "sourceRef.name", obj_str(ref, "name"), err);
	s->repository_ns =
		spec_member(&s->spec.size, "sourceRef.namespace", obj_str(ref, "namespace"), err);
	if (!s->repository) {
		if (err->kind == ERR_NONE)
			err_set(err, ERR_STALL, "spec.sourceRef has no name");
		s->repository = mem_strdup("");
	}
	if (strcmp(kind, "GitRepository") != 0) {
		err_set(&no, ERR_STALL,
			"source kind '%.64s' not supported: invalid source configuration", kind);
		misfit(s, "InvalidSourceConfiguration", &no);
	}
}

static void git_read(struct automation_spec *s, const json_t *git, struct err *err)
{
	const json_t *ref = obj_get(git, "checkout", "ref");
	struct err no = {0};

	if (!json_is_object(git)) {
		err_set(&no, ERR_STALL,
			"source kind 'GitRepository' necessitates field .spec.git: invalid source "
			"configuration");
		misfit(s, "InvalidSourceConfiguration", &no);
		return;
	}
	s->has_ref = json_is_object(ref);
	if (s->has_ref && git_ref_read(&s->ref, ref, "git.checkout.ref", &s->spec.size, &no) &&
		err->kind == ERR_NONE)
		*err = no;
	commit_read(s, obj_get(git, "commit"), err);
	push_read(s, obj_get(git, "push"), err);
}

static void update_read(struct automation_spec *s, const json_t *update, struct err *err)
{
	const char *strategy = obj_str_or("Setters", update, "strategy");
	auto_free char *path =
		spec_member(&s->spec.size, "update.path", obj_str(update, "path"), err);
	struct err no = {0};

	s->path = automation_path_clean(path);
	if (strcmp(strategy, "Setters") != 0) {
		err_set(&no, ERR_STALL, "unknown update strategy: %.64s", strategy);
		misfit(s, "InvalidUpdateStrategy", &no);
	}
}

static void fields_read(struct automation_spec *s, const json_t *spec, struct err *err)
{
	s->spec.suspend = obj_bool(false, spec, "suspend");
	selector_read(s, obj_get(spec, "policySelector"));
	source_read(s, obj_get(spec, "sourceRef"), err);
	git_read(s, obj_get(spec, "git"), err);
	update_read(s, obj_get(spec, "update"), err);
	if (err->kind == ERR_NONE)
		(void)!object_duration(spec, "interval", 0, &s->spec.interval_ms, err);
	if (s->spec.interval_ms < LEAST_INTERVAL_MS)
		s->spec.interval_ms = LEAST_INTERVAL_MS;
}

/* ---- annotations ----------------------------------------------------------------------------- */

static char *annotation(
	struct automation_spec *s, const json_t *obj, const char *name, struct err *err)
{
	const json_t *v = obj_get(obj, "metadata", "annotations", name);
	const char *text = obj_str(obj, "metadata", "annotations", name);

	if (err->kind == ERR_NONE && ((v && !text) || (text && strlen(text) > LIMIT_SPEC_TEXT)))
		err_set(err, ERR_STALL, "annotation '%s' is no plain text of at most %llu bytes",
			name, (unsigned long long)LIMIT_SPEC_TEXT);
	return err->kind == ERR_NONE && text && *text ? spec_text(&s->spec.size, text) : NULL;
}

static void request_read(struct automation_spec *s, const json_t *obj, struct err *err)
{
	auto_free char *kind = annotation(s, obj, AUTOMATION_REQUEST, err);
	struct automation_request *q = &s->request;

	if (!kind)
		return;
	q->wanted = forge_kind_parse(kind, &q->kind);
	if (!q->wanted)
		err_set(err, ERR_STALL,
			"annotation '%s': '%.64s' is none of github, gitlab, gitea and forgejo",
			AUTOMATION_REQUEST, kind);
	q->base = annotation(s, obj, AUTOMATION_REQUEST_BASE, err);
	q->title = annotation(s, obj, AUTOMATION_REQUEST_TITLE, err);
	q->api = annotation(s, obj, AUTOMATION_REQUEST_API, err);
	q->secret = annotation(s, obj, AUTOMATION_REQUEST_SECRET, err);
}

static void pairs_clear(struct automation_pairs *v)
{
	struct automation_pair *p;

	vec_each (v, p) {
		free(p->name);
		free(p->value);
	}
	vec_clear(v);
}

static void spec_free(struct spec *base)
{
	struct automation_spec *s = AUTOMATION_SPEC(base);

	free(s->repository);
	free(s->repository_ns);
	free(s->misfit);
	git_ref_clear(&s->ref);
	free(s->author_name);
	free(s->author_email);
	tmpl_free(s->message);
	pairs_clear(&s->values);
	free(s->signing_key);
	free(s->push_branch);
	free(s->push_refspec);
	pairs_clear(&s->options);
	free(s->request.base);
	free(s->request.title);
	free(s->request.api);
	free(s->request.secret);
	kube_selector_free(s->selector);
	free(s->path);
	free(s);
}

struct spec *automation_spec_new(const json_t *obj)
{
	struct automation_spec *s = NEW(struct automation_spec);
	const json_t *spec = obj_get(obj, "spec");
	struct err err = {0};

	s->spec = (struct spec){.refs = 1, .free = spec_free, .size = sizeof(*s)};
	if (object_has_nul(spec))
		(void)err_set(&err, ERR_STALL, "spec holds a NUL character");
	fields_read(s, spec, &err);
	request_read(s, obj, &err);
	if (err.kind != ERR_NONE)
		s->spec.wrong = mem_dup(&err, sizeof(err));
	return &s->spec;
}
