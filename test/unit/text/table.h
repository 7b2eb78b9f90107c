/*
 * Reads a table that test/e2e/tools/{semver,ignore,yaml,cel,policy}diff printed and holds lib/text
 * to it: what the peer's Go modules say is in the last column of each row. Used by the Check tests
 * with frozen tables and by test/e2e/textdiff.c with fresh ones.
 */
#ifndef TEST_TEXT_TABLE_H
#define TEST_TEXT_TABLE_H

struct table_result {
	unsigned long passed;
	unsigned long failed; /* each was printed to stderr, the first ones at least */
};

/* 0, or -1 when the file cannot be read or is not such a table (said on stderr). */
int table_run(const char *path, struct table_result *res);

#endif
