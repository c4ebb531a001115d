/* Attention of many tokens over numbers that are remembered roughly, in whole numbers of 16 bits. Included by rows.h.
 *
 * Both products of a block are those of whole numbers of 16 bits, and a lane is a row: one head of one token. Queries,
 * keys and values are rounded in steps of which WHOLE are their length as vectors, and a block's weights in steps of which
 * WHOLE are their sum: so no sum of products leaves 32 bits. */
#define WHOLE 32767.0f
#define NOTHING -1e30f /* the score of what is not seen */

enum { DOWN = 4 }; /* rows of a product whose sums, BESIDE vectors each, fit into registers */

typedef struct {
    const Attention *a;
    int64_t rows, wide;  /* rows up to whole vectors; the width up to whole panels */
    int64_t begin, count; /* the block's slots */
    float *keys, *values; /* [BLOCK, wide]: in pairs once they are rounded */
    float *key_steps, *value_steps;
    float *queries; /* in pairs: of each group of rows, see `lanes_at`, [wide / 2, lanes] */
    float *mixed;   /* of each group of rows, [wide, lanes] */
    float *scores;  /* of one group, [BLOCK, lanes]; then weights in pairs */
    float *steps;   /* [rows], as the others: the queries' */
    float *most, *sums;
    int32_t *slots;
} Gaze;

/* How many rows are looked at together from `row` on. */
INLINE int64_t lanes_at(const Gaze *g, int64_t row) {
    return g->rows - row >= BESIDE * LANES ? BESIDE * LANES : LANES;
}

/* In what steps rows are rounded, LANES of them at a time; tiny ones where a row is 0. */
static void steps_of(const float *x, int64_t rows, int64_t wide, float *steps) {
    for (int64_t row = 0; row < rows; row += LANES) {
        floats squares[LANES];
        UNROLL for (int lane = 0; lane < LANES; lane++, x += wide) {
            squares[lane] = load(x) * load(x);
            for (int64_t i = LANES; i < wide; i += LANES) squares[lane] += load(x + i) * load(x + i);
        }
        store(steps + row, sums_of(squares));
    }
    for (int64_t row = 0; row < rows; row++) {
        const float length = __builtin_sqrtf(steps[row]);
        steps[row] = (length < 1e-15f ? 1e-15f : length) / WHOLE;
    }
}

INLINE floats pair(floats low, floats high) { return (floats)((nearest(high) << 16) | (nearest(low) & 0xffff)); }

/* A row in steps, channel i beside i + wide / 2, in place. What lies from there on is of no use: up to LANES / 2 numbers
 * after the row have been made pairs, too. */
INLINE void fold(float *x, int64_t wide, float step) {
    const float rate = 1 / step;
    for (int64_t i = 0; i < wide / 2; i += LANES)
        store(x + i, pair(load(x + i) * rate, load(x + wide / 2 + i) * rate));
}

/* Two rows in steps, one beside the other, in place of the first. */
INLINE void fold_two(float *x, int64_t wide, const float *steps) {
    const float first = 1 / steps[0], second = 1 / steps[1];
    for (int64_t i = 0; i < wide; i += LANES) store(x + i, pair(load(x + i) * first, load(x + wide + i) * second));
}

/* The queries of a group of rows; lanes left over do what the last row does. */
static void take_queries(const Gaze *g, const float *from, int64_t heads, int64_t tokens, int64_t stride, int64_t row) {
    const int64_t lanes = lanes_at(g, row), wide = g->wide, width = g->a->width, last = tokens * heads - 1;
    float *to = g->queries + row * wide / 2, *queries = g->keys;
    for (int64_t lane = 0; lane < lanes; lane++) {
        const int64_t token = g->slots[row + lane] - g->slots[0], of = row + lane < last ? row + lane : last;
        gather(from + token * stride + (of - token * heads) * width, 1, width, width, g->a->scale * LOG2_E, wide,
               queries + lane * wide);
    }
    steps_of(queries, lanes, wide, g->steps + row);
    for (int64_t lane = 0; lane < lanes; lane++) {
        fold(queries + lane * wide, wide, g->steps[row + lane]);
        for (int64_t i = 0; i < wide / 2; i++) to[i * lanes + lane] = queries[lane * wide + i];
    }
}

