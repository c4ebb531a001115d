/* Products of few bits by tiles, of rows of input in sixteens. Included by rows.h where the processor has tiles.
 *
 * A tile is 16 rows of 64 bytes at most: 64 columns of 16 rows of input; as many columns of a panel, fours of them side
 * by side, as its codes lie in memory; or the sums of both. A group's sums are the same whole numbers as in `tile`, and
 * what becomes of them is done in the same order, so that products are the same to the bit.
 *
 * The including file defines what tiles can do:
 *
 *   tiles_configure        how large each is: all of them are 0 then
 *   tiles_release          they are no longer needed
 *   tile_load, tile_store  one <-> rows in memory, so many bytes apart
 *   tile_zero              all 0
 *   tile_dot               sums + inputs times codes
 */
#define MULTIPLY multiply_tiles

enum {
    DEPTH = 64,       /* columns in a tile at most */
    TALL = 2 * PANEL, /* rows of input that meet two panels: four tiles of sums */
    MANY = 3 * TALL,  /* rows for which codes of 4 bits are unpacked once: as many as library.c gives at once */
    STRETCH = 512,    /* columns that are unpacked at once: what stays near the processor */
    SQUARE = PANEL * PANEL
};

_Static_assert(LANES == PANEL && ABREAST == 2, "a vector is a row of a tile of sums, and two panels lie abreast");

