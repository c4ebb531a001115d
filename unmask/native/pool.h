/* Threads that work on one thing together: they spin for a moment, then sleep. */
#ifndef UNMASK_POOL_H
#define UNMASK_POOL_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct Pool Pool;
typedef void (*Task)(void *shared, Pool *pool, int thread);

Pool *pool_new(int threads);
void pool_free(Pool *pool);
int pool_threads(const Pool *pool);

/* Run `task` on every thread, the caller being the first; returns when all are done. One caller at a time. */
void pool_run(Pool *pool, Task task, void *shared);

/* Within a task: wait until all threads have come here; who comes early asks memory for what it will read next. */
void pool_wait_before(Pool *pool, const void *next, int64_t bytes);
static inline void pool_wait(Pool *pool) { pool_wait_before(pool, 0, 0); }

/* A counter that threads take numbers from. */
typedef atomic_llong Counter;

/* The first of `step` numbers that nobody has taken yet. */
static inline int64_t take(Counter *counter, int64_t step) {
    return atomic_fetch_add_explicit(counter, step, memory_order_relaxed);
}

#endif
