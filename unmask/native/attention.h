/* Attention of one token, and of many, over keys and values as they are kept. Included by rows.h. */

enum { LEAD = 4096 }; /* bytes of keys or values that memory is asked for beforehand */

typedef uint16_t shorts __attribute__((vector_size(2 * LANES)));

INLINE floats load_brain(const uint16_t *at) {
    shorts x;
    __builtin_memcpy(&x, at, sizeof x);
    return (floats)(__builtin_convertvector(x, integers) << 16);
}

static void narrow(const float *from, int64_t width, uint16_t *to) {
    for (int64_t i = 0; i < width; i += LANES) {
        const floats x = load_some(from + i, width - i);
        const integers bits = (integers)x, rounded = bits + 0x7fff + (bits >> 16 & 1);
        const integers number = x == x;
        const shorts out = __builtin_convertvector(((number & rounded) | (~number & 0x7fc00000)) >> 16, shorts);
        __builtin_memcpy(to + i, &out, (size_t)(width - i < LANES ? width - i : LANES) * sizeof *to);
    }
}

/* One head of a slot as float32. */
static void widen(const void *from, int kept, int64_t width, float *to) {
    int64_t i = 0;
    if (kept == FLOATS) {
        __builtin_memcpy(to, from, (size_t)width * sizeof(float));
        return;
    }
    if (kept == HALVES) {
        for (; i + LANES <= width; i += LANES) store(to + i, load_half((const uint16_t *)from + i));
        for (; i < width; i++) to[i] = one_half((const uint16_t *)from + i);
        return;
    }
    if (kept == BRAINS) {
        for (; i + LANES <= width; i += LANES) store(to + i, load_brain((const uint16_t *)from + i));
        for (; i < width; i++) {
            const uint32_t bits = (uint32_t)((const uint16_t *)from)[i] << 16;
            __builtin_memcpy(to + i, &bits, sizeof bits);
        }
        return;
    }
    float scale;
    __builtin_memcpy(&scale, (const char *)from + width, sizeof scale);
    for (; i + LANES <= width; i += LANES) store(to + i, to_floats(load_bytes((const int8_t *)from + i)) * scale);
    for (; i < width; i++) to[i] = (float)((const int8_t *)from)[i] * scale;
}

/* LANES numbers of a slot's `width` from the i-th on; `kept` is a constant where it is called. */
INLINE floats kept_at(const int kept, const char *slot, int64_t width, int64_t i) {
    if (kept == FLOATS) return load((const float *)slot + i);
    if (kept == HALVES) return load_half((const uint16_t *)slot + i);
    if (kept == BRAINS) return load_brain((const uint16_t *)slot + i);
    float scale;
    __builtin_memcpy(&scale, slot + width, sizeof scale);
    return to_floats(load_bytes((const int8_t *)slot + i)) * scale;
}

/* Where the numbers of a slot are. */
INLINE const char *slot_at(const Attention *a, const void *from, int64_t slot) {
    if (!a->table) return (const char *)from + slot * a->stride;
    const uint32_t page = (uint32_t)slot / (uint32_t)a->page, place = (uint32_t)slot % (uint32_t)a->page;
    return (const char *)from + a->table[page] * a->far + place * a->stride;
}

/* How many of the slots first..last, and no more than `most`, lie side by side from the first on. */
INLINE int64_t side_by_side(const Attention *a, int64_t first, int64_t last, int64_t most) {
    const int64_t left = last - first < most ? last - first : most;
    const int64_t room = a->table ? a->page - (uint32_t)first % (uint32_t)a->page : left;
    return room < left ? room : left;
}

/* Slots first..last as float32 [slots, wide]; what is beyond `width` is 0. */
static void recall(const Attention *a, const void *from, int64_t first, int64_t last, int64_t wide, float *to) {
    const int64_t bytes = slot_bytes(a->width, a->kept);
    for (int64_t count; first < last; first += count) {
        const char *row = slot_at(a, from, first);
        count = side_by_side(a, first, last, last - first);
        for (int64_t s = 0; s < count; s++, to += wide, row += a->stride) {
            for (int64_t at = 0; at < bytes; at += LINE) __builtin_prefetch(row + LEAD + at);
            widen(row, a->kept, a->width, to);
            for (int64_t i = a->width; i < wide; i++) to[i] = 0;
        }
    }
}

/* Heads, `apart` floats from one to the next, scaled and with zeros up to `wide`. */
INLINE void gather(const float *from, int64_t heads, int64_t apart, int64_t width, float scale, int64_t wide,
                   float *to) {
    for (int64_t h = 0; h < heads; h++, from += apart, to += wide) {
        for (int64_t i = 0; i < width; i++) to[i] = from[i] * scale;
        for (int64_t i = width; i < wide; i++) to[i] = 0;
    }
}

