#include "app.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/reread.h"
#include "source/public_root.h"
#include "source/sigstore_root.h"
#include "source/trust_file.h"

#include <fcntl.h>
#include <stdlib.h>

/* The variables that cosign's library obeys in Flux's source-controller. */
static const char *env_text(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Without TUF_ROOT only a folder of our own will do: one in /tmp with a name that everybody knows
   may be somebody else's. */
static char *kept_dir(const struct app *a)
{
	const char *root = env_text("TUF_ROOT");

	if (root)
		return mem_strdup(root);
	return a->state_dir ? mem_printf("%s/sigstore", a->state_dir) : NULL;
}

static int start_public_root(struct app *a, void (*on_taken)(void *a), struct err *err)
{
	auto_buf struct buf own = BUF_INIT(LIMIT_TUF_META);
	const char *file = env_text("TUF_ROOT_JSON");
	auto_free char *dir = kept_dir(a);

	if (file && sys_read_file(AT_FDCWD, file, &own, err))
		return err_wrap(err, "TUF_ROOT_JSON");
	a->public_root = public_root_new(&(struct public_root_opts){.loop = a->loop,
						 .http = a->http,
						 .url = env_text("TUF_MIRROR"),
						 .dir = dir,
						 .root = file ? buf_str(&own) : sigstore_root,
						 .root_len = file ? own.len : sigstore_root_len,
						 .on_taken = on_taken,
						 .arg = a},
		err);
	return a->public_root
		? 0
		: err_wrap(err, "%s", file ? "TUF_ROOT_JSON, TUF_MIRROR" : "TUF_MIRROR");
}

int app_start_trust(struct app *a, void (*on_taken)(void *a), struct err *err)
{
	if (!a->flags.trusted_root)
		return start_public_root(a, on_taken, err);
	a->trust = trust_file_new(a->loop, a->flags.trusted_root, err);
	if (!a->trust)
		return err_wrap(err, "--sigstore-trusted-root");
	reread_on_taken(trust_file_reread(a->trust), on_taken, a);
	return 0;
}
