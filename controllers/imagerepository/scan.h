/*
 * A scan as a run of an ImageRepository does it: the rows from the compiled exclusion list to the
 * file of tags. steps.c decides whether one is due, and what the status says of it. Loop thread.
 */
#ifndef IMAGEREPOSITORY_SCAN_H
#define IMAGEREPOSITORY_SCAN_H
#include "controllers/imagerepository/spec.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "ev/timer.h"
#include "image/catalog.h"
#include "image/tags_write.h"
#include "oci/ref.h"
#include "source/registry.h"

struct account;

struct imagerepository_env {
	struct registry_env registry;
	struct image_catalog *catalog;
	struct account *account;
	struct controller *controller; /* its own */
	struct image_listener listener;
};

struct imagerepository_item {
	struct item item;
	struct spec *told; /* what the catalog was told */
	bool pushed; /* a tag was, since the last scan began */
	uint64_t budget; /* of memory, that the last list needed; 0: none was long */
};

struct imagerepository_run {
	struct run run;
	struct oci_repo where;
	struct login login;
	const char *why; /* it scans; NULL: it does not */
	uint64_t since_ms, until_ms; /* the scan, on clock_ms() */
	struct timer timer;
	bool late; /* the time is over */
	struct image_filter filter;
	struct op *grant; /* the memory for the list */
	struct image_tags_list list;
	uint64_t left_ms; /* of the time, while it waits for that memory */
	bool over; /* the list needs more than the budget */
	struct timer pace; /* of the list, while it holds memory */
	uint64_t paced; /* bytes of it when that was set */
	bool slow; /* others wait for the memory, and the list comes too slowly */
	struct op *written; /* done; its result is in there */
};

#define IMAGE_RUN(r) CONTAINER_OF(r, struct imagerepository_run, run)
#define IMAGE_ITEM(i) CONTAINER_OF(i, struct imagerepository_item, item)
#define IMAGE_SPEC(r) IMAGEREPOSITORY_SPEC((r)->spec)
#define IMAGE_ENV(c_) ((struct imagerepository_env *)(c_)->opts.env)

/* Its rows, in this order; each does nothing in a run that does not scan. */
#define SCAN_FILTER {"filter", scan_filter_start, scan_filter_resume}
#define SCAN_PROVIDER {"provider", scan_provider_start, NULL}
#define SCAN_CREDENTIALS {"credentials", scan_credentials_start, scan_credentials_resume}
#define SCAN_MEMORY {"memory", scan_memory_start, scan_memory_resume}
#define SCAN_TAGS {"tags", scan_tags_start, scan_tags_resume}
#define SCAN_WRITE {"write", scan_write_start, scan_write_resume}
/* Of the exit table. */
#define SCAN_REREAD {"reread", scan_reread_start, scan_reread_resume}

enum step_ret scan_filter_start(struct task *t);
enum step_ret scan_filter_resume(struct task *t);
enum step_ret scan_provider_start(struct task *t);
enum step_ret scan_credentials_start(struct task *t);
enum step_ret scan_credentials_resume(struct task *t);
enum step_ret scan_memory_start(struct task *t);
enum step_ret scan_memory_resume(struct task *t);
enum step_ret scan_tags_start(struct task *t);
enum step_ret scan_tags_resume(struct task *t);
enum step_ret scan_write_start(struct task *t);
enum step_ret scan_write_resume(struct task *t);
enum step_ret scan_reread_start(struct task *t);
enum step_ret scan_reread_resume(struct task *t);
/* What a run holds of it. */
void scan_clear(struct imagerepository_run *i);

#endif
