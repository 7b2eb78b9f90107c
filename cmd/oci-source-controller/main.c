/* oci-source-controller (README.md). Flags, wiring, signals; no logic. */
#include "app.h"
#include "base/log.h"
#include "base/mem.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
	static struct app app;
	struct err err = {0};

	mem_setup();
	/* libarchive converts names by the locale: everything here is UTF-8. */
	setlocale(LC_CTYPE, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	if (flags_parse(&app.flags, argc, argv, &err)) {
		fprintf(stderr, "oci-source-controller: %s\n", err.msg);
		return 2;
	}
	if (app.flags.help) {
		flags_usage();
		return 0;
	}
	if (app.flags.version) {
		puts(VERSION);
		return 0;
	}
	log_info(NULL, "starting oci-source-controller", LS("version", VERSION));
	if (app_start(&app, &err)) {
		log_error(NULL, "cannot start", LE(&err));
		return 1;
	}
	loop_run(app.loop);
	log_info(NULL, "stopped");
	app_free(&app);
	return 0;
}
