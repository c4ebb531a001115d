/* A small decoder as a program: the same numbers with any number of threads, and near those of every other kernel set
 * and way to read the same tokens. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include <time.h>

#include "check.h"

enum { WIDTH = 24, HEADS = 6, KV_HEADS = 2, HEAD = 10, INSIDE = 40, VOCAB = 70, CONTEXT = 400, LAYERS = 2 };
enum { STREAM, NORMED, QUERY, KEY, VALUE, MIXED, INNER, GATE, BUFFERS };
enum { COUNT = 3 + LAYERS * 12, BEFORE = 200 };
enum { KEPT = KV_HEADS * CONTEXT * HEAD, ROOM = 64 };

typedef struct {
    Made matrices[2 + LAYERS * 7];
    float *numbers; /* norms, biases, tables: all from the same row of chance */
    Operation operations[COUNT];
    int matrix_count, count;
} Decoder;

static const Matrix *matrix(Decoder *d, int bits, int minima, int64_t group, int64_t rows, int64_t width) {
    Made *made = &d->matrices[d->matrix_count++];
    *made = make_matrix(bits, minima, group, rows, width, 0);
    made->matrix.fine = bits == 8 && group == up(width, 8);
    return &made->matrix;
}

static void step(Decoder *d, Operation o) { d->operations[d->count++] = o; }

static void product(Decoder *d, int32_t target, int32_t flags, int64_t rows, int64_t width, int bits) {
    step(d, (Operation){.kind = MULTIPLY, .target = target, .flags = flags, .bias = d->numbers + target,
                        .matrix = matrix(d, bits, bits == 4, bits == 4 ? 8 : up(width, 8), rows, width)});
}

static void norm(Decoder *d, int32_t kind, int32_t flags, int64_t round) {
    step(d, (Operation){.kind = kind, .source = STREAM, .target = NORMED, .flags = flags, .round = round,
                        .number = 1e-3,
                        .weight = d->numbers + 5, .bias = d->numbers + 70});
}

static void layer(Decoder *d, int32_t number) {
    const Operation sizes = {.layer = number, .heads = HEADS, .kv_heads = KV_HEADS, .head_width = HEAD,
                             .window = number ? 150 : 0};
    Operation settle = sizes, attend = sizes;
    const int bits = number ? 8 : 4, fine = number ? FINE : 0;
    norm(d, number ? LAYER_NORM : RMS_NORM, fine, bits == 4 ? 8 : 24);
    product(d, QUERY, ALONG, HEADS * HEAD, WIDTH, bits);
    product(d, KEY, ALONG, KV_HEADS * HEAD, WIDTH, bits);
    product(d, VALUE, 0, KV_HEADS * HEAD, WIDTH, bits);
    settle.kind = SETTLE, settle.source = QUERY, settle.beside = KEY, settle.target = VALUE, settle.number = 1e-3;
    if (number) settle.weight = d->numbers + 200, settle.bias = d->numbers + 220;
    settle.cosines = d->numbers, settle.sines = d->numbers + CONTEXT * HEAD / 2;
    step(d, settle);
    attend.kind = ATTEND, attend.source = QUERY, attend.target = MIXED, attend.number = 0.1;
    attend.flags = fine;
    attend.round = bits == 4 ? 8 : up(HEADS * HEAD, 8);
    step(d, attend);
    product(d, STREAM, ADD, WIDTH, HEADS * HEAD, bits);
    norm(d, RMS_NORM, fine, bits == 4 ? 8 : 24);
    product(d, GATE, ALONG, INSIDE, WIDTH, bits);
    product(d, INNER, 0, INSIDE, WIDTH, bits);
    step(d, (Operation){.kind = ACTIVATE, .source = GATE, .beside = INNER, .target = INNER, .function = SILU,
                        .flags = fine,
                        .round = bits == 4 ? 8 : 40});
    product(d, STREAM, ADD, WIDTH, INSIDE, bits);
}

