/* Attention of tensors set against the definition, in double, with two threads of the caller's. */
#include <pthread.h>

#include "check.h"

typedef struct {
    int64_t rows, heads, kv_heads, tokens, slots, width;
    int kept, causal, uneven;
} Shape;

typedef struct {
    void (*work)(void *);
    void *shared;
} Job;

static void *begin(void *given) {
    const Job *job = given;
    job->work(job->shared);
    return NULL;
}

static void in_two(void (*work)(void *), void *shared, unsigned threads, unsigned flags) {
    Job job = {work, shared};
    pthread_t other;
    CHECK(threads == 2 && flags == 0, "%u threads", threads);
    CHECK(!pthread_create(&other, NULL, begin, &job), "no thread");
    work(shared);
    pthread_join(other, NULL);
}

/* Tokens of all heads side by side, or each head's; eighths, which bfloat16 holds. */
static Tensor tensor(const Shape *s, int64_t heads, int64_t tokens, int aside) {
    const int64_t count = s->rows * heads * tokens * s->width;
    float *floats = chances(count);
    for (int64_t i = 0; i < count; i++) floats[i] = rintf(floats[i] * 24) / 8;
    Tensor t = {floats, heads * tokens * s->width, aside ? tokens * s->width : s->width,
                aside ? s->width : heads * s->width};
    if (s->kept == FLOATS) return t;
    t.numbers = room((size_t)count * 2);
    kernels()->narrow(floats, count, t.numbers);
    free(floats);
    return t;
}

static double number(const Shape *s, const Tensor *t, int64_t row, int64_t head, int64_t token, int64_t i) {
    const int64_t at = t->row * row + t->head * head + t->token * token + i;
    float found;
    if (s->kept == FLOATS) return ((const float *)t->numbers)[at];
    const uint32_t bits = (uint32_t)((const uint16_t *)t->numbers)[at] << 16;
    memcpy(&found, &bits, sizeof found);
    return found;
}

/* One number of what a token's head mixes of its first `seen` slots. */
static double mixed(const Shape *s, const Glance *g, int64_t row, int64_t head, int64_t token, int64_t seen, int64_t i) {
    const int64_t from = head / (s->heads / s->kv_heads);
    double sum = 0, all = 0;
    for (int64_t slot = 0; slot < seen; slot++) {
        double score = 0;
        for (int64_t k = 0; k < s->width; k++)
            score += number(s, &g->queries, row, head, token, k) * number(s, &g->keys, row, from, slot, k);
        const double weight = exp(score * g->scale);
        sum += weight, all += weight * number(s, &g->values, row, from, slot, i);
    }
    return seen > 0 ? all / sum : 0;
}

static void check_shape(Shape s) {
    int64_t *lengths = room((size_t)s.rows * sizeof(int64_t));
    for (int64_t row = 0; row < s.rows; row++) lengths[row] = row == 1 ? 0 : row == 2 ? s.slots + 9 : 1 + row % s.slots;
    const Glance g = {
        tensor(&s, s.heads, s.tokens, 0), tensor(&s, s.kv_heads, s.slots, 1), tensor(&s, s.kv_heads, s.slots, 1),
        tensor(&s, s.heads, s.tokens, 0), s.rows, s.heads, s.kv_heads, s.tokens, s.slots, s.width,
        s.uneven ? lengths : NULL, s.causal, s.kept, 1 / sqrt((double)s.width)};
    CHECK(!glance(in_two, 2, &g), "no memory");
    for (int64_t row = 0; row < s.rows; row++)
        for (int64_t head = 0; head < s.heads; head++)
            for (int64_t token = 0; token < s.tokens; token++) {
                const int64_t length = lengths[row] < s.slots ? lengths[row] : s.slots;
                const int64_t seen = s.uneven ? length : s.causal ? token + 1 : s.slots;
                for (int64_t i = 0; i < s.width; i += 3) {
                    const double got = number(&s, &g.mixed, row, head, token, i);
                    const double wanted = mixed(&s, &g, row, head, token, seen, i);
                    CHECK(close_to(got, wanted, s.kept == FLOATS ? 3 : 1200), "row %d, head %d, token %d: %g, not %g",
                          (int)row, (int)head, (int)token, got, wanted);
                }
            }
    free(g.queries.numbers), free(g.keys.numbers), free(g.values.numbers), free(g.mixed.numbers), free(lengths);
}

static void check_narrow(void) {
    const float given[] = {1, -1, 0x1.01p0f, 0x1.03p0f, 0x1.010002p0f, INFINITY, -INFINITY, NAN, 0, -0.0f, 0x1.fffffep127f};
    const uint16_t wanted[] = {0x3f80, 0xbf80, 0x3f80, 0x3f82, 0x3f81, 0x7f80, 0xff80, 0x7fc0, 0, 0x8000, 0x7f80};
    enum { COUNT = sizeof wanted / sizeof *wanted };
    uint16_t got[COUNT];
    for (int64_t count = 1; count <= COUNT; count++) {
        kernels()->narrow(given, count, got);
        for (int64_t i = 0; i < count; i++) CHECK(got[i] == wanted[i], "%g is %x", given[i], got[i]);
    }
}

void check_glance(void) {
    check_narrow();
    for (int kept = FLOATS; kept <= BRAINS; kept += BRAINS) {
        check_shape((Shape){3, 2, 2, 7, 5, 8, kept, 0, 0});
        check_shape((Shape){4, 4, 2, 3, 70, 20, kept, 0, 1});
        check_shape((Shape){1, 3, 1, BLOCK + 9, BLOCK + 9, 33, kept, 1, 0});
        check_shape((Shape){2, 2, 1, 1, 1, 3, kept, 1, 0});
    }
}
