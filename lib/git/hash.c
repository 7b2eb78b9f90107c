#include "git/hash.h"

#include "git/gitc.h"

#include <git2/errors.h>
#include <git2/global.h>
#include <git2/odb.h>
#include <pthread.h>
#include <string.h>

/* Ours are git's numbers. */
_Static_assert((int)GITC_COMMIT == (int)GIT_OBJECT_COMMIT &&
		(int)GITC_TREE == (int)GIT_OBJECT_TREE && (int)GITC_BLOB == (int)GIT_OBJECT_BLOB &&
		(int)GITC_TAG == (int)GIT_OBJECT_TAG,
	"types of objects");

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* It stays set up until the process ends. */
static void lib_setup(void)
{
	BUG_IF(git_libgit2_init() < 1);
}

int gitc_hash(struct gitc_oid *oid, enum gitc_type type, const void *p, size_t n, struct err *err)
{
	const git_error *e;
	git_oid id;

	pthread_once(&once, lib_setup);
	if (!git_odb_hash(&id, p ? p : "", n, (git_object_t)type)) {
		memcpy(oid->b, id.id, sizeof(oid->b));
		return 0;
	}
	e = git_error_last();
	return err_code(err, ERR_RETRY, GITC_BAD_PACK, "a %s is refused: %s", gitc_type_name(type),
		e && e->message ? e->message : "no reason given");
}
