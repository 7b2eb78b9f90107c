/* Fault points exist in test builds only; so do these tests (test/fault/store_faults.c). */
#ifdef TEST_BUILD
#include "test/fault/store_faults.c" /* NOLINT */
#else
#include <check.h>

Suite *suite_store_faults(void);

Suite *suite_store_faults(void)
{
	return suite_create("store_faults");
}
#endif