/* Rows of `width` numbers that lie side by side, `apart` bytes from one to the next; and what memory is asked for while
 * they are read, row by row, or NULL. */
typedef struct {
    const char *first;
    int64_t width, apart;
    const char *next;
} Rows;

/* c = a b, or c += a b: `vectors` vectors of columns, from the n-th on. Constants where it is called: rows, vectors, and
 * which numbers the rows of b are. */
INLINE void patch(const int rows, const int vectors, const int kept, int64_t n, int64_t depth, const float *a,
                  int64_t a_stride, Rows b, int add, float *c, int64_t c_stride) {
    floats sum[PATCH][4];
    UNROLL for (int m = 0; m < rows; m++)
        UNROLL for (int v = 0; v < vectors; v++) sum[m][v] = add ? load(c + m * c_stride + n + v * LANES) : same(0);
    for (int64_t k = 0; k < depth; k++) {
        if (b.next)
            for (int64_t at = 0; at < slot_bytes(vectors * LANES, kept); at += LINE)
                ASK_ONCE(b.next + k * b.apart + slot_bytes(n, kept) + at);
        UNROLL for (int v = 0; v < vectors; v++) {
            const floats column = kept_at(kept, b.first + k * b.apart, b.width, n + v * LANES);
            UNROLL for (int m = 0; m < rows; m++) sum[m][v] += a[m * a_stride + k] * column;
        }
    }
    UNROLL for (int m = 0; m < rows; m++)
        UNROLL for (int v = 0; v < vectors; v++) store(c + m * c_stride + n + v * LANES, sum[m][v]);
}

/* All columns of some rows; see `product_of`. */
INLINE void strip(const int rows, const int kept, int64_t depth, const float *a, int64_t a_stride, Rows b, int add,
                  float *c, int64_t c_stride) {
    int64_t n = 0;
    for (; n + 4 * LANES <= b.width; n += 4 * LANES) patch(rows, 4, kept, n, depth, a, a_stride, b, add, c, c_stride);
    for (; n + 2 * LANES <= b.width; n += 2 * LANES) patch(rows, 2, kept, n, depth, a, a_stride, b, add, c, c_stride);
    for (; n < b.width; n += LANES) patch(rows, 1, kept, n, depth, a, a_stride, b, add, c, c_stride);
}

/* c [rows, width] = a [rows, depth] b [depth, width], or c += a b; width is a multiple of LANES. */
INLINE void product_of(const int kept, int64_t rows, int64_t depth, const float *a, int64_t a_stride, Rows b, int add,
                       float *c, int64_t c_stride) {
    int64_t m = 0;
    for (; m + PATCH <= rows; m += PATCH, b.next = NULL)
        strip(PATCH, kept, depth, a + m * a_stride, a_stride, b, add, c + m * c_stride, c_stride);
    for (; m + 3 <= rows; m += 3, b.next = NULL)
        strip(3, kept, depth, a + m * a_stride, a_stride, b, add, c + m * c_stride, c_stride);
    for (; m < rows; m++, b.next = NULL)
        strip(1, kept, depth, a + m * a_stride, a_stride, b, add, c + m * c_stride, c_stride);
}

/* The same for float32, `b_stride` floats from row to row. */
static void product(int64_t rows, int64_t width, int64_t depth, const float *a, int64_t a_stride, const float *b,
                    int64_t b_stride, int add, float *c, int64_t c_stride) {
    const Rows plain = {(const char *)b, width, b_stride * 4, NULL};
    product_of(FLOATS, rows, depth, a, a_stride, plain, add, c, c_stride);
}

/* Scores to weights e^(score - most): their sum. */
INLINE float weigh(float *scores, int64_t count, float most) {
    floats sums = same(0);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const floats weights = exponential(load(scores + i) - most);
        store(scores + i, weights);
        sums += weights;
    }
    float sum = sum_of(sums);
    for (; i < count; i++) sum += scores[i] = __builtin_expf(scores[i] - most);
    return sum;
}

