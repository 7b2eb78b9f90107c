#include "verify/tuf_meta.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "verify/plain.h"
#include "verify/tuf_canonical.h"

#include <string.h>

const char *verify_tuf_role_name(enum verify_tuf_role role)
{
	static const char *const names[] = {[VERIFY_TUF_ROOT] = "root",
		[VERIFY_TUF_TIMESTAMP] = "timestamp",
		[VERIFY_TUF_SNAPSHOT] = "snapshot",
		[VERIFY_TUF_TARGETS] = "targets"};

	return names[role];
}

/* "1", "1.0" and "1.0.31" are what is known here; another first number may mean anything. */
static bool spec_is_known(const char *version)
{
	return version && version[0] == '1' && (version[1] == '.' || !version[1]);
}

static int head_read(struct verify_tuf_meta *m, enum verify_tuf_role role, struct err *err)
{
	const char *type = obj_str(m->body, "_type"), *spec = obj_str(m->body, "spec_version");
	const char *expires = obj_str(m->body, "expires");
	char shown[VERIFY_PLAIN_MAX];

	if (!type || strcmp(type, verify_tuf_role_name(role)) != 0)
		return err_set(err, ERR_RETRY, "its type is '%s', not '%s'",
			verify_plain(type, shown), verify_tuf_role_name(role));
	if (!spec_is_known(spec))
		return err_set(err, ERR_RETRY, "its spec_version is '%s', not 1",
			verify_plain(spec, shown));
	m->version = obj_int(0, m->body, "version");
	if (m->version < 1)
		return err_set(err, ERR_RETRY, "its version is none");
	if (!expires || time_parse_rfc3339(expires, &m->expires_ms, err)) {
		err_clear(err);
		return err_set(err, ERR_RETRY, "it does not say until when it is good: '%s'",
			verify_plain(expires, shown));
	}
	return 0;
}

static int meta_fill(struct verify_tuf_meta *m, enum verify_tuf_role role, struct err *err)
{
	m->doc = obj_parse_within(m->raw.p, m->raw.len, &obj_signed, "it", err);
	if (!m->doc)
		return -1;
	m->body = obj_get(m->doc, "signed");
	m->signatures = obj_get(m->doc, "signatures");
	if (!json_is_object(m->body) || !json_is_array(m->signatures))
		return err_set(err, ERR_RETRY, "it has no 'signed' or no 'signatures'");
	if (json_array_size(m->signatures) > LIMIT_TUF_SIGNATURES)
		return err_set(err, ERR_RETRY, "it has %zu signatures, more than %d",
			json_array_size(m->signatures), LIMIT_TUF_SIGNATURES);
	return head_read(m, role, err) || verify_tuf_canonical(m->body, &m->canonical, err) ? -1
											    : 0;
}

int verify_tuf_meta_read(struct verify_tuf_meta **out, enum verify_tuf_role role, const char *text,
	size_t n, struct err *err)
{
	struct verify_tuf_meta *m;

	if (!n || n > LIMIT_TUF_META)
		return err_set(
			err, ERR_RETRY, "it has %zu bytes; 1 to %llu are taken", n, LIMIT_TUF_META);
	m = NEW(struct verify_tuf_meta);
	buf_init(&m->raw, LIMIT_TUF_META);
	buf_init(&m->canonical, LIMIT_TUF_META);
	buf_add(&m->raw, text, n);
	if (meta_fill(m, role, err)) {
		verify_tuf_meta_free(m);
		return -1;
	}
	*out = m;
	return 0;
}

void verify_tuf_meta_free(struct verify_tuf_meta *m)
{
	if (!m)
		return;
	json_decref(m->doc);
	buf_clear(&m->raw);
	buf_clear(&m->canonical);
	free(m);
}

int verify_tuf_meta_current(const struct verify_tuf_meta *m, int64_t now_ms, struct err *err)
{
	char when[TIME_TEXT_MAX];

	if (now_ms < m->expires_ms)
		return 0;
	return err_set(
		err, ERR_RETRY, "it has expired at %s", time_format_rfc3339(m->expires_ms, when));
}
