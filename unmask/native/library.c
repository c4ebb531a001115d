/* What callers see: the choice of kernels, single operations, and whole models as lists of operations. */
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pool.h"

/* The best first. */
static const Kernels *const ALL[] = {
#ifdef __x86_64__
    &avx512_kernels,
#if defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11
    &avxvnni_kernels,
#endif
    &avx2_kernels,
#endif
    &portable_kernels,
};

/* Whether kernels multiply as plain loops do, in both widths of codes. No machine that we have runs all of them, so
 * each proves itself where it is to be used. */
static int right(const Kernels *k) {
    enum { ROWS = 7, COUNT = 2 * PANEL, WIDTH = 64, GROUP = 32, GROUPS = WIDTH / GROUP };
    static const uint16_t ONE = 0x3c00; /* as float16 */
    uint8_t codes[COUNT * WIDTH];
    uint16_t scales[COUNT * GROUPS];
    int8_t x[ROWS * WIDTH];
    float steps[ROWS * GROUPS], shares[ROWS * GROUPS], y[ROWS * COUNT], row[WIDTH];
    int32_t excess[ROWS * GROUPS] = {0};
    uint32_t random = 1;
    for (int i = 0; i < COUNT * WIDTH; i++) codes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < COUNT * GROUPS; i++) scales[i] = ONE;
    for (int i = 0; i < ROWS * GROUPS; i++) steps[i] = 1, shares[i] = 0;
    for (int i = 0; i < ROWS * WIDTH; i++) {
        x[i] = (int8_t)((int)((random = random * 1664525 + 1013904223) >> 24) % 255 - 127);
        excess[i / GROUP] -= 8 * x[i];
    }
    const Rounded rounded = {.codes = x, .scales = steps, .shares = shares, .excess = excess, .padded = WIDTH,
                             .group = GROUP};
    for (int bits = 4; bits <= 8; bits += 4) {
        const Matrix w = {codes, scales, NULL, COUNT, WIDTH, WIDTH, GROUP, bits, 0};
        k->multiply(&w, 0, COUNT / PANEL, &rounded, 0, ROWS, NULL, 0, y, COUNT);
        for (int n = 0; n < COUNT; n++) {
            portable_kernels.take_row(&w, n, row);
            for (int m = 0; m < ROWS; m++) {
                float sum = 0;
                for (int i = 0; i < WIDTH; i++) sum += row[i] * x[m * WIDTH + i];
                if (sum != y[m * COUNT + n]) return 0; /* whole numbers below 2^24: exact */
            }
        }
    }
    return 1;
}

static _Atomic(const Kernels *) chosen;

static const Kernels *kernels(void) {
    const Kernels *found = chosen;
    for (size_t i = 0; !found; i++)
        if (ALL[i] == &portable_kernels || (ALL[i]->present() && right(ALL[i]))) chosen = found = ALL[i];
    return found;
}

const char *library_kernels(void) { return kernels()->name; }

int library_choose(const char *name) {
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++)
        if (!strcmp(ALL[i]->name, name) && ALL[i]->present() && right(ALL[i])) {
            chosen = ALL[i];
            return 1;
        }
    return 0;
}

static void *floats_for(int64_t count) { return aligned_alloc(64, (size_t)up(count * 4 + 64, 64)); }

/* ---- rounded rows ------------------------------------------------------------------------------------------------ */

enum { ROWS_AT_ONCE = 96 }; /* of a product: a multiple of every kernel's MOST_ROWS */

/* Room for `rows` rows; 0 where there is none. */
static int rounded_new(Rounded *x, int64_t rows, int64_t padded, int64_t groups) {
    x->codes = aligned_alloc(64, (size_t)up(rows * padded + 64, 64));
    x->rest = aligned_alloc(64, (size_t)up(rows * padded + 64, 64));
    x->scales = floats_for(rows * groups);
    x->shares = floats_for(rows * groups);
    x->excess = floats_for(rows * groups);
    x->rest_excess = floats_for(rows);
    return x->codes && x->rest && x->scales && x->shares && x->excess && x->rest_excess;
}

static void rounded_free(Rounded *x) {
    free(x->codes);
    free(x->rest);
    free(x->scales);
    free(x->shares);
    free(x->excess);
    free(x->rest_excess);
}

