/* Both attentions of each kernel set against the definition, in double. */
#include "check.h"

enum { PAGE = 48 }; /* of no kernel's own sizes */

typedef struct {
    int64_t heads, width, tokens, slot, window;
    int kept, all; /* all: as many slots as tokens, which all see, in one row and not in pages */
} Size;

typedef struct {
    float *keys, *values; /* as they come back from the memory */
    int32_t *table;
    Attention attention;
} Memory;

/* A slot's numbers as bytes by their own scale, and back. */
static void through_bytes(float *x, int64_t width) {
    float most = 0;
    for (int64_t i = 0; i < width; i++) most = fmaxf(most, fabsf(x[i]));
    const float scale = most / 127;
    for (int64_t i = 0; i < width; i++) x[i] = scale > 0 ? rintf(x[i] / scale) * scale : 0;
}

/* The slots of `x` in memory; nothing lies behind the last one. */
static void *remembered(const Kernels *kernels, const float *x, int64_t slots, const Attention *a) {
    const int64_t pages = (slots + PAGE - 1) / PAGE;
    char *at = room((size_t)(a->table ? pages * a->far : (slots - 1) * a->stride + slot_bytes(a->width, a->kept)));
    for (int64_t slot = 0; slot < slots; slot++) {
        const int64_t page = a->table ? a->table[slot / PAGE] * a->far + slot % PAGE * a->stride : slot * a->stride;
        kernels->remember(x + slot * a->width, a->width, a->kept, at + page);
    }
    return at;
}

static Memory remember(const Kernels *kernels, const Size *s) {
    const int64_t slots = s->slot + s->tokens, count = slots * s->width, pages = (slots + PAGE - 1) / PAGE;
    Attention attention = {.width = s->width, .kept = s->kept, .window = s->window, .scale = 1 / sqrtf((float)s->width)};
    Memory memory = {chances(count), chances(count), room((size_t)pages * sizeof(int32_t)), attention};
    for (int64_t page = 0; page < pages; page++) memory.table[page] = (int32_t)(pages - 1 - page);
    for (int64_t i = 0; i < count; i++) {
        /* eighths: float16 holds them exactly, and scores differ enough for weights near 0 and near 1 */
        memory.keys[i] = rintf(memory.keys[i] * 24) / 8;
        memory.values[i] = rintf(memory.values[i] * 24) / 8;
    }
    attention.stride = slot_bytes(s->width, s->kept);
    if (s->all) attention.all = slots, attention.stride += 4 * (s->heads - 1);
    else attention.table = memory.table, attention.page = PAGE, attention.far = PAGE * attention.stride;
    attention.keys = remembered(kernels, memory.keys, slots, &attention);
    attention.values = remembered(kernels, memory.values, slots, &attention);
    for (int64_t slot = 0; s->kept == BYTES && slot < slots; slot++)
        through_bytes(memory.keys + slot * s->width, s->width), through_bytes(memory.values + slot * s->width, s->width);
    memory.attention = attention;
    return memory;
}

static void forget(Memory *memory) {
    free(memory->keys), free(memory->values), free(memory->table);
    free((void *)memory->attention.keys), free((void *)memory->attention.values);
}

/* One head of a token in `slot`: its mixed values, and the largest score and the sum of the weights beside it. */
static void attended(const Memory *memory, const float *query, int64_t first, int64_t last, double *mixed,
                     double *most, double *sum) {
    const int64_t width = memory->attention.width;
    double *scores = room((size_t)(last - first) * sizeof(double));
    *most = -INFINITY, *sum = 0;
    for (int64_t s = first; s < last; s++) {
        scores[s - first] = 0;
        for (int64_t i = 0; i < width; i++)
            scores[s - first] += (double)memory->keys[s * width + i] * query[i] * memory->attention.scale;
        *most = fmax(*most, scores[s - first]);
    }
    for (int64_t i = 0; i < width; i++) mixed[i] = 0;
    for (int64_t s = first; s < last; s++) {
        const double weight = exp(scores[s - first] - *most);
        *sum += weight;
        for (int64_t i = 0; i < width; i++) mixed[i] += weight * memory->values[s * width + i];
    }
    free(scores);
}

