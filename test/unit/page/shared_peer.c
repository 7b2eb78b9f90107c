/* The raw client of the server's tests. */
#include "test/unit/http/server_peer.c" /* NOLINT */
