#include "source/status.h"

#include "base/clock.h"
#include "base/fnv.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ctl/object.h"
#include "ctl/status.h"
#include "ctl/steps.h"
#include "serve/urls.h"
#include "source/env.h"
#include "source/restore.h"

#include <stdio.h>
#include <string.h>

static const struct source_words *words_of(const struct run *r)
{
	return SOURCE_ENV(r->c)->words;
}

/* ---- URLs ------------------------------------------------------------------------------------ */

static void set_text(json_t *o, const char *key, const char *text)
{
	json_object_set_new(o, key, json_string(text));
}

/* "http://HOST/PATH", or with the element of that path in front of it */
static char *url_of(const struct run *r, const char *path)
{
	const struct source_env *env = SOURCE_ENV(r->c);
	const char *address = env->adv_address;
	char in_url[SERVE_URL_PATH_MAX];

	if (env->urls)
		path = serve_urls_path(env->urls, path, in_url);
	return mem_printf("%s%s/%s", strstr(address, "://") ? "" : "http://", address, path);
}

static void set_urls(const struct artifact_run *a, json_t *status)
{
	const char *path = obj_str(status, "artifact", "path");
	auto_free char *url = NULL, *latest_path = NULL, *latest = NULL;

	if (!path)
		return;
	url = url_of(&a->run, path);
	set_text(obj_get(status, "artifact"), "url", url);
	if (!words_of(&a->run)->latest)
		return;
	latest_path = mem_printf("%s/%s", a->dir, STORE_LATEST);
	latest = url_of(&a->run, latest_path);
	set_text(status, "url", latest);
}

/* A URL that the secret has made useless is put right also where a run has nothing else to say of
   the artifact: consumers use it as it is. Another address is left to a run that succeeds. */
static void correct_urls(const struct artifact_run *a, json_t *status)
{
	const struct serve_urls *urls = SOURCE_ENV(a->run.c)->urls;
	const char *path = obj_str(status, "artifact", "path");

	if (urls && path && a->have_file &&
		!serve_urls_current(urls, obj_str_or("", status, "artifact", "url"), path))
		set_urls(a, status);
}

/* ---- conditions ------------------------------------------------------------------------------ */

static void say_in_storage(struct run *r, const char *revision)
{
	cond_put(&r->conds, COND_IN_STORAGE, COND_TRUE, "Succeeded", "stored artifact for %s '%s'",
		words_of(r)->named_by, revision);
}

/* Its file may be lost, or back again. */
void artifact_failed(struct run *r, json_t *status)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);
	const json_t *artifact = obj_get(r->obj, "status", "artifact");

	if (!artifact || !*a->have_path || (a->looked && !a->have_file))
		cond_del(&r->conds, COND_IN_STORAGE);
	else if (a->have_file && !cond_get(&r->conds, COND_IN_STORAGE))
		say_in_storage(r, obj_str_or("", artifact, "revision"));
	correct_urls(a, status);
}

void artifact_suspended(struct run *r, json_t *status)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);
	bool foreign = obj_get(r->obj, "status", "artifact") && !*a->have_path;

	/* Whoever waits for Ready must not take it for well. */
	if ((foreign || restore_given_up(a)) && cond_get(&r->conds, COND_IN_STORAGE)) {
		cond_del(&r->conds, COND_IN_STORAGE);
		cond_put(&r->conds, COND_FETCH_FAILED, COND_TRUE, words_of(r)->fetch_failed, "%s",
			foreign ? "the status names an artifact that is not in this storage"
				: ARTIFACT_ITEM(r->item)->lost_why);
		status_summarize(r);
	}
	if (cond_is(&r->conds, COND_READY, COND_UNKNOWN))
		cond_del(&r->conds, COND_OUTDATED);
	correct_urls(a, status);
}

bool artifact_behind(const struct run *r)
{
	return cond_get(&r->conds, COND_OUTDATED) || !obj_get(r->obj, "status", "artifact");
}

void artifact_outdated(struct run *r, const char *where)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);

	if (!*a->have_path ||
		!strcmp(obj_str_or("", r->obj, "status", "artifact", "revision"), a->revision))
		return;
	if (where)
		cond_put(&r->conds, COND_OUTDATED, COND_TRUE, "NewRevision",
			"new revision '%s' for '%s'", a->revision, where);
	else
		cond_put(&r->conds, COND_OUTDATED, COND_TRUE, "NewRevision",
			"new upstream revision '%s'", a->revision);
}