/* Many tokens at once, in float32 or in whole numbers: scores up to 30, of numbers of 16 bits, and weights of these. */
static void check_many(const Kernels *kernels, Size s, int rounded) {
    Memory memory = remember(kernels, &s);
    const int64_t stride = s.heads * s.width + 3;
    float *queries = chances(s.tokens * stride), *got = chances(s.tokens * stride);
    const int64_t size = rounded ? scratch_rounded(s.heads, s.width) : scratch_many(s.heads, s.width);
    float *scratch = room((size_t)size * sizeof(float));
    double *wanted = room((size_t)s.width * sizeof(double)), most, sum;
    (rounded ? kernels->attend_rounded : kernels->attend_many)(&memory.attention, queries, s.heads, s.tokens, s.slot, stride, got, scratch);
    for (int64_t t = 0; t < s.tokens; t++)
        for (int64_t h = 0; h < s.heads; h++) {
            const int64_t end = s.all ? s.slot + s.tokens : s.slot + t + 1;
            const int64_t first = s.window && end > s.window ? end - s.window : 0;
            attended(&memory, queries + t * stride + h * s.width, first, end, wanted, &most, &sum);
            for (int64_t i = 0; i < s.width; i++)
                CHECK(close_to(got[t * stride + h * s.width + i], wanted[i] / sum, rounded ? 100 : 3),
                      "%s, width %d, window %d, slot %d: token %d, head %d is %g, not %g", kernels->name, (int)s.width,
                      (int)s.window, (int)s.slot, (int)t, (int)h, got[t * stride + h * s.width + i], wanted[i] / sum);
        }
    forget(&memory);
    free(queries), free(got), free(scratch), free(wanted);
}

static void check_one(const Kernels *kernels, Size s, int64_t first) {
    Memory memory = remember(kernels, &s);
    memory.attention.next = s.slot % 2 ? memory.attention.keys : NULL;
    const int64_t wide = up(s.width, PANEL), last = s.slot + 1;
    float *queries = chances(s.heads * s.width), *got = room((size_t)(s.heads * wide) * sizeof(float));
    float *most = room((size_t)s.heads * 4), *sums = room((size_t)s.heads * 4);
    float *scratch = room((size_t)scratch_one(s.heads, s.width) * sizeof(float));
    double *wanted = room((size_t)s.width * sizeof(double)), top, sum;
    kernels->attend_one(&memory.attention, queries, s.heads, s.width, first, last, got, most, sums, scratch);
    for (int64_t h = 0; h < s.heads; h++) {
        attended(&memory, queries + h * s.width, first, last, wanted, &top, &sum);
        CHECK(close_to(most[h], top, 10) && close_to(sums[h], sum, sum), "%s: %g and %g", kernels->name, most[h],
              sums[h]);
        for (int64_t i = 0; i < s.width; i++)
            CHECK(close_to(got[h * wide + i], wanted[i], 3 * sum), "%s, width %d: %g, not %g", kernels->name,
                  (int)s.width, got[h * wide + i], wanted[i]);
    }
    forget(&memory);
    free(queries), free(got), free(most), free(sums), free(scratch), free(wanted);
}

void check_attention(const Kernels *kernels) {
    const int64_t widths[] = {2, 8, 64, 100}, windows[] = {0, 1, 64, 70};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (int kept = FLOATS; kept <= BYTES; kept++) {
            const int64_t heads = w % 3 + 1;
            for (int64_t slot = 0; slot < 2 * CHUNK; slot += 67)
                check_one(kernels, (Size){slot % 8 + 1, widths[w], 1, slot, 0, kept, slot % 3 == 0},
                          slot > CHUNK ? slot - CHUNK + 1 : 0);
            for (int rounded = 0; rounded < 2; rounded++) {
                if (kept == FLOATS) {
                    check_many(kernels, (Size){heads, widths[w], 9, 0, 0, kept, 1}, rounded);
                    check_many(kernels, (Size){heads, widths[w], 5, BLOCK + 3, 0, kept, 1}, rounded);
                }
                for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
                    if (heads == 1) check_many(kernels, (Size){heads, widths[w], BLOCK, 0, windows[i], kept, 0}, rounded);
                    check_many(kernels, (Size){heads, widths[w], 5, 69, windows[i], kept, 0}, rounded);
                    check_many(kernels, (Size){heads, widths[w], 3, 130, windows[i], kept, 0}, rounded);
                }
            }
        }
}
