/* All kernels, written once over the vectors that the including file defines:
 *
 *   LANES                  floats in a vector
 *   MOST_ROWS, ABREAST     rows and panels of a product of few bits whose sums fit into registers
 *   PATCH                  rows of a product of float32, by four vectors, whose sums do
 *   floats, integers       vectors of LANES float32 and int32, in GCC's vector extension: + - * / just work
 *   load, store            vector <-> memory
 *   same, same_integer     one number in all lanes
 *   load_half, store_half  LANES float16 in memory
 *   nearest, store_bytes   floats -> integers, halves to even; integers -> LANES int8 in memory
 *   load_bytes             LANES int8 in memory -> integers
 *   sum_of, largest_of     of one vector; sums_of: each of LANES vectors' sum
 *   transpose              LANES rows of LANES numbers, from memory to memory
 *   fused                  x * y + z, rounded once or twice, but the same wherever it stands
 *   any                    whether a comparison holds in some lane
 *   fours_of               which fours of lanes, small numbers, are not all 0: a bit for each
 *   larger                 the larger number, lane by lane (the second, if one of them is no number)
 *   codes, load_codes      4 * LANES codes of 8 bits; low_codes, high_codes: the two halves of each byte
 *   dot                    sums + codes of LANES rows times the same 4 activations; `wide`: codes go up to 255
 *   BESIDE                 vectors of rows that look together, in whole numbers; dot_pairs: sums + products of pairs of
 *                          int16, those of LANES rows and one
 *   ZERO_8                 what `dot` takes a code of 0 for in 8 bits: 128, or 0 where it knows that they are signed
 *   TILES                  that there are tiles, and so what tiles.h asks for
 */

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
/* Ask memory for what is wanted once in a token: it is not to take the place of what is wanted again. */
#define ASK_ONCE(at) __builtin_prefetch(at, 0, 0)

enum {
    REGISTERS = PANEL / LANES,
    MOST_VECTORS = ABREAST * REGISTERS,
    SIZE = 4 * LANES, /* bytes of codes in a vector */
    AHEAD = 2048,     /* bytes of codes that memory is asked for beforehand */
    LINE = 64,        /* bytes that it gives at a time */
    SPAN = 256        /* columns whose second bytes are gathered at once: a bit for each four in 64 */
};

INLINE floats choose(integers where, floats yes, floats no) {
    return (floats)((where & (integers)yes) | (~where & (integers)no));
}
INLINE floats magnitude(floats x) { return (floats)((integers)x & 0x7fffffff); }
INLINE floats to_floats(integers x) { return __builtin_convertvector(x, floats); }

#define LOG2_E 1.44269504f
#define LEAST 1e-28f /* rows of smaller numbers are as good as 0 */

/* e^x to some units in the last place, 0 below e^-87: 2^n e^r with |r| <= ln(2) / 2, and e^r by a polynomial.
 * Source of the coefficients: Cephes, expf. */
INLINE floats exponential(floats x) {
    const integers tiny = x < -87.3f;
    x = choose(tiny, same(-87.3f), choose(x > 88.3f, same(88.3f), x));
    const integers whole = nearest(x * 1.44269504f);
    const floats n = to_floats(whole);
    const floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
    floats p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return choose(tiny, same(0), p * (floats)((whole + 127) << 23));
}

/* 2^x of x up to 0, 0 below 2^-120; the polynomial is the best one to 1e-7 of 2^r, |r| <= 1 / 2. */
INLINE floats power(floats x) {
    const integers tiny = x < -120.0f;
    x = larger(same(-120), x);
    const integers whole = nearest(x);
    const floats r = x - to_floats(whole);
    floats p = r * 0.00132647269f + 0.009671512661f;
    p = p * r + 0.05550733744f;
    p = p * r + 0.2402424208f;
    p = p * r + 0.6931469776f;
    p = p * r + 1.0f;
    return choose(tiny, same(0), (floats)((integers)p + (whole << 23)));
}

