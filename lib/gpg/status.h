/* What GnuPG's programs say for other programs (doc/DETAILS of GnuPG, "Format of the --status-fd
   output"). Inside lib/gpg only; any thread. */
#ifndef GPG_STATUS_H
#define GPG_STATUS_H
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* A line: "[GNUPG:] WORD argument argument ...". Borrowed. */
struct gpg_status {
	const char *rest; /* where the next line begins */
	const char *end;
	const char *word, *args;
	size_t word_len, args_len;
};

void gpg_status_init(struct gpg_status *s, const struct buf *text);
/* False: there is no further one. Other lines are read over. */
bool gpg_status_next(struct gpg_status *s);
bool gpg_status_is(const struct gpg_status *s, const char *word);
/* Argument i, from 0; *n is 0 where there is none. */
const char *gpg_status_arg(const struct gpg_status *s, unsigned i, size_t *n);
/* Appends what the first line says that the program of this name wrote to stderr, printable. */
void gpg_stderr_add(struct buf *out, const char *program, const struct buf *text);

#endif
