/* What callers see: the choice of kernels, single operations, and whole models as lists of operations. */
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "pool.h"

/* The best first. */
static const Kernels *const ALL[] = {
#ifdef __x86_64__
#if defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11
    &amx_kernels,
#endif
    &avx512_kernels,
#if defined(__clang__) ? __clang_major__ >= 12 : __GNUC__ >= 11
    &avxvnni_kernels,
#endif
    &avx2_kernels,
#endif
    &portable_kernels,
};

/* Sizes of a product for which every way through a multiplication is gone: two tiles of rows, one, and a few rows more;
 * two panels abreast, and one. Groups fill half of a tile, or one and a half. */
enum { TRIED_ROWS = 3 * PANEL + 3, TRIED = 3 * PANEL, TRIED_WIDTH = 96 };

/* Whether kernels multiply as plain loops do. */
static int right_in(const Kernels *k, const Matrix *w, const Rounded *x) {
    float y[TRIED_ROWS * TRIED], row[TRIED_WIDTH];
    k->multiply(w, 0, TRIED / PANEL, x, 0, TRIED_ROWS, NULL, 0, y, TRIED);
    for (int n = 0; n < TRIED; n++) {
        portable_kernels.take_row(w, n, row);
        for (int m = 0; m < TRIED_ROWS; m++) {
            int32_t sum = 0;
            for (int i = 0; i < TRIED_WIDTH; i++) sum += (int32_t)row[i] * x->codes[m * TRIED_WIDTH + i];
            if ((float)sum != y[m * TRIED + n]) return 0; /* whole numbers below 2^24: exact */
        }
    }
    return 1;
}

/* The same in both widths of codes, and in narrow groups and wide ones. No machine that we have runs all kernels, so
 * each proves itself where it is to be used. */
static int right(const Kernels *k) {
    enum { GROUP = 32, MOST = TRIED_WIDTH / GROUP };
    static const uint16_t ONE = 0x3c00; /* as float16 */
    uint8_t codes[TRIED * TRIED_WIDTH];
    uint16_t scales[TRIED * MOST];
    int8_t x[TRIED_ROWS * TRIED_WIDTH];
    float steps[TRIED_ROWS * MOST], shares[TRIED_ROWS * MOST];
    uint32_t random = 1;
    for (int i = 0; i < TRIED * TRIED_WIDTH; i++) codes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (int i = 0; i < TRIED * MOST; i++) scales[i] = ONE;
    for (int i = 0; i < TRIED_ROWS * MOST; i++) steps[i] = 1, shares[i] = 0;
    for (int i = 0; i < TRIED_ROWS * TRIED_WIDTH; i++)
        x[i] = (int8_t)((int)((random = random * 1664525 + 1013904223) >> 24) % 255 - 127);
    for (int group = GROUP; group <= TRIED_WIDTH; group += TRIED_WIDTH - GROUP) {
        int32_t excess[TRIED_ROWS * MOST] = {0};
        for (int i = 0; i < TRIED_ROWS * TRIED_WIDTH; i++) excess[i / group] -= 8 * x[i];
        const Rounded rounded = {.codes = x, .scales = steps, .shares = shares, .excess = excess,
                                 .padded = TRIED_WIDTH, .group = group};
        for (int bits = 4; bits <= 8; bits += 4) {
            const Matrix w = {codes, scales, NULL, TRIED, TRIED_WIDTH, TRIED_WIDTH, group, bits, 0};
            if (!right_in(k, &w, &rounded)) return 0;
        }
    }
    return 1;
}

static _Atomic(const Kernels *) chosen;

const Kernels *kernels(void) {
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
    x->scales = floats_for(rows * groups);
    x->shares = floats_for(rows * groups);
    x->excess = floats_for(rows * groups);
    x->seconds = aligned_alloc(64, (size_t)up(rows * padded / 4 * (int64_t)sizeof(Second), 64));
    x->fours = floats_for(rows);
    return x->codes && x->scales && x->shares && x->excess && x->seconds && x->fours;
}

static void rounded_free(Rounded *x) {
    free(x->codes);
    free(x->scales);
    free(x->shares);
    free(x->excess);
    free(x->seconds);
    free(x->fours);
}

