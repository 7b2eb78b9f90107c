#include "base/ascii.h"
#include "base/ip.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cloud/aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PUBLIC_REGION "us-east-1"

/*
 * A partition of AWS: the suffix of its hosts, that of its hosts which have IPv6 too, and that of
 * its registries which have. NULL: such registries are not known. (AWS's manuals: "Amazon ECR
 * endpoints and quotas"; the SDKs' table of partitions.) GovCloud shares the first row.
 */
static const struct {
	const char *suffix, *dual, *registry;
} partitions[] = {
	{"amazonaws.com", "api.aws", "on.aws"},
	{"amazonaws.com.cn", "api.amazonwebservices.com.cn", "on.amazonwebservices.com.cn"},
	{"amazonaws.eu", "api.amazonwebservices.eu", "on.amazonwebservices.eu"},
	{"c2s.ic.gov", "api.aws.ic.gov", NULL},
	{"sc2s.sgov.gov", "api.aws.scloud", NULL},
	{"cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", NULL},
	{"csp.hci.ic.gov", "api.aws.hci.ic.gov", NULL},
};

/* What stands between account and region. */
static const struct {
	const char *text;
	bool fips, dual;
} infixes[] = {
	{".dkr.ecr.", false, false},
	{".dkr.ecr-fips.", true, false},
	{".dkr-ecr.", false, true},
	{".dkr-ecr-fips.", true, true},
};

static const char *const public_hosts[] = {"public.ecr.aws", "ecr-public.aws.com"};

bool aws_is_true(const struct cloud_env *env, const char *variable)
{
	const char *value = cloud_env_get(env, variable);

	return value && !strcasecmp(value, "true");
}

static const char *dual_of(const char *suffix)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(partitions); i++)
		if (!strcmp(partitions[i].suffix, suffix))
			return partitions[i].dual;
	return suffix;
}

/* ---- hosts ----------------------------------------------------------------------------------- */

/* It ends in the condition of each object with a wrong provider: one example, not all forms. */
static int place_refuse(const char *host, struct err *err)
{
	return err_set(err, ERR_RETRY,
		"'%.255s' is no registry of AWS such as ACCOUNT.dkr.ecr.REGION.%s or %s: correct "
		"spec.provider, or use a pull Secret",
		host, partitions[0].suffix, public_hosts[0]);
}

static bool place_is_public(const char *host, size_t n)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(public_hosts); i++)
		if (strlen(public_hosts[i]) == n && !memcmp(public_hosts[i], host, n))
			return true;
	return false;
}

static void place_public(const struct cloud *c, struct cloud_place *place)
{
	bool dual = aws_is_true(&c->env, "AWS_USE_DUALSTACK_ENDPOINT");

	place->form = AWS_PUBLIC;
	snprintf(place->region, sizeof(place->region), PUBLIC_REGION);
	snprintf(place->suffix, sizeof(place->suffix), "%s", partitions[0].suffix);
	/* There is none of FIPS. */
	snprintf(place->api, sizeof(place->api), "%s." PUBLIC_REGION ".%s",
		dual ? "ecr-public" : "api.ecr-public",
		dual ? partitions[0].dual : partitions[0].suffix);
}

/* Reads "REGION.SUFFIX" of n bytes. */
static int place_take(struct cloud_place *place, const char *p, size_t n, bool dual)
{
	const char *dot = memchr(p, '.', n), *c, *suffix;
	size_t region = dot ? (size_t)(dot - p) : n, rest, i;

	if (!dot || !region || region >= sizeof(place->region))
		return -1;
	for (c = p; c < dot; c++)
		if (!ascii_is_lower(*c) && !ascii_is_digit(*c) && *c != '-')
			return -1;
	rest = n - region - 1;
	for (i = 0; i < ARRAY_LEN(partitions); i++) {
		suffix = dual ? partitions[i].registry : partitions[i].suffix;
		if (!suffix || strlen(suffix) != rest || memcmp(suffix, dot + 1, rest) != 0)
			continue;
		memcpy(place->region, p, region);
		snprintf(place->suffix, sizeof(place->suffix), "%s", partitions[i].suffix);
		return 0;
	}
	return -1;
}

