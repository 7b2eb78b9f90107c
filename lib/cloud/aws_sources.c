#include "base/limits.h"
#include "base/mem.h"
#include "cloud/aws.h"
#include "cloud/aws_profiles.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The files of profiles: where they are when no variable says so. */
static const struct {
	const char *variable, *path;
	bool is_config;
} files[] = {
	{"AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials", false},
	{"AWS_CONFIG_FILE", "/.aws/config", true},
};

/* Finds the first source that is configured, and asks that one: when it fails there is no other. */
struct aws_sources {
	struct cloud_fetch fetch;
	struct aws_profile profile;
	unsigned file; /* of files[], the one that is read */
};

static struct aws_sources *sources_of(struct task *t)
{
	return FETCH(t, struct aws_sources);
}

static const struct cloud_env *sources_env(const struct aws_sources *s)
{
	return &s->fetch.ticket->cloud->env;
}

static const char *sources_get(const struct aws_sources *s, const char *name, const char *other)
{
	const char *value = cloud_env_get(sources_env(s), name);

	return value || !other ? value : cloud_env_get(sources_env(s), other);
}

static enum step_ret sources_take(struct aws_sources *s, const char *source, const char *id,
	const char *key, const char *token)
{
	struct err err = {0};

	if (aws_keys_take(&s->fetch.got, id, key, token, NULL, &err))
		return aws_fail(&s->fetch, source, &err);
	s->fetch.got.source = source;
	return STEP_DONE;
}

/* ---- keys of the environment ----------------------------------------------------------------- */

static enum step_ret sources_env_start(struct task *t)
{
	struct aws_sources *s = sources_of(t);
	const char *id = sources_get(s, "AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY");
	const char *key = sources_get(s, "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY");

	if (s->fetch.ticket->account)
		return task_goto(t, "ask");
	if (id && key)
		return sources_take(s, "keys of the environment", id, key,
			sources_get(s, "AWS_SESSION_TOKEN", NULL));
	if (sources_get(s, "AWS_WEB_IDENTITY_TOKEN_FILE", NULL))
		return task_goto(t, "ask");
	return STEP_NEXT;
}

/* ---- profiles -------------------------------------------------------------------------------- */

static const char *profile_name(const struct aws_sources *s)
{
	const char *name = sources_get(s, "AWS_PROFILE", NULL);

	return name ? name : "default";
}

static enum step_ret profile_fail(struct aws_sources *s, const struct err *err)
{
	return aws_fail(&s->fetch, "profile", err);
}

/* All files are read. */
static enum step_ret profile_use(struct aws_sources *s)
{
	const char *name = profile_name(s);
	struct err err = {0};
	int rc;

	if (!s->profile.found && sources_get(s, "AWS_PROFILE", NULL)) {
		err_set(&err, ERR_RETRY, "no file has the profile '%.64s' that AWS_PROFILE names",
			name);
		return profile_fail(s, &err);
	}
	rc = aws_profile_check(&s->profile, name, &err);
	if (rc < 0)
		return profile_fail(s, &err);
	if (!rc)
		return STEP_NEXT;
	return sources_take(
		s, "keys of a profile", s->profile.id.p, s->profile.key.p, s->profile.token.p);
}

static enum step_ret sources_profile_start(struct task *t)
{
	struct aws_sources *s = sources_of(t);
	auto_free char *path = NULL;
	const char *named = NULL, *home = sources_get(s, "HOME", NULL);

	for (; s->file < ARRAY_LEN(files); s->file++) {
		named = sources_get(s, files[s->file].variable, NULL);
		if (named || home)
			break;
	}
	if (s->file == ARRAY_LEN(files))
		return profile_use(s);
	path = named ? mem_strdup(named) : mem_printf("%s%s", home, files[s->file].path);
	return task_wait(t, cloud_file_start(t->self.loop, path, LIMIT_CLOUD_FILE));
}

static enum step_ret sources_profile_resume(struct task *t)
{
	struct aws_sources *s = sources_of(t);
	bool named = sources_get(s, files[s->file].variable, NULL) != NULL;
	int code = t->op->err.code;
	const struct buf *text;

	if (t->op->err.kind == ERR_NONE) {
		text = cloud_file_result(t->op);
		aws_profile_add(&s->profile, buf_str(text), text->len, profile_name(s),
			files[s->file].is_config);
	} else if (code != -ENOENT && code != -ENOTDIR && (named || code != -EACCES)) {
		/* (A home that is not ours to look into has nothing for us.) */
		task_op_failed(t);
		return profile_fail(s, &t->err);
	}
	s->file++;
	return STEP_AGAIN;
}

/* ---- whoever has to be asked ----------------------------------------------------------------- */

static enum step_ret sources_ask_start(struct task *t)
{
	struct aws_sources *s = sources_of(t);
	struct cloud_ticket *ticket = s->fetch.ticket;
	struct err err = {0};

	if (ticket->account || sources_get(s, "AWS_WEB_IDENTITY_TOKEN_FILE", NULL))
		return task_wait(t, aws_sts_start(ticket));
	if (sources_get(s, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
		return task_wait(t, aws_container_start(ticket));
	if (!aws_is_true(sources_env(s), "AWS_EC2_METADATA_DISABLED"))
		return task_wait(t, aws_imds_start(ticket));
	err_set(&err, ERR_RETRY,
		"no credentials of AWS are configured, and AWS_EC2_METADATA_DISABLED forbids to "
		"ask "
		"for the node's role");
	return task_fail(t, &err);
}

static enum step_ret sources_ask_resume(struct task *t)
{
	struct aws_sources *s = sources_of(t);

	if (task_op_failed(t))
		return STEP_FAIL;
	cloud_secrets_copy(&s->fetch.got, &TASK_OF_OP(t->op, struct cloud_fetch)->got);
	return STEP_DONE;
}

static void sources_free(struct task *t)
{
	struct aws_sources *s = sources_of(t);

	aws_profile_clear(&s->profile);
	cloud_fetch_clear(&s->fetch);
	free(s);
}

struct op *aws_access(struct cloud_ticket *ticket)
{
	static const struct step steps[] = {
		{"environment", sources_env_start},
		{"profile", sources_profile_start, sources_profile_resume}, /* each file in turn */
		{"ask", sources_ask_start, sources_ask_resume},
		{0},
	};
	struct aws_sources *s = NEW(struct aws_sources);

	cloud_fetch_init(&s->fetch, ticket, "aws-access", steps, sources_free);
	return task_spawn(&s->fetch.task);
}
