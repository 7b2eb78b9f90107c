#include "cloud/aws.h"

/* Where STS is asked. */
static void aws_access_key(const struct cloud_ticket *t, struct buf *key)
{
	buf_addf(key, "%s\n%s\n", t->place.region, t->place.suffix);
}

static void aws_credential_key(const struct cloud_ticket *t, struct buf *key)
{
	buf_addf(key, "%s\n", t->place.api);
}

const struct cloud_provider_ops cloud_aws = {
	.name = "aws",
	.place = aws_place,
	.access_key = aws_access_key,
	.credential_key = aws_credential_key,
	.access = aws_access,
	.credential = aws_ecr_start,
};
