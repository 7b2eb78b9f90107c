/*
 * The serial chain: jobs of the short lane that run one after another, so that the database and
 * everything behind it belongs to exactly one thread at any time and an answer is sent after its
 * commit. Loop thread.
 */
#ifndef EMBEDDED_CHAIN_H
#define EMBEDDED_CHAIN_H
#include <stdbool.h>
#include <stddef.h>

struct loop;
struct emb_chain;

struct emb_chain *emb_chain_new(struct loop *l);
/* `run` gets arg on a worker, then `done` gets it on the loop; the next job starts after that. Both
   are always called, once. */
void emb_chain_add(struct emb_chain *c, void (*run)(void *arg), void (*done)(void *arg), void *arg);
/* Jobs that wait or run. */
size_t emb_chain_len(const struct emb_chain *c);
/* Nothing may wait or run. */
void emb_chain_free(struct emb_chain *c);

#endif
