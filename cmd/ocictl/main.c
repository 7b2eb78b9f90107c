/*
 * ocictl: makes, promotes and looks at Flux artifacts. Flags and wiring only, a file for each
 * command; the work is in lib/oci and lib/pack. Exit status: 0 done, 1 it failed (diff: they
 * differ), 2 the command line is wrong (diff: it failed). stdout has the result, stderr everything
 * else.
 */
#include "base/mem.h"
#include "cmd/ocictl/args.h"
#include "cmd/ocictl/commands.h"

#include <locale.h>
#include <signal.h>

int main(int argc, char **argv)
{
	static int (*const commands[])(struct args *) = {
		[COMMAND_PUSH] = command_push,
		[COMMAND_TAG] = command_tag,
		[COMMAND_RESOLVE] = command_resolve,
		[COMMAND_PULL] = command_pull,
		[COMMAND_LIST] = command_list,
		[COMMAND_DIFF] = command_diff,
		[COMMAND_VERIFY] = command_verify,
		[COMMAND_POLICY] = command_policy,
	};
	enum command command;
	struct args a;
	int rc;

	mem_setup();
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	if (!args_read(&a, argc, argv, &command, &rc))
		rc = commands[command](&a);
	args_clear(&a);
	return rc;
}