/* ---- products of few bits ---------------------------------------------------------------------------------------- */

/* The largest magnitude of some numbers. To `none` is added what is 0 as long as all of them are numbers. */
INLINE float top_of(const float *x, int64_t count, floats *none) {
    floats most = same(0);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        most = larger(most, magnitude(load(x + i)));
        *none += load(x + i) * 0.0f;
    }
    float top = largest_of(most);
    for (; i < count; i++) {
        top = __builtin_fabsf(x[i]) > top ? __builtin_fabsf(x[i]) : top;
        *none += x[i] * 0.0f;
    }
    return top;
}

INLINE int32_t total_of(integers sums) {
    int32_t sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += sums[lane];
    return sum;
}

/* Numbers times a power of 2, given where their exponents are: an addition of whole numbers, for which a processor has
 * more room beside products than for multiplications. 0 becomes next to nothing. */
INLINE floats raised(floats x, int32_t power) { return (floats)((integers)x + same_integer(power)); }

/* A row with something that is no finite number: no product with it is a number. */
static void round_none(const Rounded *out, int64_t row) {
    __builtin_memset(out->codes + row * out->padded, 0, (size_t)out->padded);
    for (int64_t place = row; place < out->padded / out->group * out->apart; place += out->apart)
        out->powers[place] = 0, out->shares[place] = 0, out->excess[place] = 0;
    if (out->seconds) out->fours[row] = 0;
    out->scales[row] = __builtin_nanf("");
}

/* Group g of a row, of which `count` numbers are there; `rate` is 1 / the row's scale. */
INLINE void round_group(const float *x, int64_t count, int64_t group, float rate, const Rounded *out, int64_t row,
                        int64_t g) {
    const int64_t place = g * out->apart + row;
    const int32_t power = out->powers[place];
    const floats times = raised(same(rate), -power);
    int8_t *to = out->codes + row * out->padded + g * group;
    integers sums = {0};
    int64_t i = 0;
    for (x += g * group; i + LANES <= count; i += LANES) {
        const integers whole = nearest(load(x + i) * times);
        sums += whole;
        store_bytes(to + i, whole);
    }
    int32_t sum = total_of(sums);
    for (; i < count; i++) sum += to[i] = (int8_t)__builtin_rintf(x[i] * times[0]);
    for (; i < group; i++) to[i] = 0;
    out->shares[place] = (float)sum * raised(same(1), power)[0];
    out->excess[place] = -8 * sum;
}

/* A row group by group. All scales come first: a processor has more groups in hand when none waits for its own. The
 * largest group's is such that its largest number becomes 127. Another's is that one halved as often as its numbers allow,
 * which is how far apart the largest numbers of both are in float32's bits, from the exponent on. */
INLINE void round_groups(const float *x, int64_t width, int64_t group, const Rounded *out, int64_t row) {
    const int64_t whole = width / group, rest = width % group, groups = out->padded / group;
    int32_t *powers = out->powers + row, bits;
    float top = 0;
    floats none = same(0);
    for (int64_t g = 0; g < groups; g++) {
        const float most = top_of(x + g * group, g < whole ? group : rest, &none);
        top = most > top ? most : top;
        __builtin_memcpy(powers + g * out->apart, &most, 4);
    }
    if (sum_of(none) != 0) { /* nor is it equal to 0 */
        round_none(out, row);
        return;
    }
    __builtin_memcpy(&bits, &top, 4);
    for (int64_t g = 0; g < groups; g++) {
        int32_t *power = powers + g * out->apart;
        const int32_t halved = (bits - *power) >> 23;
        *power = (REACH - (halved < REACH ? halved : REACH)) << 23;
    }
    const float scale = (top > LEAST ? top : LEAST) / 127 / (1 << REACH);
    out->scales[row] = scale;
    for (int64_t g = 0; g < whole; g++) round_group(x, group, group, 1 / scale, out, row, g);
    if (rest) round_group(x, rest, group, 1 / scale, out, row, whole);
}