static int place_private(
	const struct cloud *c, const char *host, size_t n, struct cloud_place *place)
{
	size_t account = 0, i, k;
	bool fips, dual;

	while (account < n && ascii_is_digit(host[account]))
		account++;
	if (account != 12)
		return -1;
	for (i = 0; i < ARRAY_LEN(infixes); i++) {
		k = strlen(infixes[i].text);
		if (n - account > k && !memcmp(host + account, infixes[i].text, k))
			break;
	}
	if (i == ARRAY_LEN(infixes) ||
		place_take(place, host + account + k, n - account - k, infixes[i].dual))
		return -1;
	fips = infixes[i].fips || aws_is_true(&c->env, "AWS_USE_FIPS_ENDPOINT");
	dual = infixes[i].dual || aws_is_true(&c->env, "AWS_USE_DUALSTACK_ENDPOINT");
	snprintf(place->api, sizeof(place->api), "%s%s.%s.%s", dual ? "ecr" : "api.ecr",
		fips ? "-fips" : "", place->region, dual ? dual_of(place->suffix) : place->suffix);
	return 0;
}

int aws_place(const struct cloud *c, const char *host, struct cloud_place *place, struct err *err)
{
	size_t n = strlen(host);

	*place = (struct cloud_place){.form = 0};
	if (n > 4 && !strcmp(host + n - 4, ":443"))
		n -= 4;
	if (place_is_public(host, n)) {
		place_public(c, place);
		return 0;
	}
	return place_private(c, host, n, place) ? place_refuse(host, err) : 0;
}

/* ---- endpoints ------------------------------------------------------------------------------- */

char *aws_sts_url(const struct cloud_env *env, const struct cloud_place *place)
{
	bool dual = aws_is_true(env, "AWS_USE_DUALSTACK_ENDPOINT");
	bool fips = aws_is_true(env, "AWS_USE_FIPS_ENDPOINT");

	/* All of GovCloud's STS is of FIPS, under its plain name. */
	if (!dual && !strncmp(place->region, "us-gov-", 7))
		fips = false;
	return mem_printf("https://sts%s.%s.%s/", fips ? "-fips" : "", place->region,
		dual ? dual_of(place->suffix) : place->suffix);
}

bool aws_is_local(const struct url *u)
{
	/* Where AWS's services of a machine are in IPv6; those of IPv4 are link-local. */
	static const struct ip_net ec2 = {{{0xfd, 0x00, 0x0e, 0xc2}}, 32};
	enum host_class class = host_classify(u->host);
	struct ip ip;

	return class == HOST_LOOPBACK || class == HOST_LOCALHOST || class == HOST_LINK_LOCAL ||
		(!ip_parse(&ip, u->host) && ip_net_has(&ec2, &ip));
}

int aws_endpoint(struct aws_endpoint *e, const struct cloud_env *env, const char *variable,
	const char *fallback, struct err *err)
{
	const char *value = cloud_env_get(env, variable);
	auto_buf struct buf url = BUF_INIT(LIMIT_URL), authority = BUF_INIT(LIMIT_URL);
	auto_url struct url u = {0};

	if (url_parse(&u, value ? value : fallback, err)) {
		err->kind = ERR_RETRY; /* it is not the object's spec that has to change */
		return err_wrap(err, "%s", variable);
	}
	if (u.has_user || u.has_query || u.has_fragment)
		return err_set(err, ERR_RETRY,
			"%s: a URL without user, query and fragment is needed", variable);
	url_format(&u, &url);
	url_authority(&u, &authority);
	*e = (struct aws_endpoint){
		buf_take(&url), buf_take(&authority), MOVE(u.path), aws_is_local(&u)};
	return 0;
}

void aws_endpoint_clear(struct aws_endpoint *e)
{
	free(e->url);
	free(e->host);
	free(e->path);
	*e = (struct aws_endpoint){.url = NULL};
}