/* The block's keys and values, and zeros after them up to whole vectors of rows. */
static void take_block(Gaze *g, int64_t begin, int64_t count) {
    const int64_t wide = g->wide, rows = up(count, LANES);
    g->begin = begin, g->count = count;
    recall(g->a, g->a->keys, begin, begin + count, wide, g->keys);
    recall(g->a, g->a->values, begin, begin + count, wide, g->values);
    for (int64_t i = count * wide; i < rows * wide; i++) g->keys[i] = g->values[i] = 0;
    steps_of(g->keys, rows, wide, g->key_steps);
    steps_of(g->values, rows, wide, g->value_steps);
    for (int64_t s = 0; s < rows; s++) fold(g->keys + s * wide, wide, g->key_steps[s]);
    for (int64_t s = 0; s < rows; s += 2) fold_two(g->values + s * wide, wide, g->value_steps + s);
}

/* DOWN rows of pairs, `down` apart, times `depth` rows of vectors of pairs; `vectors` is a constant where it is called. */
INLINE void pairs(const int vectors, int64_t depth, const float *a, int64_t down, int64_t step, const float *b,
                  integers sum[DOWN][BESIDE]) {
    UNROLL for (int m = 0; m < DOWN; m++)
        UNROLL for (int v = 0; v < vectors; v++) sum[m][v] = same_integer(0);
    for (int64_t k = 0; k < depth; k++, a += step, b += vectors * LANES) {
        integers column[BESIDE];
        UNROLL for (int v = 0; v < vectors; v++) column[v] = (integers)load(b + v * LANES);
        UNROLL for (int m = 0; m < DOWN; m++)
            UNROLL for (int v = 0; v < vectors; v++) sum[m][v] = dot_pairs(sum[m][v], column[v], a + m * down);
    }
}

/* Scores of a slot, but those of rows that do not see it. */
INLINE floats seen(const Gaze *g, int64_t row, int64_t s, floats scores) {
    const integers own = (integers)load((const float *)g->slots + row);
    const int32_t slot = (int32_t)(g->begin + s), window = (int32_t)g->a->window;
    const floats found = choose(own >= slot, scores, same(NOTHING));
    return window ? choose(own - window < slot, found, same(NOTHING)) : found;
}

/* Scores of the block's first slots, and the largest ones; of all of them, or at an edge of what is seen. */
INLINE void score_group(const int vectors, const Gaze *g, int64_t row, int64_t count, int edge, float *tops) {
    const int64_t wide = g->wide;
    floats top[BESIDE];
    integers sum[DOWN][BESIDE];
    UNROLL for (int v = 0; v < vectors; v++) top[v] = same(NOTHING);
    for (int64_t s = 0; s < count; s += DOWN) {
        pairs(vectors, wide / 2, g->keys + s * wide, wide, 1, g->queries + row * wide / 2, sum);
        UNROLL for (int m = 0; m < DOWN; m++)
            UNROLL for (int v = 0; v < vectors; v++) {
                const int64_t at = row + v * LANES;
                floats found = to_floats(sum[m][v]) * (g->key_steps[s + m] * load(g->steps + at));
                if (edge) found = seen(g, at, s + m, found);
                if (s + m < count) top[v] = larger(top[v], found);
                store(g->scores + (s + m) * vectors * LANES + v * LANES, found);
            }
    }
    UNROLL for (int v = 0; v < vectors; v++) store(tops + v * LANES, top[v]);
}

/* One vector of rows: their scores to weights, in pairs. Each block's are by its own largest score; `gains` is what they
 * stand for next to what the rows have mixed until now, which fades where a score is larger than all before. */
static void soften_rows(const Gaze *g, int64_t row, int64_t lanes, int64_t count, float *scores, float *mixed,
                        const float *tops, float *gains) {
    const floats top = load(tops);
    floats sum = same(0), heavy = same(0);
    for (int64_t s = 0; s < count; s++) {
        const floats weight = power(load(scores + s * lanes) - top), heft = weight * g->value_steps[s];
        sum += weight;
        heavy += heft;
        store(scores + s * lanes, heft);
    }
    if (count % 2) store(scores + count * lanes, same(0));
    const floats rate = WHOLE / heavy;
    for (int64_t s = 0; s < count; s += 2)
        store(scores + s / 2 * lanes, pair(load(scores + s * lanes) * rate, load(scores + (s + 1) * lanes) * rate));
    const floats before = load(g->most + row), now = larger(before, top), share = power(top - now);
    if (any(now > before)) {
        const floats fade = power(before - now);
        for (int64_t i = 0; i < g->wide; i++) store(mixed + i * lanes, load(mixed + i * lanes) * fade);
        store(g->sums + row, load(g->sums + row) * fade);
        store(g->most + row, now);
    }
    store(g->sums + row, load(g->sums + row) + sum * share);
    store(gains, heavy * share / WHOLE);
}