/* The same as rows are rounded for a matrix with such groups. */
static Rounded rounded_as(const Rounded *all, int64_t padded, int64_t group, int fine) {
    Rounded rows = *all;
    rows.seconds = fine ? all->seconds : NULL;
    rows.padded = padded;
    rows.group = group;
    return rows;
}

/* The panels of a piece: so few that all threads are busy to the end; of many rows two at least, since kernels take these
 * abreast. */
static int64_t panels_at_once(int64_t panels, int threads, int64_t rows) {
    return up(panels / (threads * 8) + 1, rows > 1 ? 2 : 1);
}

/* Panels and rows are shared out in pieces. */
static void share_product(Counter *counter, int threads, const Matrix *w, const Rounded *x, int64_t rows,
                          const float *bias, int add, float *y, int64_t stride) {
    const int64_t panels = (w->rows + PANEL - 1) / PANEL, step = panels_at_once(panels, threads, rows);
    const int64_t across = (panels + step - 1) / step, down = (rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    for (int64_t piece; (piece = take(counter, 1)) < across * down;) {
        const int64_t panel = piece / down * step, row = piece % down * ROWS_AT_ONCE;
        kernels()->multiply(w, panel, panel + step < panels ? panel + step : panels, x, row,
                            row + ROWS_AT_ONCE < rows ? row + ROWS_AT_ONCE : rows, bias, add, y, stride);
    }
}

/* Rows of a matrix of float32, so many at a time. */
static void share_floats(Counter *counter, const Matrix *w, const float *x, int64_t x_stride, int64_t inputs,
                         const float *bias, int add, float *y, int64_t stride, float *scratch) {
    for (int64_t first; (first = take(counter, ACROSS)) < w->rows;)
        kernels()->multiply_floats(w, first, first + ACROSS < w->rows ? first + ACROSS : w->rows, x, x_stride, inputs,
                                   bias, add, y, stride, scratch);
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
    s.rounded = rounded_as(&all, matrix->padded, matrix->group, (int)matrix->fine);
    if (room) pool_run(pool, single, &s);
    rounded_free(&all);
    return !room;
}

void take_rows(const Matrix *matrix, const int64_t *ids, int64_t count, float *out) {
    for (int64_t i = 0; i < count; i++) kernels()->take_row(matrix, ids[i], out + i * matrix->width);
}

typedef struct {
    const float *x;
    int64_t rows, width, stride, count;
    float *values;
    int64_t *places; /* NULL: sums are wanted */
    Counter counter;
} Survey;

static void survey(void *shared, Pool *pool, int thread) {
    Survey *s = shared;
    (void)pool, (void)thread;
    for (int64_t row; (row = take(&s->counter, 1)) < s->rows;) {
        const float *x = s->x + row * s->stride;
        if (s->places) kernels()->largest(x, s->width, s->count, s->values + row * s->count, s->places + row * s->count);
        else s->values[row] = kernels()->log_sum(x, s->width);
    }
}

void survey_sums(Pool *pool, const float *x, int64_t rows, int64_t width, int64_t stride, float *sums) {
    Survey s = {.x = x, .rows = rows, .width = width, .stride = stride, .values = sums};
    pool_run(pool, survey, &s);
}

void survey_largest(Pool *pool, const float *x, int64_t rows, int64_t width, int64_t stride, int64_t count, float *values,
             int64_t *places) {
    Survey s = {.x = x, .rows = rows, .width = width, .stride = stride, .count = count, .values = values,
                .places = places};
    pool_run(pool, survey, &s);
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t width, stride;
    float *rows;
} Buffer;

typedef struct {
    Counter first, second;
} Counters;

/* Where a row stands: in which text, and at which slot of it. */
typedef struct {
    int64_t text, slot;
} Stand;

struct Program {
    int count, buffer_count;
    int64_t most_rows;
    Operation *operations;
    Buffer *buffers;
    Counters *counters;
    Stand *stands; /* of all rows */
    int64_t *parts; /* where each row's chunks begin among those of all rows that look back by themselves */
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

/* How many rows an operation makes, and of which row the i-th. */
static int64_t rows_made(const Operation *o, const Call *call) { return o->flags & WANTED ? call->count : call->length; }
static int64_t row_from(const Operation *o, const Call *call, int64_t i) {
    return o->flags & WANTED ? call->wanted[i] : i;
}

static void embed(const Run *run, const Operation *o, int64_t row, float *to) {
    kernels()->take_row(o->matrix, run->call->tokens[row], to);
    if (o->number != 1)
        for (int64_t i = 0; i < o->matrix->width; i++) to[i] *= (float)o->number;
    if (o->weight) {
        const int64_t position = o->offset + run->program->stands[row].slot;
        kernels()->add(o->weight + position * o->matrix->width, o->matrix->width, to);
    }
}

static int64_t page_bytes(const Operation *o, const Call *call) {
    return o->kv_heads * call->page * slot_bytes(o->head_width, call->kept);
}

/* What `layer` keeps of one text and head: its slots in pages. */
static Attention remembered(const Operation *o, const Call *call, int64_t text, int64_t head) {
    const int64_t stride = slot_bytes(o->head_width, call->kept);
    return (Attention){
        .keys = (const char *)call->keys[o->layer] + head * call->page * stride,
        .values = (const char *)call->values[o->layer] + head * call->page * stride,
        .table = call->tables + text * call->table,
        .page = call->page,
        .far = page_bytes(o, call),
        .width = o->head_width,
        .stride = stride,
        .kept = (int)call->kept,
        .scale = (float)o->number,
        .window = o->window,
    };
}

static char *place(const Operation *o, const Call *call, void *const *of, const Stand *at, int64_t head) {
    const int64_t page = call->tables[at->text * call->table + at->slot / call->page];
    return (char *)of[o->layer] + page * page_bytes(o, call) +
           (head * call->page + at->slot % call->page) * slot_bytes(o->head_width, call->kept);
}

static void settle(const Run *run, const Operation *o, int64_t row) {
    const Call *call = run->call;
    const Stand *at = &run->program->stands[row];
    const int64_t half = o->head_width / 2;
    for (int head = 0; head < o->heads + o->kv_heads; head++) {
        const int key = head >= o->heads, number = key ? head - o->heads : head;
        float *x = row_of(run->program, key ? o->beside : o->source, row) + number * o->head_width;
        const float *norm = key ? o->bias : o->weight;
        if (norm) kernels()->rms_norm(x, norm, o->number, o->head_width, x);
        if (o->cosines) kernels()->turn(x, o->cosines + at->slot * half, o->sines + at->slot * half, o->head_width);
        if (key) kernels()->remember(x, o->head_width, (int)call->kept, place(o, call, call->keys, at, number));
    }
    for (int head = 0; head < o->kv_heads; head++)
        kernels()->remember(row_of(run->program, o->target, row) + head * o->head_width, o->head_width,
                            (int)call->kept, place(o, call, call->values, at, head));
}

/* An operation that makes each row of `target` of one row of others. */
static void row_by_row(const Run *run, const Operation *o, int64_t row, float *to) {
    const Program *p = run->program;
    const float *from = row_of(p, o->source, row), *beside = o->beside < 0 ? NULL : row_of(p, o->beside, row);
    const int64_t width = p->buffers[o->target].width;
    switch (o->kind) {
    case EMBED: embed(run, o, row, to); break;
    case RMS_NORM: kernels()->rms_norm(from, o->weight, o->number, width, to); break;
    case LAYER_NORM: kernels()->layer_norm(from, o->weight, o->bias, o->number, width, to); break;
    case SETTLE: settle(run, o, row); break;
    case ACTIVATE: kernels()->activate(from, beside, o->function, width, to); break;
    case COPY: memcpy(to, from, (size_t)width * sizeof(float)); break;
    case HIDDEN: memcpy(run->call->hidden + row * width, from, (size_t)width * sizeof(float)); break;
    }
}

/* The chunks of slots that a token in `slot` looks at: `first` is where they begin. */
static int64_t chunks(const Operation *o, int64_t slot, int64_t *first) {
    *first = o->window && slot + 1 > o->window ? slot + 1 - o->window : 0;
    return (slot + CHUNK - *first) / CHUNK;
}

/* What one chunk of one key head's slots gives: its heads' mixed values, then their largest scores and sums. */
static float *part(const Run *run, const Operation *o, int64_t row, int64_t head, int64_t chunk, int64_t count) {
    const int64_t group = o->heads / o->kv_heads, size = group * (up(o->head_width, PANEL) + 2);
    return run->program->scratch + run->partial + (run->program->parts[row] * o->kv_heads + head * count + chunk) * size;
}

static void attend_chunk(const Run *run, const Operation *o, int64_t row, int64_t piece, float *scratch) {
    const Stand *at = &run->program->stands[row];
    const int64_t group = o->heads / o->kv_heads, wide = up(o->head_width, PANEL);
    int64_t first;
    const int64_t count = chunks(o, at->slot, &first), end = at->slot + 1;
    const int64_t chunk = piece % count, head = piece / count, begin = first + chunk * CHUNK;
    const Attention a = remembered(o, run->call, at->text, head);
    float *mixed = part(run, o, row, head, chunk, count), *most = mixed + group * wide;
    kernels()->attend_one(&a, row_of(run->program, o->source, row) + head * group * o->head_width, group, o->head_width,
                          begin, begin + CHUNK < end ? begin + CHUNK : end, mixed, most, most + group, scratch);
}

/* The chunks of one row together: each by how its largest score stands to the largest of all. */
static void join(const Run *run, const Operation *o, int64_t row) {
    const int64_t group = o->heads / o->kv_heads, wide = up(o->head_width, PANEL);
    int64_t first;
    const int64_t count = chunks(o, run->program->stands[row].slot, &first);
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

/* What a text's own rows, begin..end, have of one head. */
static Attention at_hand(const Program *p, const Operation *o, int64_t begin, int64_t end, int64_t head) {
    return (Attention){
        .keys = row_of(p, o->beside, begin) + head * o->head_width,
        .values = row_of(p, o->values, begin) + head * o->head_width,
        .width = o->head_width,
        .stride = p->buffers[o->beside].stride * 4,
        .scale = (float)o->number,
        .all = end - begin,
    };
}

/* A block of a text's tokens, the last ones first: they see the most. */
static void attend_block(const Run *run, const Operation *o, int64_t text, int64_t piece, float *scratch) {
    const Call *call = run->call;
    const Program *p = run->program;
    const int64_t begin = call->starts[text], end = call->starts[text + 1], group = o->heads / o->kv_heads;
    const int64_t blocks = (end - begin + BLOCK - 1) / BLOCK, head = piece % o->kv_heads;
    const int64_t row = begin + (blocks - 1 - piece / o->kv_heads) * BLOCK, left = end - row;
    const int64_t stride = p->buffers[o->source].stride, across = head * group * o->head_width;
    const Attention a = o->kind == ATTEND ? remembered(o, call, text, head) : at_hand(p, o, begin, end, head);
    const int rounded = o->kind == ATTEND && call->kept != FLOATS;
    (rounded ? kernels()->attend_rounded : kernels()->attend_many)(
        &a, row_of(p, o->source, row) + across, group, left < BLOCK ? left : BLOCK, p->stands[row].slot, stride,
        row_of(p, o->target, row) + across, scratch);
}

/* What `layer` has of one head of a memory. */
static Attention in_memory(const Operation *o, const Call *call, int64_t memory, int64_t head) {
    const int64_t width = o->kv_heads * o->head_width, at = call->begins[memory] * width + head * o->head_width;
    return (Attention){
        .keys = (const float *)call->memory_keys[o->layer] + at,
        .values = (const float *)call->memory_values[o->layer] + at,
        .width = o->head_width,
        .stride = width * 4,
        .scale = (float)o->number,
        .all = call->lengths[memory],
    };
}

enum { FEW_ROWS = 8 }; /* that attend_one takes as heads */

static int64_t scratch_few(int64_t width) {
    return scratch_one(FEW_ROWS, width) + FEW_ROWS * (up(width, PANEL) + 2);
}

/* What each row of some sees of a memory of few slots, head by head. */
static void attend_few(const Run *run, const Operation *o, const Attention *a, int64_t across, int64_t begin,
                       int64_t end, float *scratch) {
    const Program *p = run->program;
    const int64_t stride = p->buffers[o->source].stride, group = o->heads / o->kv_heads, wide = up(a->width, PANEL);
    float *mixed = scratch + scratch_one(FEW_ROWS, a->width), *most = mixed + FEW_ROWS * wide, *sums = most + FEW_ROWS;
    for (int64_t row = begin; row < end; row += FEW_ROWS)
        for (int64_t member = 0; member < group; member++) {
            const int64_t rows = end - row < FEW_ROWS ? end - row : FEW_ROWS, at = across + member * a->width;
            kernels()->attend_one(a, row_of(p, o->source, row) + at, rows, stride, 0, a->all, mixed, most, sums,
                                  scratch);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t i = 0; i < a->width; i++)
                    row_of(p, o->target, row + r)[at + i] = mixed[r * wide + i] / sums[r];
        }
}

/* All memories, head by head: the rows that look at one do so together. */
static void attend_memories(const Run *run, const Operation *o, Counter *counter, int thread) {
    const Call *call = run->call;
    const Program *p = run->program;
    float *scratch = p->scratch + thread * run->scratch_each;
    const int64_t group = o->heads / o->kv_heads, stride = p->buffers[o->source].stride;
    for (int64_t piece; (piece = take(counter, 1)) < call->memories * o->kv_heads;) {
        const int64_t memory = piece / o->kv_heads, head = piece % o->kv_heads, across = head * group * o->head_width;
        const int64_t begin = call->starts[call->readers[memory]], end = call->starts[call->readers[memory + 1]];
        const Attention a = in_memory(o, call, memory, head);
        if (a.all <= CHUNK) {
            attend_few(run, o, &a, across, begin, end, scratch);
            continue;
        }
        for (int64_t row = begin; row < end; row += BLOCK)
            kernels()->attend_many(&a, row_of(p, o->source, row) + across, group, end - row < BLOCK ? end - row : BLOCK,
                                   0, stride, row_of(p, o->target, row) + across, scratch);
    }
}

static int looks_apart(const Call *call, int64_t text) { return call->apart && call->apart[text]; }

/* All texts' pieces, head by head: chunks of the slots of a row by itself, or blocks of rows. */
static void attend(const Run *run, const Operation *o, Counter *counter, int thread) {
    const Call *call = run->call;
    float *scratch = run->program->scratch + thread * run->scratch_each;
    int64_t mine = take(counter, 1), before = 0, first;
    for (int64_t text = 0; text < call->texts; text++) {
        const int64_t begin = call->starts[text], end = call->starts[text + 1];
        if (!looks_apart(call, text)) {
            const int64_t pieces = (end - begin + BLOCK - 1) / BLOCK * o->kv_heads;
            for (; mine < before + pieces; mine = take(counter, 1)) attend_block(run, o, text, mine - before, scratch);
            before += pieces;
            continue;
        }
        for (int64_t row = begin; row < end; row++) {
            const int64_t pieces = chunks(o, run->program->stands[row].slot, &first) * o->kv_heads;
            for (; mine < before + pieces; mine = take(counter, 1)) attend_chunk(run, o, row, mine - before, scratch);
            before += pieces;
        }
    }
}

static int attends(const Operation *o) {
    return o->kind == ATTEND || o->kind == ATTEND_ALL || o->kind == ATTEND_MEMORY;
}

static void operate(const Run *run, const Operation *o, Counters *counters, Pool *pool, int thread) {
    const Call *call = run->call;
    Program *p = run->program;
    const int64_t rows = rows_made(o, call);
    if (o->kind == MULTIPLY || o->kind == LOGITS) {
        const int64_t stride = o->kind == LOGITS ? o->matrix->rows : p->buffers[o->target].stride;
        float *to = o->kind == LOGITS ? call->logits : row_of(p, o->target, 0);
        if (o->matrix->bits == 32) {
            share_floats(&counters->first, o->matrix, row_of(p, o->source, 0), p->buffers[o->source].stride, rows,
                         o->bias, o->flags & ADD, to, stride, p->scratch + thread * run->scratch_each);
            return;
        }
        const Rounded x = rounded_as(&p->rounded, o->matrix->padded, o->matrix->group, (int)o->matrix->fine);
        share_product(&counters->first, pool_threads(pool), o->matrix, &x, rows, o->bias, o->flags & ADD, to, stride);
        return;
    }
    const Rounded x =
        o->round ? rounded_as(&p->rounded, up(p->buffers[o->target].width, o->round), o->round, o->flags & FINE)
                 : p->rounded;
    if (attends(o)) {
        if (o->kind == ATTEND_MEMORY) attend_memories(run, o, &counters->first, thread);
        else attend(run, o, &counters->first, thread);
        pool_wait(pool);
    }
    for (int64_t i; (i = take(&counters->second, 1)) < rows;) {
        if (o->kind == ATTEND && looks_apart(call, p->stands[i].text)) join(run, o, i);
        row_by_row(run, o, row_from(o, call, i), row_of(p, o->target, i));
        if (o->round) kernels()->round_row(row_of(p, o->target, i), p->buffers[o->target].width, &x, i);
    }
}

/* The end of an operation; who waits there asks for the codes of a piece of the product that follows, if one does. */
static void finish(const Run *run, int number, Pool *pool, int thread) {
    const Program *p = run->program;
    const Operation *o = number + 1 < p->count ? &p->operations[number + 1] : NULL;
    const int product = o && (o->kind == MULTIPLY || o->kind == LOGITS) && o->matrix->bits < 32;
    if (!product) {
        pool_wait(pool);
        return;
    }
    const int64_t panels = (o->matrix->rows + PANEL - 1) / PANEL, size = o->matrix->padded * PANEL * o->matrix->bits / 8;
    const int64_t step = panels_at_once(panels, pool_threads(pool), rows_made(o, run->call)), first = thread * step;
    const int64_t count = first + step < panels ? step : first < panels ? panels - first : 0;
    pool_wait_before(pool, o->matrix->codes + (count ? first * size : 0), count * size);
}

static void run_all(void *shared, Pool *pool, int thread) {
    const Run *run = shared;
    Program *p = run->program;
    for (int i = 0; i < p->count; i++) {
        const Operation *o = &p->operations[i];
        if (o->flags & WANTED && !run->call->count) continue;
        operate(run, o, &p->counters[i], pool, thread);
        if (!(o->flags & ALONG)) finish(run, i, pool, thread);
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
    p->stands = malloc((size_t)most_rows * sizeof(Stand));
    p->parts = malloc((size_t)most_rows * sizeof(int64_t));
    int room = p->operations && p->counters && p->buffers && p->stands && p->parts;
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
    free(p->parts);
    free(p->stands);
    free(p->buffers);
    free(p->counters);
    free(p->operations);
    free(p);
}

/* Where each row stands, and its share of the chunks, of which this is the number. */
static int64_t stand(Program *p, const Call *call) {
    int64_t parts = 0;
    for (int64_t text = 0; text < call->texts; text++)
        for (int64_t row = call->starts[text]; row < call->starts[text + 1]; row++) {
            const int64_t slot = (call->slots ? call->slots[text] : 0) + row - call->starts[text];
            p->stands[row] = (Stand){text, slot};
            p->parts[row] = parts;
            if (looks_apart(call, text)) parts += slot / CHUNK + 1;
        }
    return parts;
}

/* Scratch for the widest attention of the call: each thread's own, then what the chunks leave for one another. */
static int make_room(Run *run, int threads, int64_t parts) {
    int64_t each = scratch_floats(), left = 0;
    for (int i = 0; i < run->program->count; i++) {
        const Operation *o = &run->program->operations[i];
        if (!attends(o)) continue;
        const int64_t group = o->heads / o->kv_heads, few = scratch_few(o->head_width);
        const int64_t one = o->kind == ATTEND_MEMORY ? few : scratch_one(group, o->head_width);
        const int64_t floats = scratch_many(group, o->head_width), whole = scratch_rounded(group, o->head_width);
        const int64_t many = floats > whole ? floats : whole, sum = o->heads * (up(o->head_width, PANEL) + 2);
        each = many > each ? many : each;
        each = one > each ? one : each;
        left = sum > left ? sum : left;
    }
    run->scratch_each = up(each, PANEL);
    run->partial = run->scratch_each * threads;
    const int64_t size = run->partial + parts * left;
    if (size <= run->program->scratch_size) return 1;
    free(run->program->scratch);
    run->program->scratch = floats_for(size);
    run->program->scratch_size = run->program->scratch ? size : 0;
    return run->program->scratch != NULL;
}

int program_run(Pool *pool, Program *program, const Call *call) {
    Run run = {.program = program, .call = call};
    if (call->length > program->most_rows) return 1;
    if (!make_room(&run, pool_threads(pool), stand(program, call))) return 1;
    memset(program->counters, 0, (size_t)program->count * sizeof(Counters));
    pool_run(pool, run_all, &run);
    return 0;
}
