/* The report of a push: whole or in pieces it says the same; when it says that all is well, each
   ref was heard of, and one that was refused has a reason. The first byte: bands, and the size of
   the pieces. */
#include "git/report.h"

#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int read_in(struct gitc_pushed *updates, bool bands, const char *p, size_t n, size_t piece)
{
	struct gitc_report r;
	struct err err = {0};
	size_t at, len;
	int rc = 0;

	updates[0] = (struct gitc_pushed){.name = "refs/heads/a"};
	updates[1] = (struct gitc_pushed){.name = "refs/heads/b"};
	gitc_report_init(&r, updates, 2, bands);
	for (at = 0; at < n && rc >= 0; at += len) {
		len = n - at < piece ? n - at : piece;
		rc = gitc_report_feed(&r, p + at, len, &err);
	}
	if (rc >= 0)
		rc = gitc_report_end(&r, &err);
	BUG_IF(rc && err.kind == ERR_NONE);
	gitc_report_clear(&r);
	return rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct gitc_pushed whole[2], pieces[2];
	const char *p = (const char *)data + 1;
	int rc, i;

	if (!size)
		return 0;
	rc = read_in(whole, data[0] & 1, p, size - 1, size);
	BUG_IF(rc != read_in(pieces, data[0] & 1, p, size - 1, (size_t)(data[0] >> 1) + 1));
	for (i = 0; i < 2; i++) {
		BUG_IF(!rc && whole[i].ok != pieces[i].ok);
		BUG_IF(!rc && whole[i].ok == (whole[i].why != NULL));
		free(whole[i].why);
		free(pieces[i].why);
	}
	return 0;
}
