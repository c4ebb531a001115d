/* A small decoder as a program: the same numbers with any number of threads, and near those of every other kernel set
 * and way to read the same tokens. */
#define _POSIX_C_SOURCE 200809L /* nanosleep */

#include <time.h>

#include "check.h"
#include "shares.h"

enum { WIDTH = 24, HEADS = 6, KV_HEADS = 2, HEAD = 10, INSIDE = 40, VOCAB = 70, CONTEXT = 1300, LAYERS = 2 };
enum { STREAM, NORMED, QUERY, KEY, VALUE, MIXED, INNER, GATE, BUFFERS };
enum { COUNT = 3 + LAYERS * 12 + 4 };
enum { PAGE = 48, PAGES = (CONTEXT + PAGE - 1) / PAGE, ROOM = 128, MOST_TEXTS = 4 };

typedef struct {
    Made matrices[2 + LAYERS * 7 + 2];
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

/* A look at the memory that the text has. */
static void recall(Decoder *d) {
    norm(d, RMS_NORM, 0, 8);
    product(d, QUERY, 0, HEADS * HEAD, WIDTH, 4);
    step(d, (Operation){.kind = ATTEND_MEMORY, .source = QUERY, .target = MIXED, .layer = 0, .heads = HEADS,
                        .kv_heads = KV_HEADS, .head_width = HEAD, .number = 0.1, .round = 8});
    product(d, STREAM, ADD, WIDTH, HEADS * HEAD, 4);
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
    if (number) recall(d);
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
    step(d, (Operation){.kind = EMBED, .target = STREAM, .number = 1.5, .matrix = matrix(d, 8, 0, 32, VOCAB, WIDTH),
                        .weight = d->numbers});
    for (int32_t number = 0; number < LAYERS; number++) layer(d, number);
    norm(d, LAYER_NORM, WANTED, 32);
    step(d, (Operation){.kind = LOGITS, .flags = WANTED, .matrix = matrix(d, 8, 0, 32, VOCAB, WIDTH)});
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

/* What some texts remember: slots of chance, in pages of one another's neighbourhood; what is read follows `before`. */
typedef struct {
    void *keys[LAYERS], *values[LAYERS];
    int32_t tables[MOST_TEXTS * PAGES];
    int64_t texts, kept, before;
} Memory;

static size_t page_bytes(int64_t kept) { return (size_t)(KV_HEADS * PAGE * slot_bytes(HEAD, kept)); }

static Memory remembered(int64_t texts, int64_t kept, int64_t before) {
    Memory m = {.texts = texts, .kept = kept, .before = before};
    const size_t slots = (size_t)texts * PAGES * KV_HEADS * PAGE;
    for (int64_t text = 0; text < texts; text++)
        for (int64_t page = 0; page < PAGES; page++)
            m.tables[text * PAGES + page] = (int32_t)((PAGES - 1 - page) * texts + text);
    for (int each = 0; each < LAYERS; each++)
        for (int kind = 0; kind < 2; kind++) {
            float *numbers = chances((int64_t)slots * HEAD);
            char *at = room(slots * (size_t)slot_bytes(HEAD, kept));
            for (size_t slot = 0; slot < slots; slot++)
                portable_kernels.remember(numbers + slot * HEAD, HEAD, (int)kept,
                                          at + slot * (size_t)slot_bytes(HEAD, kept));
            *(kind ? &m.values[each] : &m.keys[each]) = at;
            free(numbers);
        }
    return m;
}

static Memory copy(const Memory *from) {
    Memory m = *from;
    const size_t bytes = (size_t)from->texts * PAGES * page_bytes(from->kept);
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

/* Memories to look at, few slots and many, one for each text. */
enum { MEMORY_ROWS = 200 };
static const int64_t readers[MOST_TEXTS + 1] = {0, 1, 2, 3, 4}, begins[MOST_TEXTS] = {0, 7, 150, 40};
static const int64_t lengths[MOST_TEXTS] = {7, BRIEF + 9, 50, 1};
static void *memory_keys[1], *memory_values[1];

/* Tokens first..first + length of one or more texts of the memory, `before` slots each: a call without logits. */
static Call calling(const Memory *m, int64_t text, const int64_t *starts, int64_t texts, const int64_t *slots,
                    const int64_t *apart) {
    return (Call){.tokens = tokens, .length = starts[texts], .texts = texts, .starts = starts, .slots = slots,
                  .apart = apart, .keys = m->keys, .values = m->values, .tables = m->tables + text * PAGES,
                  .table = PAGES, .page = PAGE, .kept = m->kept, .memories = texts, .readers = readers,
                  .begins = begins + text, .lengths = lengths + text, .memory_keys = memory_keys,
                  .memory_values = memory_values};
}

/* Reads `length` tokens of each text in pieces of `piece`: logits of the last token of each, [pieces, texts, VOCAB]. */
static float *reading(Pool *pool, const Decoder *d, const Memory *before, int64_t length, int64_t piece, int64_t apart) {
    Memory m = copy(before);
    Program *p = program(d);
    const int64_t pieces = (length + piece - 1) / piece;
    float *logits = room((size_t)(pieces * m.texts * VOCAB) * sizeof(float));
    for (int64_t number = 0; number < pieces; number++) {
        const int64_t begin = number * piece, left = length - begin < piece ? length - begin : piece;
        int64_t starts[MOST_TEXTS + 1] = {0}, slots[MOST_TEXTS], aparts[MOST_TEXTS], wanted[MOST_TEXTS];
        for (int64_t text = 0; text < m.texts; text++) {
            starts[text + 1] = starts[text] + left, slots[text] = m.before + begin, aparts[text] = apart;
            wanted[text] = starts[text + 1] - 1;
        }
        Call call = calling(&m, 0, starts, m.texts, slots, aparts);
        call.tokens = tokens + begin, call.wanted = wanted, call.count = m.texts;
        call.logits = logits + number * m.texts * VOCAB;
        CHECK(program_run(pool, p, &call) == 0, "it says that there is no memory");
    }
    program_free(p);
    forget(&m);
    return logits;
}

/* A text that is read and two that are written, in one call: bit for bit what each gets by itself, however its tokens
 * are divided among calls. */
static void check_neighbours(const Decoder *d, int64_t kept) {
    static const int64_t starts[] = {0, 30, 31, 34}, slots[] = {200, 3, 1100}, apart[] = {0, 1, 1};
    static const int64_t wanted[] = {29, 30, 31, 32, 33};
    Memory before = remembered(3, kept, 200), together = copy(&before);
    Pool *pool = pool_new(3);
    Program *p = program(d);
    float all[5 * VOCAB], alone[5 * VOCAB];
    Call call = calling(&together, 0, starts, 3, slots, apart);
    call.wanted = wanted, call.count = 5, call.logits = all;
    CHECK(program_run(pool, p, &call) == 0, "it says that there is no memory");
    for (int64_t text = 0, row = 0; text < 3; text++) {
        Memory m = copy(&before);
        const int64_t step = apart[text] ? 1 : 13; /* one by one, or in unequal parts */
        for (int64_t begin = starts[text]; begin < starts[text + 1]; begin += step) {
            const int64_t left = starts[text + 1] - begin, length = left < step ? left : step, last = length - 1;
            const int64_t own[] = {0, length}, slot = slots[text] + begin - starts[text];
            Call single = calling(&m, text, own, 1, &slot, &apart[text]);
            single.tokens = tokens + begin, single.wanted = &last, single.logits = alone + row * VOCAB;
            single.count = apart[text] || left <= step;
            CHECK(program_run(pool, p, &single) == 0, "it says that there is no memory");
            row += single.count;
        }
        forget(&m);
    }
    CHECK(!memcmp(all, alone, sizeof all), "%s: neighbours change what a text gets", library_kernels());
    program_free(p);
    pool_free(pool);
    forget(&before), forget(&together);
}

/* Codes that a rounding error moves to their neighbour's change a logit this much at most, of the largest. */
static void check_near(const float *got, const float *wanted, int64_t count, const char *what) {
    float most = 0;
    for (int64_t i = 0; i < count; i++) most = fmaxf(most, fabsf(wanted[i]));
    CHECK(most > 1e-3f && isfinite(most), "the model says nothing: %g", most);
    for (int64_t i = 0; i < count; i++)
        CHECK(fabsf(got[i] - wanted[i]) <= 0.04f * most, "%s, %s: %g, not %g", library_kernels(), what, got[i],
              wanted[i]);
}

static void check_reading(const Decoder *d, const Memory *before, int64_t length, int64_t piece, int apart,
                          const float *wanted) {
    const int64_t count = (length + piece - 1) / piece * before->texts * VOCAB;
    float *alone = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        Pool *pool = pool_new(threads);
        float *got = reading(pool, d, before, length, piece, apart);
        if (!alone) check_near(alone = got, wanted, count, "other kernels");
        CHECK(!memcmp(alone, got, (size_t)count * sizeof(float)), "%s: %d threads differ", library_kernels(), threads);
        if (threads > 1) free(got);
        pool_free(pool);
    }
    free(alone);
}

/* Without logits nothing is written there, but the tokens are read all the same. */
static void check_without_logits(const Decoder *d, const Memory *before, const float *wanted) {
    static const int64_t first[] = {0, 30}, then[] = {0, 10}, last[] = {8, 9}, long_one[] = {0, ROOM + 1};
    int64_t slots = before->before;
    Memory m = copy(before);
    Pool *pool = pool_new(2);
    Program *p = program(d);
    float logits[2 * VOCAB];
    Call call = calling(&m, 0, first, 1, &slots, NULL);
    CHECK(program_run(pool, p, &call) == 0, "a call without logits");
    slots += 30;
    call = calling(&m, 0, then, 1, &slots, NULL);
    call.tokens += 30, call.wanted = last, call.count = 2, call.logits = logits;
    CHECK(program_run(pool, p, &call) == 0, "a call with the last two tokens' logits");
    check_near(logits + VOCAB, wanted, VOCAB, "after a call without logits");
    call = calling(&m, 0, long_one, 1, &slots, NULL);
    CHECK(program_run(pool, p, &call) == 1, "more rows than there is room for");
    program_free(p);
    pool_free(pool);
    forget(&m);
}

static void check_texts(const char *const *names, size_t count);

void check_programs(int every) {
    static const struct {
        int64_t texts, length, piece;
        int apart;
        int64_t before;
    } ways[] = {{1, 40, 40, 0, 200},   {1, 4, 1, 1, 200},   {1, 9, 5, 0, 200},    {3, 2, 1, 1, 200},
                {1, 4, 1, 1, 511},     {3, 2, 1, 1, 1100}, /* chunks of one size and another, and the largest ones */
                {1, 120, 120, 0, 200}, {3, 40, 40, 0, 200}, {1, 120, 120, 1, 200}}; /* in shares */
    const char *const names[] = {"portable", "avx2", "avx2-vnni", "avx512-vnni", "amx-int8"};
    const size_t count = every ? sizeof names / sizeof *names : 1;
    Decoder *d = decoder_new();
    for (int i = 0; i < ROOM * 4; i++) tokens[i] = (int64_t)((chance() + 1) * 0.499f * VOCAB);
    memory_keys[0] = chances(MEMORY_ROWS * KV_HEADS * HEAD), memory_values[0] = chances(MEMORY_ROWS * KV_HEADS * HEAD);
    for (int64_t kept = FLOATS; kept <= BYTES; kept++)
        for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
            const int64_t length = ways[way].length, piece = ways[way].piece;
            Memory before = remembered(ways[way].texts, kept, ways[way].before);
            library_choose("portable");
            Pool *pool = pool_new(1);
            float *wanted = reading(pool, d, &before, length, piece, ways[way].apart);
            const int64_t pieces = (length + piece - 1) / piece;
            if (before.texts == 1) { /* all at once */
                float *whole = reading(pool, d, &before, length, length, 0);
                check_near(wanted + (pieces - 1) * VOCAB, whole, VOCAB, "piece by piece");
                free(whole);
            }
            for (size_t name = 0; name < count; name++)
                if (library_choose(names[name])) {
                    check_reading(d, &before, length, piece, ways[way].apart, wanted);
                    if (!way) check_neighbours(d, kept);
                    if (!way) check_without_logits(d, &before, wanted);
                }
            pool_free(pool);
            free(wanted);
            forget(&before);
        }
    decoder_free(d);
    free(memory_keys[0]), free(memory_values[0]);
    check_texts(names, count);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

enum { TEXTS = 4, WORDS = 50 };

/* A layer of an encoder: hidden states [length, WIDTH] of texts side by side, by one program. */
static float *read_texts(Pool *pool, Decoder *d, int64_t length, const int64_t *starts, int64_t texts, int64_t first) {
    float *hidden = room((size_t)(length * WIDTH) * sizeof(float));
    Program *p = program(d);
    const Call call = {.tokens = tokens + first, .length = length, .starts = starts, .texts = texts, .hidden = hidden};
    CHECK(program_run(pool, p, &call) == 0, "it says that there is no memory");
    program_free(p);
    return hidden;
}

static Decoder *encoder_new(void) {
    Decoder *d = room(sizeof(Decoder));
    memset(d, 0, sizeof(Decoder));
    d->numbers = chances(CONTEXT * WIDTH);
    step(d, (Operation){.kind = EMBED, .target = STREAM, .number = 1.5, .matrix = matrix(d, 8, 0, 32, VOCAB, WIDTH),
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

/* Shares are all rows, each of them once; and all threads come to all of them, each to its own first. */
static void check_shares(int64_t rows, int threads) {
    Counter counters[8];
    for (int number = 0; number < threads; number++) {
        const Thread thread = {number, threads};
        int64_t seen = 0, own = share_of(thread, 0, rows, counters).begin;
        CHECK(number == 0 || own >= share_of((Thread){number - 1, threads}, 0, rows, counters).begin, "%d", number);
        for (int64_t after = 0; after < shares(thread, rows); after++) {
            const Share share = share_of(thread, after, rows, counters);
            for (int64_t row = share.begin; row < share.end; row++) seen += row + 1;
            CHECK(share.counter - counters < threads, "%d rows: share %d", (int)rows, (int)(share.counter - counters));
            CHECK(share.begin % ROWS_TOGETHER == 0, "%d rows: a share begins with %d", (int)rows, (int)share.begin);
        }
        CHECK(seen == rows * (rows + 1) / 2, "%d rows, %d threads: thread %d", (int)rows, threads, number);
    }
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
    for (int64_t rows = 0; rows < 600; rows += rows < 200 ? 1 : 13)
        for (int threads = 1; threads <= 8; threads++) check_shares(rows, threads);
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