/* Its rows from `begin` on, as they are rounded for a matrix with such groups. */
static Rounded rounded_as(const Rounded *all, int64_t padded, int64_t group, int fine, int64_t begin) {
    const int64_t groups = padded / group;
    return (Rounded){
        .codes = all->codes + begin * padded,
        .rest = fine ? all->rest + begin * padded : NULL,
        .scales = all->scales + begin * groups,
        .shares = all->shares + begin * groups,
        .excess = all->excess + begin * groups,
        .rest_excess = all->rest_excess + begin,
        .padded = padded,
        .group = group,
    };
}

/* Panels and rows are shared out in pieces, as many as keep all threads busy to the end; of many rows two panels at
 * least, since kernels take these abreast. */
static void share_product(Counter *counter, int threads, const Matrix *w, const Rounded *x, int64_t rows,
                          const float *bias, int add, float *y, int64_t stride) {
    const int64_t panels = (w->rows + PANEL - 1) / PANEL, step = up(panels / (threads * 8) + 1, rows > 1 ? 2 : 1);
    const int64_t across = (panels + step - 1) / step, down = (rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    for (int64_t piece; (piece = take(counter, 1)) < across * down;) {
        const int64_t panel = piece / down * step, row = piece % down * ROWS_AT_ONCE;
        kernels()->multiply(w, panel, panel + step < panels ? panel + step : panels, x, row,
                            row + ROWS_AT_ONCE < rows ? row + ROWS_AT_ONCE : rows, bias, add, y, stride);
    }
}

typedef struct {
    const Matrix *matrix;
    const float *x, *bias;
    float *y;
    int64_t rows;
    Rounded rounded;
    Counter counters[2];
} Single;

static void single(void *shared, Pool *pool, int thread) {
    Single *s = shared;
    (void)thread;
    for (int64_t row; (row = take(&s->counters[0], 1)) < s->rows;)
        kernels()->round_row(s->x + row * s->matrix->width, s->matrix->width, &s->rounded, row);
    pool_wait(pool);
    share_product(&s->counters[1], pool_threads(pool), s->matrix, &s->rounded, s->rows, s->bias, 0, s->y,
                  s->matrix->rows);
}

int multiply(Pool *pool, const Matrix *matrix, const float *x, int64_t rows, const float *bias, float *y) {
    Single s = {.matrix = matrix, .x = x, .bias = bias, .y = y, .rows = rows};
    Rounded all = {0};
    const int room = rounded_new(&all, rows, matrix->padded, matrix->padded / matrix->group);
    s.rounded = rounded_as(&all, matrix->padded, matrix->group, (int)matrix->fine, 0);
    if (room) pool_run(pool, single, &s);
    rounded_free(&all);
    return !room;
}

void take_rows(const Matrix *matrix, const int64_t *ids, int64_t count, float *out) {
    for (int64_t i = 0; i < count; i++) kernels()->take_row(matrix, ids[i], out + i * matrix->width);
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t width, stride;
    float *rows;
} Buffer;

typedef struct {
    Counter first, second;
} Counters;

struct Program {
    int count, buffer_count;
    int64_t most_rows;
    Operation *operations;
    Buffer *buffers;
    Counters *counters;
    Rounded rounded;
    float *scratch; /* of all threads, as large as the last call wanted it */
    int64_t scratch_size;
};

typedef struct {
    Program *program;
    const Call *call;
    int64_t scratch_each, partial; /* floats */
} Run;

static float *row_of(const Program *p, int buffer, int64_t row) {
    return p->buffers[buffer].rows + row * p->buffers[buffer].stride;
}

static int64_t row_count(const Call *call) { return call->batch * call->length; }

/* Where the rows begin that an operation works on. */
static int64_t first_row(const Operation *o, const Call *call) {
    return o->flags & LAST && call->batch == 1 ? call->length - call->last : 0;
}

static void embed(const Run *run, const Operation *o, int64_t row, float *to) {
    const Call *call = run->call;
    kernels()->take_row(o->matrix, call->tokens[row], to);
    if (o->weight) {
        const int64_t place = call->positions ? call->positions[row] : call->start + row % call->length;
        const int64_t position = o->offset + place;
        kernels()->add(o->weight + position * o->matrix->width, o->matrix->width, to);
    }
}

static char *place(const Operation *o, const Call *call, void *const *of, int64_t row, int64_t head, int64_t slot) {
    const int64_t number = row / call->length * o->kv_heads + head;
    return (char *)of[o->layer] + (number * call->capacity + slot) * o->head_width * (call->half ? 2 : 4);
}

static void settle(const Run *run, const Operation *o, int64_t row) {
    const Call *call = run->call;
    const int64_t position = call->start + row % call->length, half = o->head_width / 2;
    for (int head = 0; head < o->heads + o->kv_heads; head++) {
        const int key = head >= o->heads, number = key ? head - o->heads : head;
        float *x = row_of(run->program, key ? o->beside : o->source, row) + number * o->head_width;
        const float *norm = key ? o->bias : o->weight;
        if (norm) kernels()->rms_norm(x, norm, o->number, o->head_width, x);
        if (o->cosines) kernels()->turn(x, o->cosines + position * half, o->sines + position * half, o->head_width);
        if (key)
            kernels()->remember(x, o->head_width, (int)call->half, place(o, call, call->keys, row, number, position));
    }
    for (int head = 0; head < o->kv_heads; head++)
        kernels()->remember(row_of(run->program, o->target, row) + head * o->head_width, o->head_width, (int)call->half,
                            place(o, call, call->values, row, head, position));
}

/* An operation that makes each row of `target` of the same row of others. */
static void row_by_row(const Run *run, const Operation *o, int64_t row) {
    const Program *p = run->program;
    float *to = row_of(p, o->target, row);
    const float *from = row_of(p, o->source, row), *beside = o->beside < 0 ? NULL : row_of(p, o->beside, row);
    const int64_t width = p->buffers[o->target].width;
    switch (o->kind) {
    case EMBED: embed(run, o, row, to); break;
    case RMS_NORM: kernels()->rms_norm(from, o->weight, o->number, width, to); break;
    case LAYER_NORM: kernels()->layer_norm(from, o->weight, o->bias, o->number, width, to); break;
    case SETTLE: settle(run, o, row); break;
    case ACTIVATE: kernels()->activate(from, beside, o->function, width, to); break;
    case HIDDEN: memcpy(run->call->hidden + row * width, from, (size_t)width * sizeof(float)); break;
    }
}

static Attention attention(const Operation *o, const Call *call, int64_t row, int64_t head) {
    return (Attention){
        .keys = place(o, call, call->keys, row, head, 0),
        .values = place(o, call, call->values, row, head, 0),
        .width = o->head_width,
        .stride = o->head_width,
        .half = (int)call->half,
        .scale = (float)o->number,
        .window = o->window,
    };
}

/* The chunks of slots that the one token of each row looks at: `first` is where they begin. */
static int64_t chunks(const Operation *o, const Call *call, int64_t *first) {
    const int64_t slots = call->start + 1;
    *first = o->window && slots > o->window ? slots - o->window : 0;
    return (slots - *first + CHUNK - 1) / CHUNK;
}

/* What one chunk of one key head's slots gives: its heads' mixed values, then their largest scores and sums. */
static float *part(const Run *run, const Operation *o, int64_t row, int64_t head, int64_t chunk, int64_t count) {
    const int64_t group = o->heads / o->kv_heads, size = group * (up(o->head_width, PANEL) + 2);
    return run->program->scratch + run->partial + ((row * o->kv_heads + head) * count + chunk) * size;
}

static void attend_chunks(const Run *run, const Operation *o, Counters *counters, int thread) {
    const Call *call = run->call;
    const int64_t group = o->heads / o->kv_heads, wide = up(o->head_width, PANEL);
    int64_t first;
    const int64_t count = chunks(o, call, &first), end = call->start + 1;
    for (int64_t piece; (piece = take(&counters->first, 1)) < call->batch * o->kv_heads * count;) {
        const int64_t chunk = piece % count, head = piece / count % o->kv_heads, row = piece / count / o->kv_heads;
        const Attention a = attention(o, call, row, head);
        const int64_t begin = first + chunk * CHUNK;
        float *mixed = part(run, o, row, head, chunk, count), *most = mixed + group * wide;
        kernels()->attend_one(&a, row_of(run->program, o->source, row) + head * group * o->head_width, group, begin,
                              begin + CHUNK < end ? begin + CHUNK : end, mixed, most, most + group,
                              run->program->scratch + thread * run->scratch_each);
    }
}

/* The chunks of one row together: each by how its largest score stands to the largest of all. */
static void join(const Run *run, const Operation *o, int64_t row) {
    const int64_t group = o->heads / o->kv_heads, wide = up(o->head_width, PANEL);
    int64_t first;
    const int64_t count = chunks(o, run->call, &first);
    for (int64_t head = 0; head < o->heads; head++) {
        const int64_t of = head / group, member = head % group;
        float *to = row_of(run->program, o->target, row) + head * o->head_width, most = -__builtin_inff(), sum = 0;
        for (int64_t c = 0; c < count; c++) {
            const float found = part(run, o, row, of, c, count)[group * wide + member];
            most = found > most ? found : most;
        }
        memset(to, 0, (size_t)o->head_width * sizeof(float));
        for (int64_t c = 0; c < count; c++) {
            const float *mixed = part(run, o, row, of, c, count);
            const float share = __builtin_expf(mixed[group * wide + member] - most);
            sum += share * mixed[group * wide + group + member];
            for (int64_t i = 0; i < o->head_width; i++) to[i] += share * mixed[member * wide + i];
        }
        for (int64_t i = 0; i < o->head_width; i++) to[i] /= sum;
    }
}

/* Blocks of tokens, the last ones first: they see the most. */
static void attend_blocks(const Run *run, const Operation *o, Counters *counters, int thread) {
    const Call *call = run->call;
    const Program *p = run->program;
    const int64_t group = o->heads / o->kv_heads, blocks = (call->length + BLOCK - 1) / BLOCK;
    for (int64_t piece; (piece = take(&counters->first, 1)) < blocks * o->kv_heads;) {
        const int64_t head = piece % o->kv_heads, row = (blocks - 1 - piece / o->kv_heads) * BLOCK;
        const int64_t tokens = call->length - row < BLOCK ? call->length - row : BLOCK;
        const Attention a = attention(o, call, row, head);
        kernels()->attend_many(&a, row_of(p, o->source, row) + head * group * o->head_width, group, tokens,
                               call->start + row, p->buffers[o->source].stride,
                               row_of(p, o->target, row) + head * group * o->head_width,
                               p->scratch + thread * run->scratch_each);
    }
}

/* Blocks of tokens of each text, head by head. */
static void attend_texts(const Run *run, const Operation *o, Counters *counters, int thread) {
    const Call *call = run->call;
    const Program *p = run->program;
    const int64_t group = o->heads / o->kv_heads;
    int64_t mine = take(&counters->first, 1), piece = 0;
    for (int64_t text = 0; text < call->texts; text++) {
        const int64_t first = call->starts[text], end = call->starts[text + 1];
        for (int64_t row = first; row < end; row += BLOCK)
            for (int64_t head = 0; head < o->kv_heads; head++) {
                if (piece++ != mine) continue;
                const Attention a = {
                    .keys = row_of(p, o->beside, first) + head * o->head_width,
                    .values = row_of(p, o->values, first) + head * o->head_width,
                    .width = o->head_width,
                    .stride = p->buffers[o->beside].stride,
                    .scale = (float)o->number,
                    .all = end - first,
                };
                kernels()->attend_many(&a, row_of(p, o->source, row) + head * group * o->head_width, group,
                                       end - row < BLOCK ? end - row : BLOCK, row - first,
                                       p->buffers[o->source].stride,
                                       row_of(p, o->target, row) + head * group * o->head_width,
                                       p->scratch + thread * run->scratch_each);
                mine = take(&counters->first, 1);
            }
    }
}

static void operate(const Run *run, const Operation *o, Counters *counters, Pool *pool, int thread) {
    const Call *call = run->call;
    Program *p = run->program;
    const int64_t begin = first_row(o, call), rows = row_count(call);
    if (o->kind == MULTIPLY || o->kind == LOGITS) {
        const Rounded x =
            rounded_as(&p->rounded, o->matrix->padded, o->matrix->group, (int)o->matrix->fine, begin);
        const int64_t stride = o->kind == LOGITS ? o->matrix->rows : p->buffers[o->target].stride;
        share_product(&counters->first, pool_threads(pool), o->matrix, &x, rows - begin, o->bias, o->flags & ADD,
                      o->kind == LOGITS ? call->logits : row_of(p, o->target, begin), stride);
        return;
    }
    const Rounded x = o->round ? rounded_as(&p->rounded, up(p->buffers[o->target].width, o->round), o->round,
                                            o->flags & FINE, 0)
                               : p->rounded;
    if (o->kind == ATTEND || o->kind == ATTEND_ALL) {
        if (o->kind == ATTEND_ALL) attend_texts(run, o, counters, thread);
        else if (call->length == 1) attend_chunks(run, o, counters, thread);
        else attend_blocks(run, o, counters, thread);
        pool_wait(pool);
    }
    for (int64_t row; (row = begin + take(&counters->second, 1)) < rows;) {
        if (o->kind == ATTEND && call->length == 1) join(run, o, row);
        row_by_row(run, o, row);
        if (o->round) kernels()->round_row(row_of(p, o->target, row), p->buffers[o->target].width, &x, row);
    }
}

static void run_all(void *shared, Pool *pool, int thread) {
    const Run *run = shared;
    Program *p = run->program;
    for (int i = 0; i < p->count; i++) {
        const Operation *o = &p->operations[i];
        if (o->flags & LAST && !run->call->last) continue;
        operate(run, o, &p->counters[i], pool, thread);
        if (!(o->flags & ALONG)) pool_wait(pool);
    }
}

Program *program_new(const Operation *operations, int count, const int64_t *widths, int buffers, int64_t most_rows) {
    Program *p = calloc(1, sizeof(Program));
    if (!p) return NULL;
    p->count = count;
    p->buffer_count = buffers;
    p->most_rows = most_rows;
    p->operations = malloc((size_t)count * sizeof(Operation));
    p->counters = aligned_alloc(64, (size_t)count * sizeof(Counters));
    p->buffers = calloc((size_t)buffers, sizeof(Buffer));
    int room = p->operations && p->counters && p->buffers;
    int64_t padded = PANEL, groups = 1;
    for (int i = 0; room && i < buffers; i++) {
        p->buffers[i] = (Buffer){widths[i], up(widths[i], PANEL), floats_for(most_rows * up(widths[i], PANEL))};
        room = p->buffers[i].rows != NULL;
        if (room) memset(p->buffers[i].rows, 0, (size_t)(most_rows * p->buffers[i].stride) * sizeof(float));
    }
    for (int i = 0; room && i < count; i++) {
        const Operation *o = memcpy(&p->operations[i], &operations[i], sizeof(Operation));
        if (!o->round) continue;
        const int64_t wide = up(widths[o->target], o->round);
        padded = wide > padded ? wide : padded;
        groups = wide / o->round > groups ? wide / o->round : groups;
    }
    if (room && rounded_new(&p->rounded, most_rows, padded, groups)) return p;
    program_free(p);
    return NULL;
}

void program_free(Program *p) {
    for (int i = 0; p->buffers && i < p->buffer_count; i++) free(p->buffers[i].rows);
    rounded_free(&p->rounded);
    free(p->scratch);
    free(p->buffers);
    free(p->counters);
    free(p->operations);
    free(p);
}

/* Scratch for the widest attention of the call: each thread's own, then what the chunks leave for one another. */
static int make_room(Run *run, int threads) {
    int64_t each = 0, parts = 0;
    for (int i = 0; i < run->program->count; i++) {
        const Operation *o = &run->program->operations[i];
        if (o->kind != ATTEND && o->kind != ATTEND_ALL) continue;
        const int64_t group = o->heads / o->kv_heads;
        int64_t first, wanted = scratch_many(group, o->head_width), left = 0;
        if (o->kind == ATTEND && run->call->length == 1) {
            wanted = scratch_one(group, o->head_width);
            left = run->call->batch * o->heads * chunks(o, run->call, &first) * (up(o->head_width, PANEL) + 2);
        }
        each = wanted > each ? wanted : each;
        parts = left > parts ? left : parts;
    }
    run->scratch_each = up(each, PANEL);
    run->partial = run->scratch_each * threads;
    if (run->partial + parts <= run->program->scratch_size) return 1;
    free(run->program->scratch);
    run->program->scratch = floats_for(run->partial + parts);
    run->program->scratch_size = run->program->scratch ? run->partial + parts : 0;
    return run->program->scratch != NULL;
}

int program_run(Pool *pool, Program *program, const Call *call) {
    Run run = {.program = program, .call = call};
    if (row_count(call) > program->most_rows || !make_room(&run, pool_threads(pool))) return 1;
    memset(program->counters, 0, (size_t)program->count * sizeof(Counters));
    pool_run(pool, run_all, &run);
    return 0;
}