/* Scores of LANES keys, or fewer, for some heads, CHUNK from one to the next; `heads` and `kept` are constants. */
INLINE void score(const int heads, const int kept, const float *query, int64_t wide, Rows keys, int64_t count,
                  float *scores) {
    floats products[4][LANES];
    for (int64_t s = 0; s < count; s++) {
        floats sum[4];
        if (keys.next)
            for (int64_t at = 0; at < slot_bytes(keys.width, kept); at += LINE) ASK_ONCE(keys.next + s * keys.apart + at);
        UNROLL for (int h = 0; h < heads; h++) sum[h] = same(0);
        for (int64_t i = 0; i < keys.width; i += LANES) {
            const floats key = kept_at(kept, keys.first + s * keys.apart, keys.width, i);
            UNROLL for (int h = 0; h < heads; h++) sum[h] += load(query + h * wide + i) * key;
        }
        UNROLL for (int h = 0; h < heads; h++) products[h][s] = sum[h];
    }
    UNROLL for (int h = 0; h < heads; h++) {
        for (int64_t s = count; s < LANES; s++) products[h][s] = same(0);
        const floats found = sums_of(products[h]);
        if (count == LANES) store(scores + h * CHUNK, found);
        else
            for (int64_t s = 0; s < count; s++) scores[h * CHUNK + s] = found[s];
    }
}

/* The same for any number of heads and keys. */
INLINE void score_all(const int kept, const float *query, int64_t heads, int64_t wide, Rows keys, int64_t count,
                      float *scores) {
    for (int64_t s = 0; s < count; s += LANES) {
        const int64_t some = count - s < LANES ? count - s : LANES, begin = s * keys.apart;
        Rows these = {keys.first + begin, keys.width, keys.apart, keys.next ? keys.next + begin : NULL};
        int64_t h = 0;
        for (; h + 4 <= heads; h += 4, these.next = NULL)
            score(4, kept, query + h * wide, wide, these, some, scores + h * CHUNK + s);
        switch (heads - h) {
        case 3: score(3, kept, query + h * wide, wide, these, some, scores + h * CHUNK + s); break;
        case 2: score(2, kept, query + h * wide, wide, these, some, scores + h * CHUNK + s); break;
        case 1: score(1, kept, query + h * wide, wide, these, some, scores + h * CHUNK + s); break;
        }
    }
}

/* Keys, then values, are read as they are kept. Memory is asked for what comes `lead` slots later: of the same; of values
 * while the last keys are read; of what is looked at next while the last values are. */
INLINE void attend_kept(const int kept, const Attention *a, const float *query, int64_t heads, int64_t wide,
                        int64_t first, int64_t last, float *mixed, float *most, float *sums, float *scores) {
    const int64_t count = last - first, far = LEAD / a->stride, lead = far < count ? far : count;
    for (int64_t slot = first, some; slot < last; slot += some) {
        const int64_t then = slot + lead;
        const char *next = then < last ? slot_at(a, a->keys, then) : slot_at(a, a->values, then - count);
        const Rows keys = {slot_at(a, a->keys, slot), a->width, a->stride, next};
        some = side_by_side(a, slot, last, NEAR);
        score_all(kept, query, heads, wide, keys, some, scores + slot - first);
    }
    for (int64_t h = 0; h < heads; h++) {
        most[h] = largest_in(scores + h * CHUNK, count);
        sums[h] = weigh(scores + h * CHUNK, count, most[h]);
    }
    for (int64_t slot = first, some; slot < last; slot += some) {
        const int64_t then = slot + lead;
        const char *beyond = a->next ? a->next + (then - last) * a->stride : NULL;
        const Rows values = {slot_at(a, a->values, slot), a->width, a->stride,
                             then < last ? slot_at(a, a->values, then) : beyond};
        some = side_by_side(a, slot, last, NEAR);
        product_of(kept, heads, some, scores + slot - first, CHUNK, values, slot > first, mixed, wide);
    }
}

static void attend_one(const Attention *a, const float *queries, int64_t heads, int64_t apart, int64_t first,
                       int64_t last, float *mixed, float *most, float *sums, float *scratch) {
    const int64_t wide = up(a->width, PANEL);
    float *scores = scratch, *query = scores + heads * CHUNK, *keys = query + heads * wide, *values = keys + CHUNK * wide;
    gather(queries, heads, apart, a->width, a->scale, wide, query);
    if (a->width % LANES || (LANES == 4 && a->kept == HALVES)) { /* or where they take long to widen */
        const Attention plain = {.keys = keys, .values = values, .width = wide, .stride = wide * 4};
        recall(a, a->keys, first, last, wide, keys);
        recall(a, a->values, first, last, wide, values);
        attend_kept(FLOATS, &plain, query, heads, wide, 0, last - first, mixed, most, sums, scores);
        return;
    }
    switch (a->kept) {
    case FLOATS: attend_kept(FLOATS, a, query, heads, wide, first, last, mixed, most, sums, scores); break;
    case HALVES: attend_kept(HALVES, a, query, heads, wide, first, last, mixed, most, sums, scores); break;
    case BYTES: attend_kept(BYTES, a, query, heads, wide, first, last, mixed, most, sums, scores); break;
    }
}