/* A group of rows looks at the block. */
INLINE void look(const int vectors, const Gaze *g, int64_t row) {
    const Attention *a = g->a;
    const int64_t lanes = vectors * LANES, wide = g->wide, first = g->slots[row], last = g->slots[row + lanes - 1];
    const int64_t count = a->all || last + 1 - g->begin > g->count ? g->count : last + 1 - g->begin;
    const int edge = !a->all && (g->begin + count - 1 > first || (a->window && g->begin <= last - a->window));
    float *scores = g->scores, *mixed = g->mixed + row * wide, tops[BESIDE * LANES], gains[BESIDE * LANES];
    integers sum[DOWN][BESIDE];
    score_group(vectors, g, row, count, edge, tops);
    for (int v = 0; v < lanes; v += LANES)
        soften_rows(g, row + v, lanes, count, scores + v, mixed + v, tops + v, gains + v);
    for (int64_t i = 0; i < wide; i += DOWN) {
        pairs(vectors, (count + 1) / 2, g->values + i, 1, 2 * wide, scores, sum);
        UNROLL for (int m = 0; m < DOWN; m++)
            UNROLL for (int v = 0; v < vectors; v++) {
                float *to = mixed + (i + m) * lanes + v * LANES;
                store(to, load(to) + to_floats(sum[m][v]) * load(gains + v * LANES));
            }
    }
}

/* What a group of rows has mixed. */
static void give(const Gaze *g, int64_t row, int64_t heads, int64_t tokens, int64_t stride, float *to) {
    const int64_t lanes = lanes_at(g, row), width = g->a->width;
    const float *mixed = g->mixed + row * g->wide;
    for (int64_t lane = 0; lane < lanes && row < tokens * heads; lane++, row++) {
        const int64_t token = g->slots[row] - g->slots[0];
        const float rate = 1 / g->sums[row];
        float *out = to + token * stride + (row - token * heads) * width;
        for (int64_t i = 0; i < width; i++) out[i] = mixed[i * lanes + lane] * rate;
    }
}

/* The softmax is that of Milakov and Gimelshein 2018 (online), block by block as in FlashAttention (Dao et al. 2022,
 * algorithm 1); keys that heads share are looked at by all of them together. */
static void attend_rounded(const Attention *a, const float *queries, int64_t heads, int64_t tokens, int64_t slot,
                           int64_t stride, float *mixed, float *scratch) {
    const int64_t wide = up(a->width, PANEL), rows = up(tokens * heads, LANES);
    Gaze g = {.a = a, .rows = rows, .wide = wide, .keys = scratch};
    g.values = g.keys + BLOCK * wide, g.scores = g.values + BLOCK * wide;
    g.key_steps = g.scores + BLOCK * BESIDE * LANES, g.value_steps = g.key_steps + BLOCK;
    g.queries = g.value_steps + BLOCK, g.mixed = g.queries + rows * wide / 2;
    g.steps = g.mixed + rows * wide, g.most = g.steps + rows, g.sums = g.most + rows;
    g.slots = (int32_t *)(g.sums + rows);
    for (int64_t i = 0; i < rows * wide; i++) g.mixed[i] = 0;
    for (int64_t row = 0; row < rows; row++) {
        const int64_t token = (uint32_t)row / (uint32_t)heads; /* 64 bits take long to divide */
        g.most[row] = NOTHING, g.sums[row] = 0, g.slots[row] = (int32_t)(slot + (token < tokens ? token : tokens - 1));
    }
    for (int64_t row = 0; row < rows; row += lanes_at(&g, row)) take_queries(&g, queries, heads, tokens, stride, row);
    const int64_t end = a->all ? a->all : slot + tokens;
    /* From a whole block on, so that what is added to what does not depend on where a call begins. */
    const int64_t from = a->window && slot >= a->window ? (slot - a->window + 1) / BLOCK * BLOCK : 0;
    for (int64_t begin = from; begin < end; begin += BLOCK) {
        take_block(&g, begin, end - begin < BLOCK ? end - begin : BLOCK);
        for (int64_t row = 0; row < rows; row += lanes_at(&g, row)) {
            if (lanes_at(&g, row) > LANES) look(BESIDE, &g, row);
            else look(1, &g, row);
        }
    }
    for (int64_t row = 0; row < rows; row += lanes_at(&g, row)) give(&g, row, heads, tokens, stride, mixed);
}