static Decoder *decoder_new(void) {
    Decoder *d = room(sizeof(Decoder));
    memset(d, 0, sizeof(Decoder));
    d->numbers = chances(CONTEXT * WIDTH);
    step(d, (Operation){.kind = EMBED, .target = STREAM, .matrix = matrix(d, 8, 0, 32, VOCAB, WIDTH),
                        .weight = d->numbers});
    for (int32_t number = 0; number < LAYERS; number++) layer(d, number);
    norm(d, LAYER_NORM, LAST, 32);
    step(d, (Operation){.kind = LOGITS, .flags = LAST, .matrix = matrix(d, 8, 0, 32, VOCAB, WIDTH)});
    return d;
}

static void decoder_free(Decoder *d) {
    for (int i = 0; i < d->matrix_count; i++) free_matrix(&d->matrices[i]);
    free(d->numbers);
    free(d);
}

static Program *program(const Decoder *d) {
    const int64_t heads = HEADS * HEAD, keys = KV_HEADS * HEAD;
    const int64_t widths[BUFFERS] = {WIDTH, WIDTH, heads, keys, keys, heads, INSIDE, INSIDE};
    Program *made = program_new(d->operations, d->count, widths, BUFFERS, ROOM);
    CHECK(made, "no memory for a program");
    return made;
}

/* What `batch` rows remember: BEFORE slots of chance. */
typedef struct {
    void *keys[LAYERS], *values[LAYERS];
    int half;
} Memory;

static Memory remembered(int64_t batch, int half) {
    Memory m = {.half = half};
    float *numbers = chances(batch * KEPT);
    for (int each = 0; each < LAYERS; each++)
        for (int kind = 0; kind < 2; kind++) {
            void *at = room((size_t)(batch * KEPT) * (half ? 2 : 4));
            portable_kernels.remember(numbers + each + kind, batch * KEPT - 8, half, at);
            *(kind ? &m.values[each] : &m.keys[each]) = at;
        }
    free(numbers);
    return m;
}

static Memory copy(const Memory *from, int64_t batch) {
    Memory m = *from;
    const size_t bytes = (size_t)(batch * KEPT) * (m.half ? 2 : 4);
    for (int each = 0; each < LAYERS; each++) {
        m.keys[each] = memcpy(room(bytes), from->keys[each], bytes);
        m.values[each] = memcpy(room(bytes), from->values[each], bytes);
    }
    return m;
}

static void forget(Memory *m) {
    for (int each = 0; each < LAYERS; each++) free(m->keys[each]), free(m->values[each]);
}

static int64_t tokens[ROOM * 4];

/* Reads `length` tokens in pieces of `piece`: logits of the last token of each of them, [pieces, batch, VOCAB]. */
static float *reading(Pool *pool, const Decoder *d, const Memory *before, int64_t batch, int64_t length,
                      int64_t piece) {
    Memory m = copy(before, batch);
    Program *p = program(d);
    const int64_t pieces = (length + piece - 1) / piece;
    float *logits = room((size_t)(pieces * batch * VOCAB) * sizeof(float));
    for (int64_t number = 0; number < pieces; number++) {
        const int64_t begin = number * piece;
        const int64_t left = length - begin < piece ? length - begin : piece;
        const Call call = {.tokens = tokens + begin, .batch = batch, .length = batch > 1 ? 1 : left,
                           .start = BEFORE + begin, .last = 1, .keys = m.keys, .values = m.values, .capacity = CONTEXT,
                           .half = m.half, .logits = logits + number * batch * VOCAB};
        CHECK(program_run(pool, p, &call) == 0, "it says that there is no memory");
    }
    program_free(p);
    forget(&m);
    return logits;
}

