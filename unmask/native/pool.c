/* Threads that work on one thing together; see pool.h.
 *
 * Between two steps of one model pass microseconds, so a thread that waits spins. Between two tokens it spins a little
 * and then sleeps, since the processor belongs to others then (PyTorch's own threads among them).
 */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#if defined(__x86_64__) || defined(__i386__)
#define pause_once() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define pause_once() __asm__ volatile("yield")
#else
#define pause_once() ((void)0)
#endif

enum { SPINS_IN_TASK = 1 << 10, SPINS_BETWEEN = 1 << 11, LINE = 64 /* bytes that memory gives at a time */ };

struct Pool {
    int threads;
    pthread_t *workers;
    Task task;
    void *shared;
    _Alignas(64) atomic_uint started; /* grows with each run */
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_uint passed; /* grows with each wait */
    _Alignas(64) atomic_int ending;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

typedef struct {
    Pool *pool;
    int thread;
} Start;

int pool_threads(const Pool *pool) { return pool->threads; }

void pool_wait_before(Pool *pool, const void *next, int64_t bytes) {
    const char *line = next, *end = line + bytes;
    if (pool->threads == 1) return;
    unsigned passed = atomic_load_explicit(&pool->passed, memory_order_acquire);
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) == pool->threads - 1) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->passed, passed + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&pool->passed, memory_order_acquire) == passed; spins++) {
        if (line < end) __builtin_prefetch(line), line += LINE;
        else if (spins < SPINS_IN_TASK) pause_once();
        else sched_yield(); /* somebody else has our processor's twin */
    }
}

/* The number of a run after `seen`. */
static unsigned next_run(Pool *pool, unsigned seen) {
    unsigned now;
    for (int spins = 0; spins < SPINS_BETWEEN; spins++) {
        now = atomic_load_explicit(&pool->started, memory_order_acquire);
        if (now != seen) return now;
        pause_once();
    }
    pthread_mutex_lock(&pool->mutex);
    while ((now = atomic_load_explicit(&pool->started, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->wake, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
    return now;
}

static void *work(void *given) {
    Start start = *(Start *)given;
    free(given);
    for (unsigned seen = 0;;) {
        seen = next_run(start.pool, seen);
        if (atomic_load(&start.pool->ending)) return NULL;
        start.pool->task(start.pool->shared, start.pool, start.thread);
        pool_wait(start.pool);
    }
}

static void announce(Pool *pool) {
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->started, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
}

void pool_run(Pool *pool, Task task, void *shared) {
    pool->task = task;
    pool->shared = shared;
    if (pool->threads > 1) announce(pool);
    task(shared, pool, 0);
    pool_wait(pool);
}

Pool *pool_new(int threads) {
    Pool *pool = aligned_alloc(64, (sizeof(Pool) + 63) / 64 * 64);
    if (!pool) return NULL;
    *pool = (Pool){.threads = 1, .workers = calloc((size_t)threads, sizeof(pthread_t))};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    for (; pool->workers && pool->threads < threads; pool->threads++) {
        Start *start = malloc(sizeof(Start));
        if (start) *start = (Start){pool, pool->threads};
        if (!start || pthread_create(&pool->workers[pool->threads], NULL, work, start)) {
            free(start);
            break;
        }
    }
    if (pool->threads == threads) return pool;
    pool_free(pool);
    return NULL;
}

void pool_free(Pool *pool) {
    atomic_store(&pool->ending, 1);
    announce(pool);
    for (int thread = 1; thread < pool->threads; thread++) pthread_join(pool->workers[thread], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}