/* A row's scale: by its largest number, or finer, so that the numbers have MEAN steps on average. Of the latter, which
 * depends on the order of sums, 8 bits are enough. So a row has 127 steps a column at most, and the sum of its products
 * with codes fits into 32 bits up to 66,000 columns, second bytes and all. */
INLINE float fine_scale(const float *x, int64_t width) {
    floats sums = same(0), most = same(0);
    int64_t i = 0;
    for (; i + LANES <= width; i += LANES) {
        const floats size = magnitude(load(x + i));
        sums += size, most = larger(most, size);
    }
    float sum = sum_of(sums), top = largest_of(most);
    for (; i < width; i++) {
        const float size = __builtin_fabsf(x[i]);
        sum += size, top = size > top ? size : top;
    }
    float scale = sum / (MEAN * (float)width);
    uint32_t bits;
    __builtin_memcpy(&bits, &scale, 4);
    bits &= 0xffff0000;
    __builtin_memcpy(&scale, &bits, 4);
    top = top / 127 + sum * 0.0f; /* no number where one of x is none */
    scale = scale < top ? scale : top;
    return scale < top / FINEST ? top / FINEST : scale;
}

/* The first `count` numbers of a vector; the others are 0. */
INLINE floats load_some(const float *x, int64_t count) {
    float some[LANES] = {0};
    if (count >= LANES) return load(x);
    if (count > 0) __builtin_memcpy(some, x, (size_t)count * sizeof(float));
    return load(some);
}

/* The `used` fours of the second bytes from column `begin` on; `count` are there already. Returns how many there are
 * then. */
INLINE int32_t gather_seconds(const int8_t *bytes, uint64_t used, int64_t begin, Second *to, int32_t count) {
    for (; used; used &= used - 1, count++) {
        const int place = 4 * __builtin_ctzll(used);
        to[count].column = (int32_t)begin + place;
        __builtin_memcpy(to[count].bytes, bytes + place, 4);
    }
    return count;
}

/* A whole row as one group, with second bytes. */
static void round_fine(const float *x, int64_t width, const Rounded *out, int64_t row) {
    const float scale = fine_scale(x, width), divisor = scale > 0 ? scale : 1;
    if (scale != scale) {
        round_none(out, row);
        return;
    }
    integers sums = {0};
    int8_t *to = out->codes + row * out->padded, last[LANES];
    Second *seconds = out->seconds + row * (out->padded / 4);
    int32_t count = 0;
    for (int64_t begin = 0; begin < out->padded; begin += SPAN) {
        const int64_t end = begin + SPAN < out->padded ? begin + SPAN : out->padded;
        int8_t bytes[SPAN];
        uint64_t used = 0;
        for (int64_t i = begin; i < end; i += LANES) {
            const integers steps = nearest(load_some(x + i, width - i) / divisor);
            const integers second = nearest(to_floats(steps) * 0.003937004f); /* 1 / STEP, but 127 steps are still none */
            sums += steps;
            used |= (uint64_t)fours_of(second) << (i - begin) / 4;
            store_bytes(bytes + i - begin, second);
            store_bytes(i + LANES <= end ? to + i : last, steps - second * STEP);
            if (i + LANES > end) __builtin_memcpy(to + i, last, (size_t)(end - i));
        }
        count = gather_seconds(bytes, used, begin, seconds, count);
    }
    out->fours[row] = count;
    out->scales[row] = scale;
    out->excess[row] = -8 * total_of(sums);
}

static void round_row(const float *x, int64_t width, const Rounded *out, int64_t row) {
    if (out->seconds) round_fine(x, width, out, row);
    else if (out->group == 32) round_groups(x, width, 32, out, row); /* most formats' */
    else round_groups(x, width, out->group, out, row);
}

