/* A store on a temporary directory, with its loop; ops run to their end. Everything is checked to
   be released at the end. */
#ifndef TEST_STORE_RIG_H
#define TEST_STORE_RIG_H
#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "store/store.h"

#include <check.h>

struct rig {
	struct loop *loop;
	struct store *store;
	char dir[64];
	struct store_opts opts;
	char lost[STORE_PATH_MAX]; /* what on_lost said last */
	unsigned lost_count;
};

#define SPARED_NONE ((const char *const[]){NULL})
#define DIR_A "ocirepository/apps/web"
#define DIR_B "ocirepository/apps/api"
#define HEX64(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define FILE_1 "sha256:" HEX64("11") ".tar.gz"
#define FILE_2 "sha256:" HEX64("22") ".tar.gz"
#define FILE_3 "sha256:" HEX64("33") ".tar.gz"
#define PATH_1 DIR_A "/" FILE_1
#define PATH_2 DIR_A "/" FILE_2
#define PATH_3 DIR_A "/" FILE_3
#define PATH_B DIR_B "/" FILE_1

void rig_open(struct rig *r); /* a new directory; scanned and listed */
void rig_open_raw(struct rig *r); /* neither */
void rig_reopen(struct rig *r); /* the same directory in a new store; neither */
void rig_scan(struct rig *r);
void rig_close(struct rig *r); /* removes the directory */

/* Runs the op to its end and frees it. The error's kind; *err filled when not NULL. */
enum err_kind rig_end(struct rig *r, struct op *op, struct err *err);
/* Runs it, leaves it to the caller. */
void rig_run(struct rig *r, struct op *op);
/* Turns the loop until nothing is left to do right now. */
void rig_settle(struct rig *r);

struct digest rig_digest(const char *text);
/* A temporary file with this text; what fails leaves none. Returns and fills as rig_end. */
enum err_kind rig_temp(struct rig *r, const char *text, struct store_temp *temp, struct err *err);
/* As lib/source/publish.c: a worker's job gives *temp, which holds the text and is taken over, or a
   new one (NULL) its name; when the op is freed, the store is told. */
struct op *rig_publish_start(
	struct rig *r, const char *path, const char *text, struct store_temp *temp);
/* Publishes text under path; must succeed. */
void rig_publish(struct rig *r, const char *path, const char *text);
/* The text into a temporary file, and store_prepare_start of it. */
struct op *rig_prepare_start(struct rig *r, const char *path, const char *text);
/* ... to its end, whatever of it fails. */
enum err_kind rig_prepare(struct rig *r, const char *path, const char *text, struct err *err);
enum store_check rig_check(struct rig *r, const char *path, const char *text);
/* What a request would get: 'H' hit (its text goes to out), 'W' wait, 'M' miss; follows cold. */
char rig_get(struct rig *r, const char *path, char out[64]);
/* File system, past the store. */
bool rig_exists(struct rig *r, const char *path);
void rig_write(struct rig *r, const char *path, const char *text);
unsigned rig_temps(struct rig *r); /* entries in .tmp */

#endif
