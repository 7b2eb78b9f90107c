/*
 * WWW-Authenticate: a Bearer challenge has a realm, no value holds a control character, and a realm
 * that passes is an https URL without user info. Where it may lead is not decided by its text.
 */
#include "oci/auth.h"

#include "base/mem.h"
#include "http/url.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void plain(const char *s, size_t room)
{
	BUG_IF(strlen(s) >= room);
	for (; *s; s++)
		BUG_IF((unsigned char)*s < 0x20 || *s == 0x7f);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	struct oci_challenge c = {.scheme = OCI_AUTH_NONE};
	auto_url struct url u = {0};
	struct err err = {0};

	if (oci_challenge_parse(&c, text, &err)) {
		BUG_IF(err.kind != ERR_RETRY);
	} else {
		struct oci_challenge again = c;

		/* The same header once more changes nothing. */
		BUG_IF(oci_challenge_parse(&again, text, &err));
		BUG_IF(memcmp(&again, &c, sizeof(c)) != 0);
	}
	plain(c.realm, sizeof(c.realm));
	plain(c.service, sizeof(c.service));
	plain(c.scope, sizeof(c.scope));
	BUG_IF(c.scheme == OCI_AUTH_BEARER && !c.realm[0]);
	if (!oci_realm_check(c.scheme ? c.realm : text, "https://reg.example", &err)) {
		BUG_IF(url_parse(&u, c.scheme ? c.realm : text, &err));
		BUG_IF(!u.https || u.has_user);
	}
	return 0;
}