/* One panel's share of one row of a product; the last panel may reach beyond the matrix. */
INLINE void finish(const floats *total, float scale, int64_t count, const float *bias, int add, float *y) {
    UNROLL for (int r = 0; r < REGISTERS; r++, y += LANES, count -= LANES) {
        floats base = bias ? load_some(bias + r * LANES, count) : same(0);
        if (add) base += load_some(y, count);
        const floats out = fused(total[r], same(scale), base);
        if (count >= LANES) store(y, out);
        else if (count > 0) __builtin_memcpy(y, &out, (size_t)count * sizeof(float));
    }
}

/* What second bytes of rows add to sums: they meet the same codes, which are near by then, a few fours of columns in each
 * row. */
INLINE void meet_seconds(const int rows, const int vectors, const Matrix *w, int64_t panel, const Rounded *x,
                         int64_t row, integers sum[MOST_ROWS][MOST_VECTORS]) {
    const int64_t far = x->padded * PANEL;
    const uint8_t *codes = w->codes + panel * far;
    UNROLL for (int m = 0; m < rows; m++) {
        const Second *at = x->seconds + (row + m) * (x->padded / 4), *end = at + x->fours[row + m];
        integers some[MOST_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) some[v] = same_integer(0);
        for (; at < end; at++) {
            if (rows == 1) ASK_ONCE(codes + far + AHEAD + (end - at) * SIZE);
            const uint8_t *column = codes + at->column * PANEL;
            UNROLL for (int v = 0; v < vectors; v++)
                some[v] = dot(some[v], load_codes(column + v / REGISTERS * far + v % REGISTERS * SIZE), at->bytes, 1);
        }
        UNROLL for (int v = 0; v < vectors; v++) sum[m][v] += some[v] * STEP;
    }
}

/* `rows` rows by `panels` panels. These and the bits are constants where it is called: all sums stay in registers. */
INLINE void tile(const int rows, const int panels, const int bits, const int fine, const Matrix *w, int64_t panel,
                 const Rounded *x, int64_t row, const float *bias, int add, float *y, int64_t stride) {
    const int vectors = panels * REGISTERS;
    const int64_t groups = w->padded / w->group, steps = w->group * bits / 32, padded = x->padded;
    const int64_t far = w->padded * PANEL * bits / 8; /* from panel to panel */
    const uint8_t *at = w->codes + panel * far;
    const int8_t *in = x->codes + row * padded;
    const int32_t *powers = x->powers + row, *excess = x->excess + row;
    const float *shares = x->shares + row;
    floats total[MOST_ROWS][MOST_VECTORS];
    UNROLL for (int m = 0; m < rows; m++)
        UNROLL for (int v = 0; v < vectors; v++) total[m][v] = same(0);
    for (int64_t g = 0; g < groups; g++, powers += x->apart, excess += x->apart, shares += x->apart) {
        integers sum[MOST_ROWS][MOST_VECTORS];
        UNROLL for (int m = 0; m < rows; m++) {
            integers begin = {0};
            if (!w->minima && bits == 4) begin = same_integer(excess[m]);
            if (!w->minima && bits == 8 && ZERO_8 == 128) begin = same_integer(excess[m]) << 4;
            if (w->minima && bits == 8 && ZERO_8 == 0) begin = -same_integer(excess[m]) << 4;
            UNROLL for (int v = 0; v < vectors; v++) sum[m][v] = begin;
        }
        for (int64_t step = 0; step < steps; step++, at += 4 * PANEL, in += 32 / bits) {
            if (rows == 1) ASK_ONCE(at + AHEAD);
            codes low[MOST_VECTORS], high[MOST_VECTORS];
            UNROLL for (int v = 0; v < vectors; v++) {
                const codes c = load_codes(at + v / REGISTERS * far + v % REGISTERS * SIZE);
                low[v] = bits == 8 ? c : low_codes(c);
                high[v] = bits == 8 ? c : high_codes(c);
            }
            UNROLL for (int m = 0; m < rows; m++)
                UNROLL for (int v = 0; v < vectors; v++) sum[m][v] = dot(sum[m][v], low[v], in + m * padded, bits == 8);
            if (bits == 8) continue;
            UNROLL for (int m = 0; m < rows; m++)
                UNROLL for (int v = 0; v < vectors; v++) sum[m][v] = dot(sum[m][v], high[v], in + m * padded + 4, 0);
        }
        if (fine) meet_seconds(rows, vectors, w, panel, x, row, sum);
        UNROLL for (int v = 0; v < vectors; v++) {
            const int64_t place = ((panel + v / REGISTERS) * groups + g) * PANEL + v % REGISTERS * LANES;
            const floats scale = load_half(w->scales + place);
            UNROLL for (int m = 0; m < rows; m++)
                total[m][v] += to_floats(sum[m][v]) * (fine ? scale : raised(scale, powers[m]));
            if (w->minima) {
                const floats least = load_half(w->minima + place);
                UNROLL for (int m = 0; m < rows; m++)
                    total[m][v] += least * shares[m];
            }
        }
    }
    UNROLL for (int m = 0; m < rows; m++)
        UNROLL for (int p = 0; p < panels; p++)
            finish(total[m] + p * REGISTERS, x->scales[row + m], w->rows - (panel + p) * PANEL,
                   bias ? bias + (panel + p) * PANEL : bias, add, y + (row + m) * stride + (panel + p) * PANEL);
}

