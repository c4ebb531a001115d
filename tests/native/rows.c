/* Each kernel set's halves, norms, turns and activations against arithmetic in double. */
#include "check.h"

enum { EVERY_HALF = 1 << 16, BATCH = 256, FINITE = 0x7c00 };

/* What the kernels make of numbers when they remember them: by whole vectors, then one by one. */
static void as_halves(const Kernels *kernels, const float *x, int64_t count, uint16_t *vectors, uint16_t *singles) {
    kernels->remember(x, count, HALVES, vectors);
    for (int64_t i = 0; i < count; i++) kernels->remember(x + i, 1, HALVES, singles + i);
}

/* Remembered values as the attention reads them: one slot has all the weight. */
static void read_halves(const Kernels *kernels, const uint16_t *halves, float *values) {
    uint16_t nothing[BATCH] = {0};
    float query[BATCH] = {0}, most, sum, *scratch = room((size_t)scratch_one(1, BATCH) * sizeof(float));
    const Attention a = {
        .keys = nothing, .values = halves, .width = BATCH, .stride = 2 * BATCH, .kept = HALVES, .scale = 1};
    kernels->attend_one(&a, query, 1, 4, 0, 1, values, &most, &sum, scratch);
    CHECK(most == 0 && sum == 1, "%g of %g", most, sum);
    free(scratch);
}

static void check_every_half(const Kernels *kernels) {
    for (int begin = 0; begin < EVERY_HALF; begin += BATCH) {
        uint16_t bits[BATCH], vectors[BATCH], singles[BATCH];
        float values[BATCH];
        for (int i = 0; i < BATCH; i++) bits[i] = (uint16_t)(begin + i);
        read_halves(kernels, bits, values);
        as_halves(kernels, values, BATCH, vectors, singles);
        for (int i = 0; i < BATCH; i++) {
            const double wanted = half_value(bits[i]);
            if (isnan(wanted)) {
                const int kept = isnan(half_value(vectors[i])) && isnan(half_value(singles[i]));
                CHECK(isnan(values[i]) && kept, "%x", bits[i]);
                continue;
            }
            CHECK((double)values[i] == wanted, "%s: %x is %g", kernels->name, bits[i], values[i]);
            /* The attention's sum begins with +0, which swallows the sign of a zero. */
            const uint16_t same = bits[i] == 0x8000 ? 0 : bits[i];
            CHECK(vectors[i] == same && singles[i] == same, "%s: %x became %x", kernels->name, same, vectors[i]);
        }
    }
}

/* Between two neighbours: the middle goes to the even one, what is beside it to the nearer one. */
static void check_rounding(const Kernels *kernels) {
    for (int begin = 0; begin < FINITE; begin += BATCH) {
        float below[BATCH], middle[BATCH], above[BATCH];
        uint16_t found[2][BATCH];
        for (int i = 0; i < BATCH; i++) {
            const int next = begin + i + 1; /* after the largest comes what would be the next, 65536 */
            const double low = half_value((uint16_t)(begin + i));
            const double high = next == FINITE ? 65536 : half_value((uint16_t)next);
            middle[i] = -(float)((low + high) / 2);
            below[i] = nextafterf(middle[i], 0);
            above[i] = nextafterf(middle[i], -INFINITY);
        }
        const float *const rows[] = {below, middle, above};
        for (int kind = 0; kind < 3; kind++) {
            as_halves(kernels, rows[kind], BATCH, found[0], found[1]);
            for (int i = 0; i < BATCH; i++) {
                const int low = begin + i, wanted = 0x8000 + low + (kind == 2 || (kind == 1 && low % 2));
                CHECK(found[0][i] == wanted && found[1][i] == wanted, "%s: %.9g became %x and %x, not %x",
                      kernels->name, rows[kind][i], found[0][i], found[1][i], wanted);
            }
        }
    }
}

void check_halves(const Kernels *kernels) {
    check_every_half(kernels);
    check_rounding(kernels);
}

static double bent(double x, int function) {
    switch (function) {
    case RELU: return x > 0 ? x : 0;
    case SILU: return x / (1 + exp(-x));
    case GELU: return x * (1 + erf(x / sqrt(2))) / 2;
    default: return x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x))) / 2;
    }
}

