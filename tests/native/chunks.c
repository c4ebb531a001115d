/* Chunks and their ids against plain searches; buffers end where their texts do, so that nothing is read beyond. */
#include "check.h"
#include "chunks.h"

enum { WORDS = 3000, TEXTS = 40, WIDTH = 12 }; /* the table grows twice and more on its way to so many words */

typedef struct {
    char text[WIDTH + 1];
} Word;

static uint32_t ids_of(const uint8_t *key, int64_t length, uint32_t *ids) {
    uint32_t sum = 0;
    for (int64_t i = 0; i < length; i++) sum = sum * 31 + key[i];
    for (uint32_t i = 0; i < sum % 4; i++) ids[i] = sum + i;
    return sum % 4;
}

/* Tell the ids of all that are fresh, as `ids_of` has them. */
static void spell(Chunks *c, const uint8_t *bytes, int64_t fresh) {
    int64_t *begins = room((size_t)fresh * 8), *ends = room((size_t)fresh * 8), *rows = room((size_t)fresh * 8);
    uint32_t *ids = room((size_t)fresh * 16);
    chunks_fresh(c, begins, ends);
    for (int64_t i = 0, at = 0; i < fresh; i++)
        rows[i] = at += ids_of(bytes + begins[i], ends[i] - begins[i], ids + at);
    CHECK(!chunks_spell(c, ids, rows), "of %lld", (long long)fresh);
    free(begins);
    free(ends);
    free(rows);
    free(ids);
}

static int64_t scan(Chunks *c, const char *text) {
    const int64_t length = (int64_t)strlen(text);
    uint8_t *bytes = room((size_t)length);
    memcpy(bytes, text, (size_t)length);
    const int64_t fresh = chunks_scan(c, bytes, &length, 1);
    if (fresh > 0) spell(c, bytes, fresh);
    free(bytes);
    return fresh;
}

/* Texts of words drawn from WORDS different ones, a blank before each: ids, and how many are new. */
static void check_growth(Chunks *c, const Word *words, int64_t *seen) {
    uint8_t *bytes = room(TEXTS * WORDS / 10 * (WIDTH + 1));
    uint32_t *wanted = room(TEXTS * WORDS / 10 * 4 * sizeof(uint32_t)), *found;
    int64_t ends[TEXTS], counts[TEXTS], lengths[TEXTS], at = 0, total = 0, new_ones = 0;
    for (int text = 0; text < TEXTS; text++) {
        const int64_t before = total;
        for (int i = 0; text % 7 && i < WORDS / 10; i++) { /* some texts are empty */
            const int drawn = (int)((chance() + 1) * 0.5f * (WORDS - 1));
            const int length = snprintf((char *)bytes + at, WIDTH + 1, "%s", words[drawn].text);
            total += ids_of(bytes + at, length, wanted + total);
            at += length;
            new_ones += !seen[drawn]++;
        }
        counts[text] = total - before;
        ends[text] = at;
    }
    const int64_t fresh = chunks_scan(c, bytes, ends, TEXTS);
    CHECK(fresh == new_ones, "%lld of %lld", (long long)fresh, (long long)new_ones);
    spell(c, bytes, fresh);
    chunks_lengths(c, lengths);
    CHECK(!memcmp(lengths, counts, sizeof lengths), "texts have other ids");
    found = room((size_t)total * sizeof(uint32_t));
    chunks_join(c, found);
    CHECK(!memcmp(found, wanted, (size_t)total * sizeof(uint32_t)), "other ids");
    free(bytes);
    free(wanted);
    free(found);
}

/* Two keys of two blocks with one hash: the second block makes up for what the first one did. */
static void check_collision(void) {
    enum { SEED = 7 };
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    char texts[2][17] = {"collide1--------", "collide2--------"};
    for (int tries = 0; tries < 1000; tries++) {
        uint64_t states[2], block;
        texts[0][0] = (char)('!' + tries % 90);
        texts[1][1] = (char)('!' + tries / 90);
        for (int i = 0; i < 2; i++) {
            memcpy(&block, texts[i], 8);
            states[i] = ((16 * odd ^ SEED) ^ block) * odd;
            states[i] = (states[i] ^ states[i] >> 32) * SEED;
            states[i] ^= states[i] >> 29;
        }
        memcpy(&block, texts[0] + 8, 8);
        block ^= states[0] ^ states[1];
        memcpy(texts[1] + 8, &block, 8);
        if (!memchr(texts[1], ' ', 16) && strlen(texts[1]) == 16) break;
    }
    const uint64_t hash = chunks_hash(SEED, (uint8_t *)texts[0], 16);
    CHECK(hash == chunks_hash(SEED, (uint8_t *)texts[1], 16), "the hash is another one; so must its test be");
    Chunks *c = chunks_new(0, 0, WORDS, 32, SEED);
    CHECK(scan(c, texts[0]) == 1 && scan(c, texts[1]) == 1, "two texts with one hash are one");
    CHECK(!scan(c, texts[0]) && !scan(c, texts[1]), "known texts are forgotten");
    chunks_free(c);
}

/* Beginnings of blanks of several bytes at the very end, where nothing may be read beyond. */
static void check_ends(void) {
    static const char *const TEXT[] = {"\xc2", "\xe1", "\xe1\x9a", "\xe2\x80", "a,\xe3", "a \xe3\x80", ",", "a", " ", ""};
    for (int marks = 0; marks < 2; marks++)
        for (size_t i = 0; i < sizeof TEXT / sizeof *TEXT; i++) {
            Chunks *c = chunks_new(1, marks, WORDS, 32, 1);
            const int64_t wanted = !*TEXT[i] ? 0 : 1 + (strchr(TEXT[i], 'a') && TEXT[i][1] && (marks || TEXT[i][1] == ' '));
            CHECK(scan(c, TEXT[i]) == wanted, "%d: text %zu", marks, i);
            chunks_free(c);
        }
}

void check_chunks(void) {
    Word *words = room(WORDS * sizeof(Word));
    for (int i = 0; i < WORDS; i++) snprintf(words[i].text, WIDTH + 1, " %x%s", i, i % 3 ? "" : "\xe2\x96\x81" "abc");
    int64_t *seen = calloc(WORDS, sizeof(int64_t));
    Chunks *c = chunks_new(0, 1, WORDS, 32, 12345);
    for (int batch = 0; batch < 4; batch++) check_growth(c, words, seen);
    CHECK(chunks_scan(c, NULL, NULL, 0) == 0, "nothing has no chunks");
    chunks_free(c);
    free(words);
    free(seen);

    c = chunks_new(0, 0, 4, 4, 1);
    CHECK(scan(c, "a b longer longer a") == 4 && scan(c, "a b longer a") == 1, "what is long outlasts its text");
    CHECK(scan(c, "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad") == 1, "bytes are no characters");
    CHECK(scan(c, "\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad a") == 0 && scan(c, "b") == 1, "what was known is forgotten");
    CHECK(scan(c, "a b") == 2, "more than four were remembered");
    const int64_t end = 2;
    CHECK(chunks_scan(c, (const uint8_t *)"xy", &end, 1) == 1 && scan(c, "xy") == 1, "known without ids");
    chunks_free(c);
    check_collision();
    check_ends();
}