/* A band of `rows` rows by panels first..last, some abreast. */
INLINE void band(const int rows, const int abreast, const int bits, const int fine, const Matrix *w, int64_t first,
                 int64_t last, const Rounded *x, int64_t row, const float *bias, int add, float *y, int64_t stride) {
    int64_t p = first;
    for (; p + abreast <= last; p += abreast) tile(rows, abreast, bits, fine, w, p, x, row, bias, add, y, stride);
    for (; abreast > 1 && p < last; p++) tile(rows, 1, bits, fine, w, p, x, row, bias, add, y, stride);
}

INLINE void bands(const int bits, const int fine, const Matrix *w, int64_t first, int64_t last, const Rounded *x,
                  int64_t row, int64_t rows, const float *bias, int add, float *y, int64_t stride) {
    for (; row + MOST_ROWS <= rows; row += MOST_ROWS)
        band(MOST_ROWS, ABREAST, bits, fine, w, first, last, x, row, bias, add, y, stride);
    /* What is left, in as few bands as there can be: each reads all codes. */
    for (; MOST_ROWS > 4 && row + 4 <= rows; row += 4)
        band(4, ABREAST, bits, fine, w, first, last, x, row, bias, add, y, stride);
    for (; row + 2 <= rows; row += 2) band(2, ABREAST, bits, fine, w, first, last, x, row, bias, add, y, stride);
    for (; row < rows; row++) band(1, 1, bits, fine, w, first, last, x, row, bias, add, y, stride);
}

static void multiply_panels(const Matrix *w, int64_t first, int64_t last, const Rounded *x, int64_t begin,
                            int64_t end, const float *bias, int add, float *y, int64_t stride) {
    if (x->seconds) bands(8, 1, w, first, last, x, begin, end, bias, add, y, stride);
    else if (w->bits == 4) bands(4, 0, w, first, last, x, begin, end, bias, add, y, stride);
    else bands(8, 0, w, first, last, x, begin, end, bias, add, y, stride);
}

