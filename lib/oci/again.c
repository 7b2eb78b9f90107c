#include "oci/again.h"

#include "base/err.h"
#include "base/limits.h"
#include "crypto/rand.h"
#include "http/client.h"

#include <errno.h>

/* A random time, so that those who met the same accident do not come back together. */
static int64_t again_between(uint32_t least, uint32_t most)
{
	uint32_t r;

	rand_bytes(&r, sizeof(r));
	return least + r % (most - least + 1);
}

bool oci_again_passing(int status)
{
	return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

static int64_t again_after_pause(struct oci_again *a)
{
	if (a->pauses >= LIMIT_AGAIN)
		return -1;
	return a->pauses++ ? again_between(400, 1000) : again_between(100, 300);
}

int64_t oci_again_answer(struct oci_again *a, const struct http_res *res)
{
	int64_t asked = http_retry_after_ms(res), ms;

	switch (res->status) {
	case 429:
		if (asked < 0)
			return -1;
		/* fallthrough */
	case 503:
		if (asked > LIMIT_AGAIN_MS)
			return -1;
		ms = again_after_pause(a);
		return ms >= 0 && ms < asked ? asked : ms;
	case 500:
	case 502:
	case 504:
		return again_after_pause(a);
	default:
		return -1;
	}
}

int64_t oci_again_failure(struct oci_again *a, const struct http_res *res, const struct err *err)
{
	if (err->kind != ERR_RETRY || err->code != -ECONNRESET)
		return -1;
	if (!res->new_connection && !res->headers_complete && !a->at_once) {
		a->at_once = true;
		return 0;
	}
	return again_after_pause(a);
}
