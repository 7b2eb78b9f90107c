/*
 * A growable array of any element type. VEC(type) is an anonymous struct {p, len, cap}; zeroed is
 * empty. The owner frees with vec_clear (the elements themselves are the caller's). Aborts when
 * memory is out, so bound what a stranger can add.
 *
 *	VEC(char *) names = {0};
 *	*vec_add(&names) = mem_strdup("x");
 */
#ifndef BASE_VEC_H
#define BASE_VEC_H
#include "base/mem.h"

#include <stddef.h>
#include <stdlib.h>

#define VEC(type) \
	struct { \
		type *p; \
		size_t len, cap; \
	}

/* A pointer to a new element at the end, its bytes not initialised. */
#define vec_add(v) \
	__extension__({ \
		__typeof__(v) v_ = (v); \
		if (v_->len == v_->cap) { \
			v_->cap = v_->cap ? v_->cap * 2 : 8; \
			v_->p = mem_array(v_->p, v_->cap, sizeof(*v_->p)); \
		} \
		&v_->p[v_->len++]; \
	})

#define vec_clear(v) \
	do { \
		free((v)->p); \
		(v)->p = NULL; \
		(v)->len = (v)->cap = 0; \
	} while (0)

/* An empty one has no p to add to: that would be undefined, even adding 0. */
#define vec_each(v, it) for ((it) = (v)->p; (v)->len && (it) < (v)->p + (v)->len; (it)++)

#endif