/* Codes that a rounding error moves to their neighbour's change a logit this much at most, of the largest. */
static void check_near(const float *got, const float *wanted, int64_t count, const char *what) {
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = fmaxf(most, fabsf(wanted[i]));
    CHECK(most > 1e-3f && isfinite(most), "the model says nothing: %g", most);
    for (int64_t i = 0; i < count; i++)
        CHECK(fabsf(got[i] - wanted[i]) <= 0.02f * most, "%s, %s: %g, not %g", library_kernels(), what, got[i],
              wanted[i]);
}

static void check_reading(const Decoder *d, const Memory *before, int64_t batch, int64_t length, int64_t piece,
                          const float *wanted) {
    const int64_t count = (length + piece - 1) / piece * batch * VOCAB;
    float *alone = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        Pool *pool = pool_new(threads);
        float *got = reading(pool, d, before, batch, length, piece);
        if (!alone) check_near(alone = got, wanted, count, "other kernels");
        CHECK(!memcmp(alone, got, (size_t)count * sizeof(float)), "%s: %d threads differ", library_kernels(), threads);
        if (threads > 1) free(got);
        pool_free(pool);
    }
    free(alone);
}

/* Without logits nothing is written there, but the tokens are read all the same. */
static void check_without_logits(const Decoder *d, const Memory *before, const float *wanted) {
    Memory m = copy(before, 1);
    Pool *pool = pool_new(2);
    Program *p = program(d);
    float logits[2 * VOCAB];
    Call call = {.tokens = tokens, .batch = 1, .length = 30, .start = BEFORE, .keys = m.keys, .values = m.values,
                 .capacity = CONTEXT, .half = m.half};
    CHECK(program_run(pool, p, &call) == 0, "a call without logits");
    call.tokens += 30, call.length = 10, call.start += 30, call.last = 2, call.logits = logits;
    CHECK(program_run(pool, p, &call) == 0, "a call with the last two tokens' logits");
    check_near(logits + VOCAB, wanted, VOCAB, "after a call without logits");
    call.length = ROOM + 1;
    CHECK(program_run(pool, p, &call) == 1, "more rows than there is room for");
    program_free(p);
    pool_free(pool);
    forget(&m);
}

static void check_texts(const char *const *names, size_t count);

void check_programs(int every) {
    static const struct {
        int64_t batch, length, piece;
    } ways[] = {{1, 40, 40}, {1, 4, 1}, {1, 9, 5}, {3, 2, 1}};
    const char *const names[] = {"portable", "avx2", "avx2-vnni", "avx512-vnni"};
    const size_t count = every ? sizeof names / sizeof *names : 1;
    Decoder *d = decoder_new();
    for (int i = 0; i < ROOM * 4; i++) tokens[i] = (int64_t)((chance() + 1) * 0.499f * VOCAB);
    for (int half = 0; half < 2; half++)
        for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
            const int64_t batch = ways[way].batch, length = ways[way].length, piece = ways[way].piece;
            Memory before = remembered(batch, half);
            library_choose("portable");
            Pool *pool = pool_new(1);
            float *wanted = reading(pool, d, &before, batch, length, piece);
            const int64_t pieces = (length + piece - 1) / piece;
            if (batch == 1) { /* all at once */
                float *whole = reading(pool, d, &before, 1, length, length);
                check_near(wanted + (pieces - 1) * VOCAB, whole, VOCAB, "piece by piece");
                free(whole);
            }
            for (size_t name = 0; name < count; name++)
                if (library_choose(names[name])) {
                    check_reading(d, &before, batch, length, piece, wanted);
                    if (piece == length) check_without_logits(d, &before, wanted);
                }
            pool_free(pool);
            free(wanted);
            forget(&before);
        }
    decoder_free(d);
    check_texts(names, count);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

enum { TEXTS = 4, WORDS = 50 };

