/* Attention of tensors as PyTorch keeps them, in threads that it has. */
#include <stdatomic.h>
#include <stdlib.h>

#include "kernels.h"
#include "pool.h"

typedef struct {
    const Glance *glance;
    _Alignas(64) Counter counter; /* on a line of its own */
    atomic_int failed;
} Shared;

static char *at(const Glance *g, const Tensor *t, int64_t row, int64_t head, int64_t token) {
    return (char *)t->numbers + (t->row * row + t->head * head + t->token * token) * slot_bytes(1, (int)g->kept);
}

/* How many slots all tokens of a row see; 0: those up to a token's own. */
static int64_t seen(const Glance *g, int64_t row) {
    if (!g->lengths) return g->causal ? 0 : g->slots;
    return g->lengths[row] < g->slots ? g->lengths[row] : g->slots;
}

/* One key head's queries of some tokens of a row. room: queries and mixed values as float32, then scratch. */
static void look(const Glance *g, int64_t row, int64_t head, int64_t first, int64_t tokens, float *room) {
    const int64_t group = g->heads / g->kv_heads, stride = group * g->width;
    float *queries = room, *mixed = queries + BLOCK * stride;
    const Attention a = {
        .keys = at(g, &g->keys, row, head, 0),
        .values = at(g, &g->values, row, head, 0),
        .width = g->width,
        .stride = g->keys.token * slot_bytes(1, (int)g->kept),
        .kept = (int)g->kept,
        .scale = (float)g->scale,
        .all = seen(g, row),
    };
    for (int64_t t = 0; t < tokens; t++)
        for (int64_t h = 0; h < group; h++)
            kernels()->widen(at(g, &g->queries, row, head * group + h, first + t), a.kept, g->width,
                             queries + t * stride + h * g->width);
    if (g->lengths && a.all < 1) /* nothing is seen */
        for (int64_t i = 0; i < tokens * stride; i++) mixed[i] = 0;
    else kernels()->attend_many(&a, queries, group, tokens, first, stride, mixed, mixed + BLOCK * stride);
    for (int64_t t = 0; t < tokens; t++)
        for (int64_t h = 0; h < group; h++) {
            void *to = at(g, &g->mixed, row, head * group + h, first + t);
            const float *from = mixed + t * stride + h * g->width;
            if (a.kept == BRAINS) kernels()->narrow(from, g->width, to);
            else __builtin_memcpy(to, from, (size_t)g->width * sizeof(float));
        }
}

static void work(void *given) {
    Shared *shared = given;
    const Glance *g = shared->glance;
    const int64_t group = g->heads / g->kv_heads, blocks = (g->tokens + BLOCK - 1) / BLOCK;
    const int64_t floats = 2 * BLOCK * group * g->width + scratch_many(group, g->width);
    float *room = aligned_alloc(64, (size_t)up(floats * 4 + 64, 64));
    if (!room) {
        shared->failed = 1;
        return;
    }
    for (int64_t piece; (piece = take(&shared->counter, 1)) < g->rows * g->kv_heads * blocks;) {
        const int64_t first = piece % blocks * BLOCK, left = g->tokens - first;
        look(g, piece / blocks / g->kv_heads, piece / blocks % g->kv_heads, first, left < BLOCK ? left : BLOCK, room);
    }
    free(room);
}

int glance(Parallel *parallel, int threads, const Glance *g) {
    Shared shared = {.glance = g};
    parallel(work, &shared, (unsigned)threads, 0);
    return shared.failed;
}
