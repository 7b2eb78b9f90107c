/*
 * A doubly linked list whose links are members of the elements, as in the Linux kernel and libuv:
 * no allocation, removal without a walk. A head and a free element point at themselves, so that
 * `list_linked` is a comparison and list_out may be called twice. The list owns nothing; an element
 * leaves it before its memory goes. One thread at a time.
 *
 *	struct list line; list_init(&line);
 *	list_add(&line, &item->link);                             at the end
 *	list_each (&line, at) {                                   nothing may leave meanwhile
 *		struct item *i = CONTAINER_OF(at, struct item, link); ...
 *	}
 *	while (!list_empty(&line)) { at = list_first(&line); list_out(at); ... }
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H
#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool list_linked(const struct list *element)
{
	return element->next != element;
}

/* Is there no other in its list? The element is in one. */
static inline bool list_alone(const struct list *element)
{
	return element->next == element->prev;
}

/* At the end of the list; the element is in none. */
static inline void list_add(struct list *head, struct list *element)
{
	element->prev = head->prev;
	element->next = head;
	head->prev->next = element;
	head->prev = element;
}

/* In front of all others; the element is in none. */
static inline void list_add_first(struct list *head, struct list *element)
{
	list_add(head->next, element);
}

static inline void list_out(struct list *element)
{
	element->prev->next = element->next;
	element->next->prev = element->prev;
	list_init(element);
}

/* To the end of the list that it is in. */
static inline void list_to_end(struct list *head, struct list *element)
{
	list_out(element);
	list_add(head, element);
}

/* All of `from`, in its order, behind what `to` has; `from` is empty after. */
static inline void list_append(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	to->prev = from->prev;
	from->prev->next = to;
	list_init(from);
}

/* NULL when it is empty. */
static inline struct list *list_first(const struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

#define list_each(head, at) for ((at) = (head)->next; (at) != (head); (at) = (at)->next)

#endif
