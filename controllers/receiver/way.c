#include "controllers/receiver/way.h"

#include "controllers/receiver/token.h"
#include "http/syntax.h"

#include <stdbool.h>
#include <string.h>

static bool is(const char *p, size_t n, const char *what)
{
	return n == strlen(what) && !memcmp(p, what, n);
}

enum receiver_way receiver_way_of(const char *target, struct buf *elsewhere)
{
	size_t n = strcspn(target, "?");
	bool same;

	/* Of an absolute-form no status has a path. */
	if (*target != '/')
		return WAY_NOWHERE;
	http_path_clean(target, n, elsewhere);
	same = is(target, n, buf_str(elsewhere));
	if (!strcmp(buf_str(elsewhere), "/hook"))
		buf_addc(elsewhere, '/');
	else if (same)
		return strncmp(target, RECEIVER_PATH_PREFIX, strlen(RECEIVER_PATH_PREFIX))
			? WAY_NOWHERE
			: WAY_HOOK;
	buf_adds(elsewhere, target + n);
	return WAY_ELSEWHERE;
}