static void take_row(const Matrix *w, int64_t row, float *out) {
    if (w->bits == 32) {
        __builtin_memcpy(out, w->codes + row * w->width * 4, (size_t)w->width * 4);
        return;
    }
    const int64_t groups = w->padded / w->group, panel = row / PANEL, lane = row % PANEL;
    const uint8_t *at = w->codes + panel * w->padded * PANEL * w->bits / 8 + lane * 4;
    const float zero = w->minima ? 0.0f : w->bits == 4 ? 8.0f : 128.0f;
    for (int64_t k = 0; k < w->width; k++) {
        const int64_t place = (panel * groups + k / w->group) * PANEL + lane;
        const int64_t unit = w->bits == 4 ? k / 8 : k / 4;
        const uint8_t byte = at[unit * 4 * PANEL + k % 4];
        const int code = w->bits == 8 ? byte : k % 8 < 4 ? byte & 15 : byte >> 4;
        out[k] = ((float)code - zero) * one_half(w->scales + place) + (w->minima ? one_half(w->minima + place) : 0);
    }
}

/* ---- rows of numbers --------------------------------------------------------------------------------------------- */

static void rms_norm(const float *x, const float *weight, double epsilon, int64_t width, float *y) {
    floats squares = same(0);
    int64_t i = 0;
    for (; i + LANES <= width; i += LANES) squares += load(x + i) * load(x + i);
    float square = sum_of(squares);
    for (; i < width; i++) square += x[i] * x[i];
    const float factor = 1.0f / __builtin_sqrtf(square / (float)width + (float)epsilon);
    for (i = 0; i < width; i++) y[i] = x[i] * factor * weight[i];
}

static void layer_norm(const float *x, const float *weight, const float *bias, double epsilon, int64_t width,
                       float *y) {
    floats sums = same(0), squares = same(0);
    int64_t i = 0;
    for (; i + LANES <= width; i += LANES) sums += load(x + i);
    float sum = sum_of(sums);
    for (; i < width; i++) sum += x[i];
    const float mean = sum / (float)width;
    for (i = 0; i + LANES <= width; i += LANES) squares += (load(x + i) - mean) * (load(x + i) - mean);
    float square = sum_of(squares);
    for (; i < width; i++) square += (x[i] - mean) * (x[i] - mean);
    const float factor = 1.0f / __builtin_sqrtf(square / (float)width + (float)epsilon);
    for (i = 0; i < width; i++) y[i] = (x[i] - mean) * factor * weight[i] + bias[i];
}

/* A head's channel c is paired with c + width / 2. */
static void turn(float *restrict x, const float *restrict cosines, const float *restrict sines, int64_t width) {
    float *restrict other = x + width / 2;
    for (int64_t i = 0; i < width / 2; i++) {
        const float first = x[i], second = other[i];
        x[i] = first * cosines[i] - second * sines[i];
        other[i] = second * cosines[i] + first * sines[i];
    }
}

INLINE floats sigmoid(floats x) { return 1.0f / (1.0f + exponential(-x)); }

/* The error function to 1.5e-7. Source: Abramowitz and Stegun 1964, formula 7.1.26. */
INLINE floats error_function(floats x) {
    const floats away = magnitude(x), t = 1.0f / (1.0f + 0.3275911f * away);
    floats p = t * 1.061405429f - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const floats found = 1.0f - p * t * exponential(-away * away);
    return choose(x < 0.0f, -found, found);
}

INLINE floats bent(floats x, int function) {
    switch (function) {
    case RELU: return choose(x > 0.0f, x, same(0));
    case SILU: return x * sigmoid(x);
    case GELU: return 0.5f * x * (1.0f + error_function(x * 0.70710678f));
    default: return x * sigmoid(1.59576912f * (x + 0.044715f * x * x * x)); /* (1 + tanh u) / 2 = sigmoid(2 u) */
    }
}

static void activate(const float *x, const float *gate, int function, int64_t width, float *y) {
    for (int64_t i = 0; i < width; i += LANES) { /* rows of buffers are whole panels */
        const floats out = bent(load(x + i), function);
        store(y + i, gate ? out * load(gate + i) : out);
    }
}

