/* Products with matrices of float32, which lie row by row, as PyTorch keeps them. Included by rows.h. */

enum {
    INPUTS = LANES / 4, /* that meet four rows of a matrix at once, so that there is a vector of sums */
    FEW_INPUTS = 3 * INPUTS, /* up to so many it is not worth transposing */
};

/* Rows first..last of w with a few inputs: each row is read once for every INPUTS of them. */
static void multiply_few(const Matrix *w, int64_t first, int64_t last, const float *x, int64_t x_stride, int64_t inputs,
                         const float *bias, int add, float *y, int64_t stride) {
    const float *weights = (const float *)w->codes;
    for (int64_t n = first; n < last; n += 4)
        for (int64_t m = 0; m < inputs; m += INPUTS) {
            floats products[LANES];
            UNROLL for (int i = 0; i < LANES; i++) products[i] = same(0);
            for (int64_t k = 0; k < w->width; k += LANES) {
                floats in[INPUTS], rows[4];
                UNROLL for (int i = 0; i < INPUTS; i++)
                    in[i] = load_some(x + (m + i < inputs ? m + i : m) * x_stride + k, w->width - k);
                UNROLL for (int c = 0; c < 4; c++)
                    rows[c] = load_some(weights + (n + c < last ? n + c : n) * w->width + k, w->width - k);
                UNROLL for (int i = 0; i < LANES; i++) products[i] += in[i / 4] * rows[i % 4];
            }
            const floats sums = sums_of(products);
            for (int i = 0; i < LANES; i++) {
                if (m + i / 4 >= inputs || n + i % 4 >= last) continue;
                float *to = y + (m + i / 4) * stride + n + i % 4;
                *to = sums[i] + (bias ? bias[n + i % 4] : 0) + (add ? *to : 0);
            }
        }
}

/* ACROSS rows of a matrix, `depth` deep, to [depth, ACROSS]. */
INLINE void transposed(const float *w, int64_t width, int64_t depth, float *to) {
    for (int64_t n = 0; n < ACROSS; n += LANES) {
        int64_t k = 0;
        for (; k + LANES <= depth; k += LANES) transpose(w + n * width + k, width, to + k * ACROSS + n, ACROSS);
        for (; k < depth; k++)
            for (int lane = 0; lane < LANES; lane++) to[k * ACROSS + n + lane] = w[(n + lane) * width + k];
    }
}

static void multiply_floats(const Matrix *w, int64_t first, int64_t last, const float *x, int64_t x_stride,
                            int64_t inputs, const float *bias, int add, float *y, int64_t stride, float *scratch) {
    for (; inputs > FEW_INPUTS && first + ACROSS <= last; first += ACROSS) {
        for (int64_t m = 0; m < inputs && (bias || !add); m++)
            for (int64_t n = first; n < first + ACROSS; n++)
                y[m * stride + n] = (bias ? bias[n] : 0) + (add ? y[m * stride + n] : 0);
        for (int64_t k = 0; k < w->width; k += DEEP) {
            const int64_t depth = w->width - k < DEEP ? w->width - k : DEEP;
            transposed((const float *)w->codes + first * w->width + k, w->width, depth, scratch);
            product(inputs, ACROSS, depth, x + k, x_stride, scratch, ACROSS, 1, y + first, stride);
        }
    }
    multiply_few(w, first, last, x, x_stride, inputs, bias, add, y, stride);
}
