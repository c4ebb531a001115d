/* Texts cut into chunks, and the ids of chunks that were there before; unmask/data/chunks.py tells why.
 *
 * A batch of texts goes through it in order: chunks_scan cuts them, chunks_fresh tells which chunks have no ids yet,
 * chunks_spell takes those, chunks_lengths and chunks_join give the texts' ids. One thread at a time. Texts are UTF-8,
 * halves of surrogate pairs being three bytes each.
 */
#ifndef UNMASK_CHUNKS_H
#define UNMASK_CHUNKS_H

#include <stdint.h>

typedef struct Chunks Chunks;

/* words: what \s matches parts words, otherwise the blank alone; marks: so does the end of a word before a mark.
 * Of chunks up to `longest` characters the ids are remembered, until there are more than `most`. NULL: no memory. */
Chunks *chunks_new(int words, int marks, int64_t most, int64_t longest, uint64_t seed);
void chunks_free(Chunks *c);

/* Text i ends at byte ends[i] of `bytes`, where the next begins. How many different chunks have no ids; -1: no memory. */
int64_t chunks_scan(Chunks *c, const uint8_t *bytes, const int64_t *ends, int64_t texts);
void chunks_fresh(const Chunks *c, int64_t *begins, int64_t *ends); /* where they first are, in `bytes` */
int chunks_spell(Chunks *c, const uint32_t *ids, const int64_t *ends); /* of all of them in this order; -1: no memory */
void chunks_lengths(const Chunks *c, int64_t *lengths); /* [texts]: how many ids each has */
void chunks_join(const Chunks *c, uint32_t *ids);       /* of the texts one after the other */

uint64_t chunks_hash(uint64_t seed, const uint8_t *key, int64_t length);

#endif
