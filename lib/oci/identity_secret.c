#include "oci/identity_secret.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "http/secret.h"
#include "oci/identity.h"

#include <stdio.h>
#include <string.h>

static int key_decode(const json_t *secret, const char *key, struct buf *out, struct err *err)
{
	const char *text = obj_str(secret, "data", key);

	if (!text)
		return err_set(err, ERR_RETRY, "it has no key '%s'", key);
	return base64_decode(out, text, strlen(text), BASE64_NEWLINES, err);
}

int oci_identity_add_secret(
	struct oci_identity *id, const json_t *secret, const char *what, struct err *err)
{
	static const struct {
		const char *type, *key;
		enum oci_docker_form form;
	} forms[] = {
		{"kubernetes.io/dockerconfigjson", ".dockerconfigjson", OCI_DOCKER_CONFIG_JSON},
		{"kubernetes.io/dockercfg", ".dockercfg", OCI_DOCKER_CFG}};
	const char *type = obj_str_or("", secret, "type");
	auto_buf struct buf data = BUF_INIT(LIMIT_PULL_SECRET);
	bool known = false;
	char why[160];
	size_t i;
	int rc = 0;

	for (i = 0; i < ARRAY_LEN(forms); i++) {
		if (strcmp(type, forms[i].type) != 0)
			continue;
		known = true;
		rc = key_decode(secret, forms[i].key, &data, err);
		if (rc)
			err_wrap(err, "%s", what);
		else
			rc = oci_identity_add_docker(
				id, data.p, data.len, forms[i].form, what, err);
		mem_wipe(data.p, data.cap);
	}
	if (known)
		return rc;
	snprintf(why, sizeof(why), "of type '%.60s' is no pull secret (type '%s')", type,
		forms[0].type);
	oci_identity_note_nothing(id, what, why);
	return 0;
}

int oci_identity_add_tls(
	struct oci_identity *id, const json_t *secret, const char *what, struct err *err)
{
	bool any;

	if (http_trust_of_secret(oci_identity_trust(id), secret, &any, err))
		return err_wrap(err, "%s", what);
	if (any)
		return 0;
	return err_set(err, ERR_RETRY,
		"%s: must contain either 'ca.crt' or both 'tls.crt' and 'tls.key'", what);
}

int oci_identity_set_proxy(
	struct oci_identity *id, const json_t *secret, const char *what, struct err *err)
{
	if (http_proxy_of_secret(oci_identity_proxy(id), secret, err))
		return err_wrap(err, "%s", what);
	return 0;
}
