/* What make-tuf.py has made: files of a TUF repository of our own. */
#ifndef UNIT_VERIFY_TUF_H
#define UNIT_VERIFY_TUF_H
#include "test/unit/verify/vectors.h"

/* 2026-01-15T12:00:00Z */
#define TUF_NOW_MS 1768478400000LL

/* Its bytes; free them. */
static inline char *tuf_made(const char *name)
{
	auto_free char *text = vector_text("tuf/", "made", ".json");
	json_t *all = json_loads(text, 0, NULL);
	char *one = mem_strdup(json_string_value(json_object_get(all, name)));

	ck_assert_msg(one != NULL, "no '%s' in made.json", name);
	json_decref(all);
	return one;
}

#endif
