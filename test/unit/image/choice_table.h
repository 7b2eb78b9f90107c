/*
 * Reads a table of choices that test/e2e/tools/policydiff printed and holds lib/image/choose.h to
 * it: the tag that wins by Go's own packages is in the last column of each row. Used by the Check
 * tests with a frozen table and by test/e2e/policydiff.c with fresh ones.
 */
#ifndef TEST_IMAGE_CHOICE_TABLE_H
#define TEST_IMAGE_CHOICE_TABLE_H

struct choice_result {
	unsigned long passed;
	unsigned long failed; /* the first ones were printed to stderr */
};

/* 0, or -1 when the file cannot be read or is not such a table (said on stderr). */
int choice_table_run(const char *path, struct choice_result *res);

#endif