/* A layer of an encoder: hidden states [length, WIDTH] of texts side by side, by one program. */
static float *read_texts(Pool *pool, Decoder *d, int64_t length, const int64_t *starts, int64_t texts, int64_t first) {
    int64_t positions[WORDS];
    for (int64_t text = 0; text < texts; text++)
        for (int64_t row = starts[text]; row < starts[text + 1]; row++) positions[row] = row - starts[text];
    float *hidden = room((size_t)(length * WIDTH) * sizeof(float));
    Program *p = program(d);
    const Call call = {.tokens = tokens + first, .batch = 1, .length = length, .starts = starts, .positions = positions,
                       .texts = texts, .hidden = hidden};
    CHECK(program_run(pool, p, &call) == 0, "it says that there is no memory");
    program_free(p);
    return hidden;
}

static Decoder *encoder_new(void) {
    Decoder *d = room(sizeof(Decoder));
    memset(d, 0, sizeof(Decoder));
    d->numbers = chances(CONTEXT * WIDTH);
    step(d, (Operation){.kind = EMBED, .target = STREAM, .matrix = matrix(d, 8, 0, 32, VOCAB, WIDTH),
                        .weight = d->numbers, .offset = 2});
    norm(d, LAYER_NORM, 0, 8);
    product(d, QUERY, ALONG, HEADS * HEAD, WIDTH, 4);
    product(d, KEY, ALONG, KV_HEADS * HEAD, WIDTH, 4);
    product(d, VALUE, 0, KV_HEADS * HEAD, WIDTH, 4);
    step(d, (Operation){.kind = ATTEND_ALL, .source = QUERY, .beside = KEY, .values = VALUE, .target = MIXED,
                        .heads = HEADS, .kv_heads = KV_HEADS, .head_width = HEAD, .number = 0.3, .round = 8});
    product(d, STREAM, ADD, WIDTH, HEADS * HEAD, 4);
    step(d, (Operation){.kind = HIDDEN, .source = STREAM, .target = STREAM});
    return d;
}

static void check_texts(const char *const *names, size_t count) {
    static const int64_t starts[TEXTS + 1] = {0, 1, 30, 33, WORDS};
    Decoder *d = encoder_new();
    Pool *alone = pool_new(1), *together = pool_new(3);
    for (size_t name = 0; name < count; name++) {
        if (!library_choose(names[name])) continue;
        float *all = read_texts(together, d, WORDS, starts, TEXTS, 0);
        for (int text = 0; text < TEXTS; text++) {
            const int64_t length = starts[text + 1] - starts[text], whole[2] = {0, length};
            float *one = read_texts(alone, d, length, whole, 1, starts[text]);
            check_near(all + starts[text] * WIDTH, one, length * WIDTH, "a text beside others");
            free(one);
        }
        free(all);
    }
    pool_free(alone), pool_free(together);
    decoder_free(d);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t of_thread[4], sums[4];
    Counter counter;
} Together;

/* What each thread leaves before a wait, all see after it. */
static void together(void *shared, Pool *pool, int thread) {
    Together *t = shared;
    t->of_thread[thread] = 0;
    for (int64_t number; (number = take(&t->counter, 1)) < 1000;) t->of_thread[thread] += number;
    pool_wait(pool);
    t->sums[thread] = 0;
    for (int each = 0; each < pool_threads(pool); each++) t->sums[thread] += t->of_thread[each];
}

void check_pools(void) {
    for (int round = 0; round < 4; round++)
        for (int threads = 1; threads <= 3; threads++) {
            Pool *pool = pool_new(threads);
            CHECK(pool_threads(pool) == threads, "%d", pool_threads(pool));
            for (int run = 0; run < 5; run++) {
                static Together t;
                memset(&t, 0, sizeof t);
                pool_run(pool, together, &t);
                for (int thread = 0; thread < threads; thread++)
                    CHECK(t.sums[thread] == 999 * 1000 / 2, "thread %d sees %d", thread, (int)t.sums[thread]);
                /* Long enough for the others to fall asleep, now and then. */
                if (run % 2) nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
            }
            pool_free(pool);
        }
}
