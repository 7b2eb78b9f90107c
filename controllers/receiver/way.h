/*
 * Where a request goes, by its target alone, as Go's net/http.ServeMux has it with one pattern,
 * "/hook/": a path that is not written in its shortest form is led to that one, "/hook" to
 * "/hook/". Any bytes; any thread.
 */
#ifndef RECEIVER_WAY_H
#define RECEIVER_WAY_H
#include "base/buf.h"

enum receiver_way {
	WAY_HOOK, /* below "/hook/", byte for byte as it is */
	WAY_ELSEWHERE, /* led to another target */
	WAY_NOWHERE,
};

/* elsewhere: empty; with WAY_ELSEWHERE the target, query included. */
enum receiver_way receiver_way_of(const char *target, struct buf *elsewhere);

#endif
