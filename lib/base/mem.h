/*
 * Small allocations that abort when memory is out: Kubernetes restarts the pod, a half-checked path
 * would not recover. Whatever a stranger can size goes through lib/base/buf with a limit instead.
 * Any thread. mem.c alone calls malloc.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H
#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_zalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_realloc(void *p, size_t size) __attribute__((returns_nonnull));
/* Array of n elements of size bytes; aborts on overflow. */
void *mem_array(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s); /* NULL stays NULL */
char *mem_strndup(const char *s, size_t n); /* always terminated */
void *mem_dup(const void *p, size_t n);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
/* Wipes, in a way the compiler may not drop. */
void mem_wipe(void *p, size_t n);
/* One arena, a low trim threshold: call first in main(). */
void mem_setup(void);
/* Gives free pages back to the kernel: after a long list or a large pull. */
void mem_trim(void);
/* Bytes that are allocated now, libraries included. Walks the allocator's lists: for a metrics
   page, not for a loop. */
size_t mem_in_use(void);

#define NEW(type) ((type *)mem_zalloc(sizeof(type)))

/* Hands a pointer on and leaves NULL behind. */
#define MOVE(p) \
	__extension__({ \
		__typeof__(p) *move_ = &(p); \
		__typeof__(p) value_ = *move_; \
		*move_ = NULL; \
		value_; \
	})

void mem_auto_free(void *pp);
/* auto_free char *s = mem_strdup("x"); is freed when s goes out of scope. */
#define auto_free __attribute__((cleanup(mem_auto_free)))

void mem_auto_close(int *fd);
/* auto_fd int fd = open(...); is closed when it goes out of scope; -1 is left alone. */
#define auto_fd __attribute__((cleanup(mem_auto_close)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#endif