static void check_activations(const Kernels *kernels) {
    enum { COUNT = 4096 };
    float *x = chances(COUNT), *gate = chances(COUNT), *y = room(COUNT * sizeof(float));
    for (int i = 0; i < COUNT; i++) x[i] = i < 8 ? (i % 2 ? -1.0f : 1.0f) * powf(10, (float)(i + 1)) : 12 * x[i];
    for (int function = RELU; function <= GELU_TANH; function++) {
        kernels->activate(x, NULL, function, COUNT, y);
        for (int i = 0; i < COUNT; i++)
            CHECK(fabs(y[i] - bent(x[i], function)) <= 1e-6 * fmax(1, fabs(x[i])), "%s %d: %g -> %g, not %g",
                  kernels->name, function, x[i], y[i], bent(x[i], function));
        kernels->activate(x, gate, function, COUNT, y);
        for (int i = 0; i < COUNT; i++)
            CHECK(fabs(y[i] - bent(x[i], function) * gate[i]) <= 1e-6 * fmax(1, fabs(x[i])), "%g", x[i]);
    }
    free(x), free(gate), free(y);
}

static void check_norms(const Kernels *kernels, int64_t width) {
    const double epsilon = 0.01;
    float *x = chances(width), *weight = chances(width), *bias = chances(width), *y = room((size_t)width * 4);
    double mean = 0, square = 0, variance = 0;
    for (int64_t i = 0; i < width; i++) x[i] += 3, mean += x[i] / (double)width;
    for (int64_t i = 0; i < width; i++) square += x[i] * x[i] / width, variance += pow(x[i] - mean, 2) / width;
    kernels->rms_norm(x, weight, epsilon, width, y);
    for (int64_t i = 0; i < width; i++)
        CHECK(close_to(y[i], x[i] / sqrt(square + epsilon) * weight[i], 1), "%s: %g", kernels->name, y[i]);
    kernels->layer_norm(x, weight, bias, epsilon, width, y);
    for (int64_t i = 0; i < width; i++)
        CHECK(close_to(y[i], (x[i] - mean) / sqrt(variance + epsilon) * weight[i] + bias[i], 4), "%s: %g, width %d",
              kernels->name, y[i], (int)width);
    memcpy(y, x, (size_t)width * 4);
    kernels->add(bias, width, y);
    for (int64_t i = 0; i < width; i++) CHECK(y[i] == x[i] + bias[i], "%g", y[i]);
    free(x), free(weight), free(bias), free(y);
}

static void check_turns(const Kernels *kernels, int64_t width) {
    const int64_t half = width / 2;
    float *x = chances(width), *cosines = chances(half), *sines = chances(half), *y = room((size_t)width * 4);
    memcpy(y, x, (size_t)width * 4);
    kernels->turn(y, cosines, sines, width);
    for (int64_t i = 0; i < half; i++) {
        CHECK(close_to(y[i], x[i] * cosines[i] - x[i + half] * sines[i], 1), "%s, width %d", kernels->name, (int)width);
        CHECK(close_to(y[i + half], x[i + half] * cosines[i] + x[i] * sines[i], 1), "%s", kernels->name);
    }
    free(x), free(cosines), free(sines), free(y);
}

/* The largest by looking for the next one again and again; sums in double. */
static void check_surveys(const Kernels *kernels, int64_t width) {
    float *x = chances(width), values[5];
    int64_t places[5], most = width < 5 ? width : 5;
    double sum = 0;
    for (int64_t i = 0; i < width; i++) x[i] = rintf(x[i] * 200) / 4; /* some are equal */
    x[0] = -INFINITY;
    for (int64_t i = 0; i < width; i++) sum += exp(x[i]);
    const double wanted = log(sum), got = (double)kernels->log_sum(x, width);
    CHECK(width == 1 ? got == wanted : close_to(got, wanted, 50), "%s: %g, not %g", kernels->name, got, wanted);
    for (int64_t count = 1; count <= most; count++) {
        kernels->largest(x, width, count, values, places);
        int64_t last = -1;
        for (int64_t c = 0; c < count; c++) {
            int64_t next = -1;
            for (int64_t i = 0; i < width; i++) {
                const int before = last < 0 || x[i] < x[last] || (x[i] == x[last] && i > last);
                if (before && (next < 0 || x[i] > x[next])) next = i;
            }
            CHECK(places[c] == next && values[c] == x[next], "%s: number %d of %d is at %d, not at %d", kernels->name,
                  (int)c, (int)width, (int)places[c], (int)next);
            last = next;
        }
    }
    free(x);
}

void check_rows(const Kernels *kernels) {
    const int64_t widths[] = {1, 2, 7, 16, 50, 64, 129};
    for (int64_t width = 1; width < 4000; width = width * 3 + 1) check_surveys(kernels, width);
    check_activations(kernels);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        check_norms(kernels, widths[i]);
        if (widths[i] % 2 == 0) check_turns(kernels, widths[i]);
    }
}
