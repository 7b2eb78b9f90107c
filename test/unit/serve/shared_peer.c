#include "test/unit/http/server_peer.c" /* NOLINT */
