/* Whole models as lists of operations, run by all threads together. */
#include <string.h>

#include "products.h"

typedef struct {
    int64_t width, stride;
    float *rows;
} Buffer;

/* Where a row stands: in which text, and at which slot of it. */
typedef struct {
    int64_t text, slot;
} Stand;

struct Program {
    int count, buffer_count;
    int64_t most_rows;
    Operation *operations;
    Buffer *buffers;
    Counter *counters; /* two lines of them for each operation: a counter for each thread, at least */
    int64_t line;
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

/* What `layer` keeps of one text and head: its slots in pages, or in one. */
static Attention remembered(const Operation *o, const Call *call, int64_t text, int64_t head) {
    const int64_t stride = slot_bytes(o->head_width, call->kept);
    const int32_t *table = call->tables + text * call->table;
    const int64_t from = head * call->page * stride + (call->table == 1 ? *table * page_bytes(o, call) : 0);
    return (Attention){
        .keys = (const char *)call->keys[o->layer] + from,
        .values = (const char *)call->values[o->layer] + from,
        .table = call->table == 1 ? NULL : table,
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

/* The slots that a token looks at, in chunks of `size`: fewer and larger ones where there are many. */
typedef struct {
    int64_t first, end, size, count;
} Chunks;

static Chunks chunks(const Operation *o, int64_t slot) {
    Chunks c = {.first = o->window && slot + 1 > o->window ? slot + 1 - o->window : 0, .end = slot + 1, .size = BRIEF};
    while (c.size < CHUNK && c.size * 4 < c.end - c.first) c.size *= 2;
    c.count = (c.end - c.first + c.size - 1) / c.size;
    return c;
}

/* What one chunk of one key head's slots gives: its heads' mixed values, then their largest scores and sums. */
static float *part(const Run *run, const Operation *o, int64_t row, int64_t head, int64_t chunk, int64_t count) {
    const int64_t group = o->heads / o->kv_heads, size = group * (up(o->head_width, PANEL) + 2);
    return run->program->scratch + run->partial + (run->program->parts[row] * o->kv_heads + head * count + chunk) * size;
}

/* A piece is a chunk of a head; `after`: the one that this thread will take next, if the others keep step. */
static void attend_chunk(const Run *run, const Operation *o, int64_t row, int64_t piece, int64_t after, float *scratch) {
    const Stand *at = &run->program->stands[row];
    const int64_t group = o->heads / o->kv_heads, wide = up(o->head_width, PANEL);
    const Chunks c = chunks(o, at->slot);
    const int64_t head = piece / c.count, begin = c.first + piece % c.count * c.size;
    Attention a = remembered(o, run->call, at->text, head);
    const Stand then = {at->text, c.first + after % c.count * c.size};
    if (after < c.count * o->kv_heads) a.next = place(o, run->call, run->call->keys, &then, after / c.count);
    float *mixed = part(run, o, row, head, piece % c.count, c.count), *most = mixed + group * wide;
    kernels()->attend_one(&a, row_of(run->program, o->source, row) + head * group * o->head_width, group, o->head_width,
                          begin, begin + c.size < c.end ? begin + c.size : c.end, mixed, most, most + group, scratch);
}

/* The chunks of one row together: each by how its largest score stands to the largest of all. */
static void join(const Run *run, const Operation *o, int64_t row) {
    const int64_t group = o->heads / o->kv_heads, wide = up(o->head_width, PANEL);
    const int64_t count = chunks(o, run->program->stands[row].slot).count;
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

/* One head of a block of a text's tokens. */
static void attend_block(const Run *run, const Operation *o, int64_t text, int64_t block, int64_t head, float *scratch) {
    const Call *call = run->call;
    const Program *p = run->program;
    const int64_t begin = call->starts[text], end = call->starts[text + 1], group = o->heads / o->kv_heads;
    const int64_t row = begin + block * BLOCK, left = end - row;
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
static void attend_memories(const Run *run, const Operation *o, Counter *counter, float *scratch) {
    const Call *call = run->call;
    const Program *p = run->program;
    const int64_t group = o->heads / o->kv_heads, stride = p->buffers[o->source].stride;
    for (int64_t piece; (piece = take(counter, 1)) < call->memories * o->kv_heads;) {
        const int64_t memory = piece / o->kv_heads, head = piece % o->kv_heads, across = head * group * o->head_width;
        const int64_t begin = call->starts[call->readers[memory]], end = call->starts[call->readers[memory + 1]];
        const Attention a = in_memory(o, call, memory, head);
        if (a.all <= BRIEF) {
            attend_few(run, o, &a, across, begin, end, scratch);
            continue;
        }
        for (int64_t row = begin; row < end; row += BLOCK)
            kernels()->attend_many(&a, row_of(p, o->source, row) + across, group, end - row < BLOCK ? end - row : BLOCK,
                                   0, stride, row_of(p, o->target, row) + across, scratch);
    }
}

static int looks_apart(const Call *call, int64_t text) { return call->apart && call->apart[text]; }

/* Pieces of all texts, head by head: chunks of the slots of a row that looks back by itself, or blocks of rows, the last
 * ones first, since they see the most. A block falls to whom its first row does. */
static void attend(const Run *run, const Operation *o, Share share, int threads, float *scratch) {
    const Call *call = run->call;
    int64_t mine = take(share.counter, 1), before = 0;
    for (int64_t text = 0; text < call->texts; text++) {
        const int64_t begin = call->starts[text], end = call->starts[text + 1];
        const int64_t from = begin > share.begin ? begin : share.begin, to = end < share.end ? end : share.end;
        if (!looks_apart(call, text)) {
            const int64_t least = (from - begin + BLOCK - 1) / BLOCK, most = (to - begin + BLOCK - 1) / BLOCK;
            const int64_t pieces = most > least ? (most - least) * o->kv_heads : 0;
            for (; mine < before + pieces; mine = take(share.counter, 1))
                attend_block(run, o, text, most - 1 - (mine - before) / o->kv_heads, (mine - before) % o->kv_heads, scratch);
            before += pieces;
            continue;
        }
        for (int64_t row = from; row < to; row++) {
            const int64_t pieces = chunks(o, run->program->stands[row].slot).count * o->kv_heads;
            for (; mine < before + pieces; mine = take(share.counter, 1))
                attend_chunk(run, o, row, mine - before, mine - before + threads, scratch);
            before += pieces;
        }
    }
}

static int attends(const Operation *o) {
    return o->kind == ATTEND || o->kind == ATTEND_ALL || o->kind == ATTEND_MEMORY;
}

static void operate(const Run *run, const Operation *o, Counter *counters, Pool *pool, int thread) {
    const Call *call = run->call;
    Program *p = run->program;
    const int64_t rows = rows_made(o, call);
    const Thread me = {thread, pool_threads(pool)};
    if (o->kind == MULTIPLY || o->kind == LOGITS) {
        const int64_t stride = o->kind == LOGITS ? o->matrix->rows : p->buffers[o->target].stride;
        float *to = o->kind == LOGITS ? call->logits : row_of(p, o->target, 0);
        if (o->matrix->bits == 32) {
            share_floats(counters, o->matrix, row_of(p, o->source, 0), p->buffers[o->source].stride, rows,
                         o->bias, o->flags & ADD, to, stride, p->scratch + thread * run->scratch_each);
            return;
        }
        const Rounded x =
            rounded_as(&p->rounded, call->length, o->matrix->padded, o->matrix->group, (int)o->matrix->fine);
        share_product(counters, me, o->matrix, &x, rows, o->bias, o->flags & ADD, to, stride);
        return;
    }
    const Rounded x =
        o->round ? rounded_as(&p->rounded, call->length, up(p->buffers[o->target].width, o->round), o->round,
                              o->flags & FINE)
                 : p->rounded;
    if (attends(o)) {
        float *scratch = p->scratch + thread * run->scratch_each;
        if (o->kind == ATTEND_MEMORY) attend_memories(run, o, counters, scratch);
        else
            for (int64_t after = 0; after < shares(me, rows); after++)
                attend(run, o, share_of(me, after, rows, counters), me.of, scratch);
        pool_wait(pool);
    }
    for (int64_t after = 0; after < shares(me, rows); after++) {
        const Share share = share_of(me, after, rows, counters + p->line);
        for (int64_t begin, end; next_rows(&share, &begin, &end);)
            for (int64_t i = begin; i < end; i++) {
                if (o->kind == ATTEND && looks_apart(call, p->stands[i].text)) join(run, o, i);
                row_by_row(run, o, row_from(o, call, i), row_of(p, o->target, i));
                if (o->round) kernels()->round_row(row_of(p, o->target, i), p->buffers[o->target].width, &x, i);
            }
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
        operate(run, o, p->counters + 2 * i * p->line, pool, thread);
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
    p->buffers = calloc((size_t)buffers, sizeof(Buffer));
    p->stands = malloc((size_t)most_rows * sizeof(Stand));
    p->parts = malloc((size_t)most_rows * sizeof(int64_t));
    int room = p->operations && p->buffers && p->stands && p->parts;
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
            if (looks_apart(call, text)) parts += slot / CHUNK + 4; /* or fewer, see `chunks` */
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

/* All counters at 0. */
static int count_anew(Program *p, int threads) {
    const int64_t line = up(threads, 64 / (int64_t)sizeof(Counter)); /* a whole number of what memory gives at a time */
    const size_t size = (size_t)(2 * line * p->count) * sizeof(Counter);
    if (line != p->line) {
        free(p->counters);
        p->counters = aligned_alloc(64, size);
        p->line = p->counters ? line : 0;
    }
    if (p->counters) memset(p->counters, 0, size);
    return p->counters != NULL;
}

int program_run(Pool *pool, Program *program, const Call *call) {
    Run run = {.program = program, .call = call};
    if (call->length > program->most_rows) return 1;
    if (!make_room(&run, pool_threads(pool), stand(program, call))) return 1;
    if (!count_anew(program, pool_threads(pool))) return 1;
    pool_run(pool, run_all, &run);
    return 0;
}
