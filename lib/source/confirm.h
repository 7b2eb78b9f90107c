/*
 * What an object's status names at this moment, found out at the API server: where others write
 * statuses, a consumer may have been told of a file before our watch was. One question an object at
 * a time; the store bounds how often (store.h, on_unknown). Loop thread.
 */
#ifndef SOURCE_CONFIRM_H
#define SOURCE_CONFIRM_H
#include <stdbool.h>

struct controller;

/* on_unknown of the store. False: dir is not an object's of this controller. */
bool confirm_status(struct controller *c, const char *dir);
#endif
