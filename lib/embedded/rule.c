#include "embedded/rule.h"

#include "base/mem.h"
#include "base/obj.h"

#include <string.h>

static bool rule_is(const json_t *self, const char *field, const char *value)
{
	return !strcmp(obj_str_or("", self, field), value);
}

static bool rule_has(const json_t *self, const char *field)
{
	return json_object_get(self, field) != NULL;
}

/* ---- GitRepository --------------------------------------------------------------------------- */

static bool git_account_needs_cloud(const json_t *self)
{
	return !rule_has(self, "serviceAccountName") || rule_is(self, "provider", "azure") ||
		rule_is(self, "provider", "aws");
}

/* ---- ImagePolicy ----------------------------------------------------------------------------- */

static bool policy_interval_only_always(const json_t *self)
{
	return !rule_has(self, "interval") || rule_is(self, "digestReflectionPolicy", "Always");
}

static bool policy_always_has_interval(const json_t *self)
{
	return rule_has(self, "interval") || !rule_is(self, "digestReflectionPolicy", "Always");
}

/* ---- Receiver -------------------------------------------------------------------------------- */

static bool receiver_is_oidc(const json_t *self)
{
	return rule_is(self, "type", "generic-oidc");
}

static bool receiver_has_providers(const json_t *self)
{
	return json_array_size(json_object_get(self, "oidcProviders")) > 0;
}

static bool receiver_oidc_has_providers(const json_t *self)
{
	return !receiver_is_oidc(self) || receiver_has_providers(self);
}

static bool receiver_providers_only_oidc(const json_t *self)
{
	return receiver_is_oidc(self) || !receiver_has_providers(self);
}

static bool receiver_oidc_has_no_secret(const json_t *self)
{
	return !receiver_is_oidc(self) || !rule_has(self, "secretRef");
}

static bool receiver_others_have_secret(const json_t *self)
{
	return receiver_is_oidc(self) || rule_has(self, "secretRef");
}

/* ----  */

static const struct {
	const char *text;
	emb_rule_fn holds;
} RULES[] = {
	{"!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || "
	 "self.provider == 'aws'))",
		git_account_needs_cloud},
	{"!has(self.interval) || (has(self.digestReflectionPolicy) && "
	 "self.digestReflectionPolicy == 'Always')",
		policy_interval_only_always},
	{"has(self.interval) || !has(self.digestReflectionPolicy) || "
	 "self.digestReflectionPolicy != 'Always'",
		policy_always_has_interval},
	{"self.type != 'generic-oidc' || (has(self.oidcProviders) && "
	 "size(self.oidcProviders) > 0)",
		receiver_oidc_has_providers},
	{"self.type == 'generic-oidc' || !has(self.oidcProviders) || "
	 "size(self.oidcProviders) == 0",
		receiver_providers_only_oidc},
	{"self.type != 'generic-oidc' || !has(self.secretRef)", receiver_oidc_has_no_secret},
	{"self.type == 'generic-oidc' || has(self.secretRef)", receiver_others_have_secret},
};

emb_rule_fn emb_rule_find(const char *text)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(RULES); i++)
		if (!strcmp(RULES[i].text, text))
			return RULES[i].holds;
	return NULL;
}
