/* The native library's own test, in plain C, so that a compiler's sanitizers can watch it.
 *
 * Without an argument everything; with "threads" only what several threads do together, by the portable kernels.
 */
#include "check.h"

void *room(size_t bytes) {
    void *found = malloc(bytes ? bytes : 1);
    CHECK(found, "no memory for %zu bytes", bytes);
    return found;
}

float chance(void) {
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return (float)(state >> 8) / (float)(1 << 23) - 1.0f;
}

float *chances(int64_t count) {
    float *made = room((size_t)count * sizeof(float));
    for (int64_t i = 0; i < count; i++) made[i] = chance();
    return made;
}

int close_to(double got, double wanted, double scale) { return fabs(got - wanted) <= 1e-5 * scale; }

double half_value(uint16_t bits) {
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    if (exponent == 31) value = fraction ? NAN : INFINITY;
    return bits & 0x8000 ? -value : value;
}

/* `extreme`: only the lowest and the highest codes, whose sums are the largest there are. */
Made make_matrix(int bits, int minima, int64_t group, int64_t rows, int64_t width, int extreme) {
    const int64_t padded = up(width, group), panels = up(rows, PANEL) / PANEL, groups = padded / group;
    const int zero = minima ? 0 : 1 << (bits - 1), last = (1 << bits) - 1;
    Made made = {.plain = room((size_t)(rows * padded))};
    uint8_t *codes = room((size_t)(panels * PANEL * padded * bits / 8));
    uint16_t *numbers[2] = {room((size_t)(panels * groups * PANEL * 2)), NULL};
    if (minima) numbers[1] = room((size_t)(panels * groups * PANEL * 2));
    memset(codes, 0, (size_t)(panels * PANEL * padded * bits / 8));
    for (int64_t row = 0; row < rows; row++)
        for (int64_t k = 0; k < padded; k++) {
            const int drawn = (int)((chance() + 1) * 0.5f * (float)(last + 1));
            const int code = k >= width ? zero : extreme ? (chance() < 0 ? 0 : last) : drawn > last ? last : drawn;
            const int64_t unit = bits == 8 ? k / 4 : k / 8;
            uint8_t *at = codes + (row / PANEL * padded * bits / 8 + unit * 4) * PANEL + row % PANEL * 4 + k % 4;
            *at |= (uint8_t)(bits == 4 && k % 8 >= 4 ? code << 4 : code);
            made.plain[row * padded + k] = (uint8_t)code;
        }
    for (int kind = 0; kind < 1 + minima; kind++)
        for (int64_t i = 0; i < panels * groups * PANEL; i++)
            /* from 2^-4 to 2, and below 0 half of the time */
            numbers[kind][i] = (uint16_t)(0x2c00 + (int)((chance() + 1) * 2559) + (chance() < 0 ? 0x8000 : 0));
    made.matrix = (Matrix){.codes = codes, .scales = numbers[0], .minima = numbers[1], .rows = rows, .width = width,
                           .padded = padded, .group = group, .bits = bits};
    return made;
}

void free_matrix(Made *made) {
    free(made->plain);
    free((void *)made->matrix.codes);
    free((void *)made->matrix.scales);
    free((void *)made->matrix.minima);
}

double weight_at(const Made *made, int64_t row, int64_t column) {
    const Matrix *m = &made->matrix;
    const int64_t place = (row / PANEL * (m->padded / m->group) + column / m->group) * PANEL + row % PANEL;
    const int zero = m->minima ? 0 : 1 << (m->bits - 1);
    return half_value(m->scales[place]) * (made->plain[row * m->padded + column] - zero) +
           (m->minima ? half_value(m->minima[place]) : 0);
}

static const Kernels *const SETS[] = {
#ifdef __x86_64__
    &amx_kernels,
    &avx512_kernels,
    &avxvnni_kernels,
    &avx2_kernels,
#endif
    &portable_kernels,
};

int main(int count, char **words) {
    if (count == 1) check_tiles();
    if (count == 1)
        for (size_t i = 0; i < sizeof SETS / sizeof *SETS; i++) {
            if (!library_choose(SETS[i]->name)) continue;
            CHECK(!strcmp(library_kernels(), SETS[i]->name), "it is %s", library_kernels());
            check_halves(SETS[i]);
            check_rows(SETS[i]);
            check_float_products(SETS[i]);
            check_attention(SETS[i]);
            check_glance();
            Pool *pool = pool_new(2);
            check_products(pool);
            pool_free(pool);
            printf("%s ", SETS[i]->name);
        }
    CHECK(!library_choose("nonsense"), "there are no such kernels");
    if (count == 1) check_chunks();
    check_pools();
    check_glance();
    check_programs(count == 1);
    printf("%s all is well\n", count > 1 ? words[1] : "");
    return 0;
}
