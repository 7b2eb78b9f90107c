/* The rig of the store's tests and the raw client of the server's, for the tests of the two
   together. */
#include "test/unit/store/rig.c" /* NOLINT */
