/*
 * When the index goes to the disk for the next process (its text: saved.h): ten seconds after a
 * change, and ten more for each MiB that the last one had, so that neither many changes nor many
 * files make it write more than a tenth of a MiB a second; and when store_save_start is called. A
 * failure is no error for anybody: the next time is tried after the same pause. Internal to
 * lib/store. Loop thread.
 */
#ifndef STORE_SAVER_H
#define STORE_SAVER_H
#include "ev/op.h"
#include "ev/timer.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_BOOT_MAX 64

struct store;

struct saver {
	char boot[STORE_BOOT_MAX]; /* "": not started */
	struct timer timer;
	struct op *op; /* the one that the timer has started */
	bool again; /* something changed since it began */
	uint64_t last; /* bytes of the last one */
};

/* Blocks, any thread. "": the kernel does not say. */
void saver_boot_read(char out[STORE_BOOT_MAX]);
/* The scan has ended. Nothing is saved before: what it had not seen yet would be forgotten; nor
   where `boot` is empty. Called again it does nothing. The store stops it when it closes. */
void saver_start(struct store *s, const char *boot);
/* The index has changed. Before saver_start: nothing. */
void saver_changed(struct store *s);

#endif