static void add_row(const float *x, int64_t width, float *y) {
    for (int64_t i = 0; i < width; i++) y[i] += x[i];
}

INLINE float largest_in(const float *x, int64_t count) {
    float most = -__builtin_inff();
    floats larges = same(most);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) larges = larger(larges, load(x + i));
    if (i) most = largest_of(larges);
    for (; i < count; i++) most = x[i] > most ? x[i] : most;
    return most;
}

/* The sum of e^(x - most). */
INLINE double sum_above(const float *x, int64_t count, float most) {
    floats sums = same(0);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) sums += exponential(load(x + i) - most);
    double sum = (double)sum_of(sums);
    for (; i < count; i++) sum += (double)__builtin_expf(x[i] - most);
    return sum;
}

static float log_sum(const float *x, int64_t width) {
    enum { STRETCH = 1024 }; /* stays at hand between its maximum and its sum */
    double sum = 0;
    float most = -__builtin_inff();
    for (int64_t begin = 0; begin < width; begin += STRETCH) {
        const int64_t count = width - begin < STRETCH ? width - begin : STRETCH;
        const float found = largest_in(x + begin, count);
        if (found > most) sum *= __builtin_exp(most - found), most = found;
        if (most > -__builtin_inff()) sum += sum_above(x + begin, count, most);
    }
    return most + (float)__builtin_log(sum);
}

static void largest(const float *x, int64_t width, int64_t count, float *values, int64_t *places) {
    int64_t held = 0;
    for (int64_t i = 0; i < width;) {
        if (held == count && i + LANES <= width && !any(load(x + i) > values[count - 1])) {
            i += LANES;
            continue;
        }
        const int64_t end = i + LANES < width ? i + LANES : width;
        for (; i < end; i++) {
            if (held == count && !(x[i] > values[count - 1])) continue;
            int64_t at = held < count ? held++ : count - 1;
            for (; at > 0 && x[i] > values[at - 1]; at--) values[at] = values[at - 1], places[at] = places[at - 1];
            values[at] = x[i], places[at] = i;
        }
    }
}

static void remember(const float *x, int64_t width, int kept, void *at) {
    int64_t i = 0;
    if (kept == FLOATS) {
        __builtin_memcpy(at, x, (size_t)width * sizeof(float));
        return;
    }
    if (kept == HALVES) {
        for (; i + LANES <= width; i += LANES) store_half((uint16_t *)at + i, load(x + i));
        for (; i < width; i++) store_one_half((uint16_t *)at + i, x[i]);
        return;
    }
    float most = 0, odd = 0; /* as in round_group */
    for (i = 0; i < width; i++) {
        most = __builtin_fabsf(x[i]) > most ? __builtin_fabsf(x[i]) : most;
        odd += x[i] * 0.0f;
    }
    const float scale = most / 127.0f + odd, divisor = scale > 0 ? scale : 1;
    for (i = 0; i + LANES <= width; i += LANES) store_bytes((int8_t *)at + i, nearest(load(x + i) / divisor));
    for (; i < width; i++) ((int8_t *)at)[i] = (int8_t)__builtin_rintf(x[i] / divisor);
    __builtin_memcpy((char *)at + width, &scale, sizeof scale);
}

#include "attention.h"
#include "floats.h"
#include "whole.h"
#ifdef TILES
#include "tiles.h"
#else
#define MULTIPLY multiply_panels
#endif

const Kernels KERNELS = {
    .name = NAME,
    .present = present,
    .round_row = round_row,
    .multiply = MULTIPLY,
    .multiply_floats = multiply_floats,
    .take_row = take_row,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .turn = turn,
    .activate = activate,
    .add = add_row,
    .log_sum = log_sum,
    .largest = largest,
    .remember = remember,
    .attend_one = attend_one,
    .attend_many = attend_many,
    .widen = widen,
    .narrow = narrow,
    .attend_rounded = attend_rounded,
};
