#include "verify/demands.h"

#include "base/limits.h"
#include "base/mem.h"
#include "crypto/cert.h"
#include "verify/plain.h"

#include <string.h>

static const struct {
	const char *name, *oid;
} extensions[VERIFY_EXTENSIONS] = {
	[VERIFY_EXTENSION_SIGNER] = {"build-signer-uri", "1.3.6.1.4.1.57264.1.9"},
	[VERIFY_EXTENSION_RUNNER] = {"runner-environment", "1.3.6.1.4.1.57264.1.11"},
	[VERIFY_EXTENSION_SOURCE] = {"source-repository-uri", "1.3.6.1.4.1.57264.1.12"},
	[VERIFY_EXTENSION_REF] = {"source-repository-ref", "1.3.6.1.4.1.57264.1.14"},
	[VERIFY_EXTENSION_TRIGGER] = {"build-trigger", "1.3.6.1.4.1.57264.1.20"},
};

/* ---- reading --------------------------------------------------------------------------------- */

static int log_add(struct verify_demands *d, const char *value, struct err *err)
{
	if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return err_set(err, ERR_STALL, "it is neither 'true' nor 'false'");
	d->log = !strcmp(value, "true");
	return 0;
}

int verify_demands_add(
	struct verify_demands *d, const char *name, const char *value, struct err *err)
{
	size_t i = 0;

	if (!strcmp(name, VERIFY_DEMANDS_LOG))
		return log_add(d, value, err);
	while (i < VERIFY_EXTENSIONS && strcmp(extensions[i].name, name) != 0)
		i++;
	if (i == VERIFY_EXTENSIONS)
		return err_set(err, ERR_STALL, "nobody knows what that demands");
	if (!*value)
		return err_set(err, ERR_STALL, "it is empty: without it anything will do");
	if (strlen(value) > LIMIT_PATTERN)
		return err_set(err, ERR_STALL, "it has more than %d bytes", LIMIT_PATTERN);
	free(d->extensions[i]);
	d->extensions[i] = mem_strdup(value);
	return 0;
}

/* A slip of the pen must not let pass what was to be refused. */
int verify_demands_read(struct verify_demands *out, const json_t *annotations, struct err *err)
{
	size_t n = strlen(VERIFY_DEMANDS_PREFIX);
	char shown[VERIFY_PLAIN_MAX];
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)annotations, name, v) {
		const char *value = json_string_value(v);

		if (strncmp(name, VERIFY_DEMANDS_PREFIX, n) != 0)
			continue;
		if (value && strlen(value) == json_string_length(v)) {
			if (!verify_demands_add(out, name + n, value, err))
				continue;
		} else {
			err_set(err, ERR_STALL, "it is no plain text");
		}
		return err_wrap(err, "annotation '%s'", verify_plain(name, shown));
	}
	return 0;
}

void verify_demands_copy(struct verify_demands *out, const struct verify_demands *from)
{
	size_t i;

	out->log = from->log;
	for (i = 0; i < VERIFY_EXTENSIONS; i++)
		out->extensions[i] = mem_strdup(from->extensions[i]);
}

void verify_demands_clear(struct verify_demands *d)
{
	size_t i;

	for (i = 0; i < VERIFY_EXTENSIONS; i++)
		free(d->extensions[i]);
	*d = (struct verify_demands){.log = false};
}

bool verify_demands_of_certificate(const struct verify_demands *d)
{
	size_t i;

	for (i = 0; i < VERIFY_EXTENSIONS; i++)
		if (d->extensions[i])
			return true;
	return false;
}

void verify_demands_digest(const struct verify_demands *d, struct digest_ctx *h)
{
	size_t i;

	digest_update(h, &d->log, sizeof(d->log));
	for (i = 0; i < VERIFY_EXTENSIONS; i++) {
		const char *value = d->extensions[i] ? d->extensions[i] : "";

		digest_update(h, value, strlen(value) + 1);
	}
}

/* ---- what the certificate says --------------------------------------------------------------- */

static int extension_check(const char *name, const char *oid, const char *want,
	const struct cert *leaf, struct err *err)
{
	char mine[VERIFY_PLAIN_MAX], theirs[VERIFY_PLAIN_MAX];
	auto_free char *said = NULL;
	const unsigned char *value;
	const char *text;
	size_t n, len;

	if (cert_extension(leaf, oid, &value, &n, err))
		return -1;
	if (!value)
		return err_set(err, ERR_RETRY, "the certificate has no %s (%s)", name, oid);
	if (cert_utf8(value, n, &text, &len, err))
		return err_wrap(err, "the certificate's %s", name);
	if (strlen(want) == len && !memcmp(want, text, len))
		return 0;
	said = mem_strndup(text, len);
	return err_set(err, ERR_RETRY, "the certificate's %s is '%s', not '%s'", name,
		verify_plain(said, theirs), verify_plain(want, mine));
}

int verify_demands_check(const struct verify_demands *d, const struct cert *leaf, struct err *err)
{
	size_t i;

	for (i = 0; i < VERIFY_EXTENSIONS; i++)
		if (d->extensions[i] &&
			extension_check(
				extensions[i].name, extensions[i].oid, d->extensions[i], leaf, err))
			return -1;
	return 0;
}