/* Which of the `count` slots from `begin` on a token in `slot` may see: low..high. */
INLINE void visible(const Attention *a, int64_t slot, int64_t begin, int64_t count, int64_t *low, int64_t *high) {
    *low = a->window && slot - a->window + 1 > begin ? slot - a->window + 1 - begin : 0;
    *high = !a->all && slot + 1 - begin < count ? slot + 1 - begin : count;
}

/* One row's scores of a block, in powers of 2, to weights, by the largest score so far; what the row mixed until now
 * fades with it. sums: LANES of them, which are one when the row is done. */
INLINE void soften(float *scores, int64_t low, int64_t high, float *most, float *sums, float *mixed, int64_t wide) {
    const int blank = high <= low && *most == -__builtin_inff(); /* nothing seen yet, and nothing here */
    for (int64_t s = 0; s < low || (blank && s < BLOCK); s++) scores[s] = blank ? 0 : -__builtin_inff();
    if (blank) return;
    for (int64_t s = high; s < BLOCK; s++) scores[s] = -__builtin_inff();
    floats larges = load(scores);
    for (int64_t i = LANES; i < BLOCK; i += LANES) larges = larger(larges, load(scores + i));
    if (any(larges > *most)) {
        const float found = largest_of(larges);
        const floats fade = power(same(*most - found));
        for (int64_t i = 0; i < wide; i += LANES) store(mixed + i, load(mixed + i) * fade);
        store(sums, load(sums) * fade);
        *most = found;
    }
    floats sum = load(sums);
    for (int64_t i = 0; i < BLOCK; i += LANES) {
        const floats weights = power(load(scores + i) - *most);
        store(scores + i, weights);
        sum += weights;
    }
    store(sums, sum);
}

/* A row for each token and head: keys that heads share are looked at by all of them together. The softmax is that of
 * Milakov and Gimelshein 2018 (online), block by block as in FlashAttention (Dao et al. 2022, algorithm 1). */
static void attend_many(const Attention *a, const float *queries, int64_t heads, int64_t tokens, int64_t slot,
                        int64_t stride, float *mixed, float *scratch) {
    const int64_t wide = up(a->width, PANEL), rows = tokens * heads;
    float *query = scratch, *out = query + rows * wide, *scores = out + rows * wide, *most = scores + rows * BLOCK;
    float *sums = most + rows, *values = sums + rows * LANES, *keys = values + BLOCK * wide;
    float *turned = keys + BLOCK * wide;
    for (int64_t t = 0; t < tokens; t++)
        gather(queries + t * stride, heads, a->width, a->width, a->scale * LOG2_E, wide, query + t * heads * wide);
    for (int64_t i = 0; i < rows * wide; i++) out[i] = 0;
    for (int64_t i = 0; i < rows * LANES; i++) sums[i] = 0;
    for (int64_t row = 0; row < rows; row++) most[row] = -__builtin_inff();
    const int64_t end = a->all ? a->all : slot + tokens;
    /* From a whole block on, so that what is added to what does not depend on where a call begins. */
    const int64_t from = a->window && slot >= a->window ? (slot - a->window + 1) / BLOCK * BLOCK : 0;
    for (int64_t begin = from; begin < end; begin += BLOCK) {
        const int64_t count = end - begin < BLOCK ? end - begin : BLOCK;
        const int64_t skipped = !a->all && begin > slot ? (begin - slot) * heads : 0, left = rows - skipped;
        recall(a, a->keys, begin, begin + count, wide, keys);
        recall(a, a->values, begin, begin + count, wide, values);
        const int64_t columns = up(count, LANES);
        for (int64_t i = count * wide; i < columns * wide; i++) keys[i] = 0;
        for (int64_t s = 0; s < columns; s += LANES)
            for (int64_t i = 0; i < wide; i += LANES)
                transpose(keys + s * wide + i, wide, turned + i * BLOCK + s, BLOCK);
        product(left, columns, wide, query + skipped * wide, wide, turned, BLOCK, 0, scores + skipped * BLOCK, BLOCK);
        for (int64_t row = skipped; row < rows; row++) {
            int64_t low, high;
            visible(a, slot + row / heads, begin, count, &low, &high);
            soften(scores + row * BLOCK, low, high, most + row, sums + row * LANES, out + row * wide, wide);
        }
        product(left, wide, count, scores + skipped * BLOCK, BLOCK, values, wide, 1, out + skipped * wide, wide);
    }
    for (int64_t row = 0; row < rows; row++) {
        float *to = mixed + row / heads * stride + row % heads * a->width;
        const float sum = sum_of(load(sums + row * LANES));
        for (int64_t i = 0; i < a->width; i++) to[i] = out[row * wide + i] / sum;
    }
}