/* The 64 bytes that tell a processor how large tiles are. */
typedef struct {
    uint8_t palette, start, unused[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} Sizes;

/* A product's share that is made at once. */
typedef struct {
    const Matrix *w;
    const Rounded *x;
    int64_t panel, row, rows;
    int64_t first, last;  /* groups */
    const uint8_t *codes; /* of these, 8 bits each */
    int64_t far;          /* from panel to panel */
} Piece;

/* Columns that meet in one step: a group, or as many of it as a tile holds. */
INLINE int64_t depth_of(const Matrix *w) { return w->group < DEPTH ? w->group : DEPTH; }

INLINE void configure(int64_t depth) {
    Sizes sizes = {.palette = 1};
    for (int tile = 0; tile < 8; tile++) {
        sizes.bytes[tile] = (uint16_t)(tile == 4 || tile == 5 ? depth : DEPTH);
        sizes.rows[tile] = (uint8_t)(tile == 6 || tile == 7 ? depth / 4 : PANEL);
    }
    tiles_configure(&sizes);
}

/* One step. Tiles 0 to 3 are the sums of the first rows with both panels, then of the second ones; 4 and 5 are inputs,
 * 6 and 7 codes. */
INLINE void meet(const int tall, const int panels, const int8_t *in, int64_t padded, const uint8_t *at, int64_t far) {
    tile_load(4, in, padded);
    tile_load(6, at, DEPTH);
    tile_dot(0, 4, 6);
    if (panels == 2) {
        tile_load(7, at + far, DEPTH);
        tile_dot(1, 4, 7);
    }
    if (tall < 2) return;
    tile_load(5, in + PANEL * padded, padded);
    tile_dot(2, 5, 6);
    if (panels == 2) tile_dot(3, 5, 7);
}

/* The last step of a group, with fewer columns: the others are 0. Nothing is read beyond the group, behind which memory
 * may end. */
INLINE void meet_rest(const int tall, const int panels, const int8_t *in, int64_t padded, const uint8_t *at,
                      int64_t far, int64_t columns) {
    int8_t inputs[TALL * DEPTH] = {0};
    uint8_t codes[2 * DEPTH * PANEL] = {0};
    for (int m = 0; m < tall * PANEL; m++) __builtin_memcpy(inputs + m * DEPTH, in + m * padded, (size_t)columns);
    for (int p = 0; p < panels; p++)
        __builtin_memcpy(codes + p * DEPTH * PANEL, at + p * far, (size_t)(columns * PANEL));
    meet(tall, panels, inputs, DEPTH, codes, DEPTH * PANEL);
}

/* The sums of one group, [tall, panels] tiles. */
INLINE void add_up(const int tall, const int panels, const Piece *piece, int64_t row, int64_t g, int32_t *sums) {
    const int64_t group = piece->w->group, depth = depth_of(piece->w), padded = piece->x->padded;
    const uint8_t *at = piece->codes + (g - piece->first) * group * PANEL;
    const int8_t *in = piece->x->codes + row * padded + g * group;
    tile_zero(0);
    tile_zero(1);
    tile_zero(2);
    tile_zero(3);
    int64_t k = 0;
    for (; k + depth <= group; k += depth) meet(tall, panels, in + k, padded, at + k * PANEL, piece->far);
    if (k < group) meet_rest(tall, panels, in + k, padded, at + k * PANEL, piece->far, group - k);
    tile_store(0, sums, DEPTH);
    if (panels == 2) tile_store(1, sums + SQUARE, DEPTH);
    if (tall < 2) return;
    tile_store(2, sums + 2 * SQUARE, DEPTH);
    if (panels == 2) tile_store(3, sums + 3 * SQUARE, DEPTH);
}

/* The same with the second bytes of inputs, two rows at a time. */
INLINE void add_seconds(const int tall, const int panels, const Piece *piece, int64_t row, int32_t *sums) {
    for (int m = 0; m < tall * PANEL; m += 2) {
        int32_t *to = sums + m / PANEL * 2 * SQUARE + m % PANEL * PANEL;
        integers sum[MOST_ROWS][MOST_VECTORS];
        for (int i = 0; i < 2 * panels; i++)
            __builtin_memcpy(&sum[i / panels][i % panels], to + i % panels * SQUARE + i / panels * PANEL, SIZE);
        meet_seconds(2, panels, piece->w, piece->panel, piece->x, row + m, sum);
        for (int i = 0; i < 2 * panels; i++)
            __builtin_memcpy(to + i % panels * SQUARE + i / panels * PANEL, &sum[i / panels][i % panels], SIZE);
    }
}

/* What a group's sums are in numbers. Codes are so much too high where there are no minima: 8 of 4 bits, 128 of 8. */
INLINE void scale_sums(const int tall, const int panels, const Piece *piece, int64_t row, int64_t g,
                       const int32_t *sums, floats (*total)[ABREAST]) {
    const Matrix *w = piece->w;
    const Rounded *x = piece->x;
    const int64_t groups = w->padded / w->group;
    const int32_t times = w->minima ? 0 : w->bits == 4 ? 1 : 16;
    for (int p = 0; p < panels; p++) {
        const int64_t place = ((piece->panel + p) * groups + g) * PANEL;
        const floats scale = load_half(w->scales + place);
        for (int m = 0; m < tall * PANEL; m++) {
            const int64_t at = g * x->apart + row + m;
            integers sum;
            __builtin_memcpy(&sum, sums + (m / PANEL * 2 + p) * SQUARE + m % PANEL * PANEL, sizeof sum);
            sum += same_integer(x->excess[at] * times);
            total[m][p] += to_floats(sum) * (x->seconds ? scale : raised(scale, x->powers[at]));
        }
        if (!w->minima) continue;
        const floats least = load_half(w->minima + place);
        for (int m = 0; m < tall * PANEL; m++) total[m][p] += least * x->shares[g * x->apart + row + m];
    }
}

INLINE void meet_groups(const int tall, const int panels, const Piece *piece, int64_t row, floats (*total)[ABREAST]) {
    _Alignas(64) int32_t sums[4 * SQUARE];
    for (int64_t g = piece->first; g < piece->last; g++) {
        add_up(tall, panels, piece, row, g, sums);
        if (piece->x->seconds) add_seconds(tall, panels, piece, row, sums);
        scale_sums(tall, panels, piece, row, g, sums, total);
    }
}

/* Codes of 4 bits as if they had 8. */
INLINE void unpack(const Matrix *w, int64_t panel, int64_t begin, int64_t end, uint8_t *to) {
    const uint8_t *at = w->codes + (panel * w->padded + begin) * PANEL / 2;
    for (int64_t k = begin; k < end; k += 8, at += SIZE, to += 2 * SIZE) {
        const codes both = load_codes(at), low = low_codes(both), high = high_codes(both);
        __builtin_memcpy(to, &low, SIZE);
        __builtin_memcpy(to + SIZE, &high, SIZE);
    }
}

/* All groups of some rows and one panel or two. */
INLINE void meet_all(const int panels, Piece *piece, floats (*total)[ABREAST]) {
    const Matrix *w = piece->w;
    const int64_t groups = w->padded / w->group, some = w->bits == 8 ? groups : STRETCH / w->group;
    _Alignas(64) uint8_t unpacked[2][STRETCH * PANEL];
    for (piece->first = 0; piece->first < groups; piece->first = piece->last) {
        piece->last = piece->first + some < groups ? piece->first + some : groups;
        for (int p = 0; p < panels && w->bits == 4; p++)
            unpack(w, piece->panel + p, piece->first * w->group, piece->last * w->group, unpacked[p]);
        piece->codes = w->bits == 4 ? unpacked[0] : w->codes + piece->panel * w->padded * PANEL;
        piece->far = w->bits == 4 ? STRETCH * PANEL : w->padded * PANEL;
        int64_t m = 0;
        for (; m + TALL <= piece->rows; m += TALL) meet_groups(2, panels, piece, piece->row + m, total + m);
        for (; m < piece->rows; m += PANEL) meet_groups(1, panels, piece, piece->row + m, total + m);
    }
}

INLINE void multiply_piece(const int panels, Piece *piece, const float *bias, int add, float *y, int64_t stride) {
    const Matrix *w = piece->w;
    floats total[MANY][ABREAST];
    for (int64_t m = 0; m < piece->rows; m++)
        for (int p = 0; p < panels; p++) total[m][p] = same(0);
    meet_all(panels, piece, total);
    for (int64_t m = 0; m < piece->rows; m++)
        for (int p = 0; p < panels; p++) {
            const int64_t begin = (piece->panel + p) * PANEL;
            float *to = y + (piece->row + m) * stride + begin;
            finish(&total[m][p], piece->x->scales[piece->row + m], w->rows - begin, bias ? bias + begin : bias, add, to);
        }
}

static void multiply_pair(Piece *piece, const float *bias, int add, float *y, int64_t stride) {
    multiply_piece(2, piece, bias, add, y, stride);
}

static void multiply_one(Piece *piece, const float *bias, int add, float *y, int64_t stride) {
    multiply_piece(1, piece, bias, add, y, stride);
}

/* Fewer rows than a tile has go the other way, and so do groups of 4 bits too wide to be unpacked as a whole. */
static void multiply_tiles(const Matrix *w, int64_t first, int64_t last, const Rounded *x, int64_t begin, int64_t end,
                           const float *bias, int add, float *y, int64_t stride) {
    const int fits = w->bits == 8 || w->group <= STRETCH;
    const int64_t whole = fits && end > begin ? begin + (end - begin) / PANEL * PANEL : begin;
    if (whole > begin) {
        configure(depth_of(w));
        for (int64_t panel = first; panel < last; panel += 2)
            for (int64_t row = begin; row < whole; row += MANY) {
                Piece piece = {.w = w, .x = x, .panel = panel, .row = row};
                piece.rows = whole - row < MANY ? whole - row : MANY;
                (last - panel < 2 ? multiply_one : multiply_pair)(&piece, bias, add, y, stride);
            }
        tiles_release();
    }
    if (whole < end) multiply_panels(w, first, last, x, whole, end, bias, add, y, stride);
}
