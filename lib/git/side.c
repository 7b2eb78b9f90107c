#include "git/side.h"

#include "base/limits.h"
#include "git/gitc.h"
#include "git/said.h"

#include <string.h>

void gitc_side_init(struct gitc_side *s)
{
	*s = (struct gitc_side){.said = BUF_INIT(LIMIT_GIT_SAID)};
}

void gitc_side_clear(struct gitc_side *s)
{
	buf_clear(&s->said);
}

/* Lines that a terminal would have overwritten are left out: "\r" ends a passing state. */
static void hear(struct gitc_side *s, const char *p, size_t n)
{
	size_t i, from = 0;

	for (i = 0; i < n; i++) {
		if (p[i] != '\r' && p[i] != '\n')
			continue;
		if (p[i] == '\n' && i > from) {
			if (s->said.len)
				buf_addc(&s->said, ' ');
			gitc_said_add(&s->said, p + from, i - from);
		}
		from = i + 1;
	}
	if (i > from && !buf_over(&s->said)) {
		if (s->said.len)
			buf_addc(&s->said, ' ');
		gitc_said_add(&s->said, p + from, i - from);
	}
}

int gitc_side_read(struct gitc_side *s, struct gitc_pkt *pkt, struct err *err)
{
	int band = pkt->n ? pkt->p[0] : 0;

	if (pkt->n) {
		pkt->p++;
		pkt->n--;
	}
	switch (band) {
	case 1:
		return 1;
	case 2:
		s->progress += pkt->n;
		if (s->progress > LIMIT_GIT_PROGRESS)
			return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
				"the server says more than %llu bytes of how far it is",
				LIMIT_GIT_PROGRESS);
		if (!buf_over(&s->said))
			hear(s, pkt->p, pkt->n);
		return 0;
	case 3:
		return gitc_said_error("the server gives up", pkt->p, pkt->n, err);
	default:
		return err_code(err, ERR_RETRY, GITC_PROTOCOL,
			"the server's answer is no Git: there is no band %d", band);
	}
}