bool artifact_is_current(const struct artifact_run *a)
{
	return a->have_file && !strcmp(ARTIFACT_ITEM(a->run.item)->revision, a->revision);
}

void artifact_status_kept(const json_t *status, json_t *kept)
{
	static const char *const fields[] = {"path", "digest", "revision"};
	auto_json json_t *artifact = json_object();
	size_t i;

	for (i = 0; i < ARRAY_LEN(fields); i++)
		object_member_keep(artifact, obj_get(status, "artifact"), fields[i]);
	if (json_object_size(artifact))
		json_object_set(kept, "artifact", artifact);
}

/* ---- members --------------------------------------------------------------------------------- */

static void set_now(json_t *artifact)
{
	char now[TIME_TEXT_MAX];

	set_text(artifact, "lastUpdateTime", time_format_rfc3339(clock_wall_ms(), now));
}

static void set_digest(const struct artifact_run *a, json_t *artifact)
{
	char text[DIGEST_TEXT_MAX];

	set_text(artifact, "digest", digest_format(&a->digest, text));
	json_object_set_new(artifact, "size", json_integer((json_int_t)a->size));
}

static void set_artifact(const struct artifact_run *a, json_t *status)
{
	const json_t *metadata = a->input.metadata;
	json_t *o = json_object();

	set_text(o, "path", a->path);
	set_text(o, "revision", a->revision);
	set_digest(a, o);
	if (a->same_bytes && !strcmp(a->path, a->have_path))
		set_text(o, "lastUpdateTime", obj_str_or("", status, "artifact", "lastUpdateTime"));
	else
		set_now(o);
	if (metadata && json_object_size(metadata))
		json_object_set(o, "metadata", (json_t *)(uintptr_t)metadata);
	json_object_set_new(status, "artifact", o);
}

void artifact_succeeded(struct run *r, json_t *status)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);

	say_in_storage(r, a->revision);
	if (a->stored)
		set_artifact(a, status);
	set_urls(a, status);
}

void artifact_restored(struct run *r, json_t *status)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);

	if (a->hold == HOLD_HELD) {
		set_digest(a, obj_get(status, "artifact"));
		set_now(obj_get(status, "artifact"));
	}
	if (!a->stored || cond_get(&r->conds_before, COND_IN_STORAGE))
		return;
	say_in_storage(r, obj_str_or("", status, "artifact", "revision"));
	if (r->spec->suspend)
		cond_del(&r->conds, COND_FETCH_FAILED);
	status_summarize(r);
	json_object_set_new(status, "conditions", cond_json(&r->conds));
}

void artifact_written(struct run *r)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);
	struct store *store = SOURCE_ENV(r->c)->store;

	if (!a->stored || r->item->queue_item.leaving)
		return;
	free(MOVE(ARTIFACT_ITEM(r->item)->lost_path));
	store_set_current(store, a->dir, a->path);
	if (*a->have_path && !a->have_file && strcmp(a->have_path, a->path) != 0)
		store_promise_end(store, a->have_path);
}

/* ---- Events ---------------------------------------------------------------------------------- */

bool artifact_told(struct run *r, bool *is_new)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);

	if (run_failure_told(r))
		return true;
	if (a->missing && !strcmp(a->path, a->have_path)) {
		log_info(&r->log, "restored artifact", LS("revision", a->revision),
			LS("path", a->path));
		return true;
	}
	if (!r->patched || r->mode != RUN_WORK)
		return true;
	*is_new = a->stored && !digest_equal(&a->digest, &a->have_digest);
	return !*is_new && !status_failed_before(r);
}

const char *artifact_token(const struct run *r, char out[ARTIFACT_TOKEN_MAX])
{
	const struct cond *c = cond_get(&r->conds_before, COND_READY);
	uint64_t h = fnv_text(FNV_START, c ? c->message : "");

	snprintf(out, ARTIFACT_TOKEN_MAX, "%016llx", (unsigned long long)h);
	return out;
}
