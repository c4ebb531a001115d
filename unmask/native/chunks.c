/* Chunks of texts looked up in hash tables; see chunks.h.
 *
 * A chunk is known by its number in the table, a new one's being the next. So the texts are cut and looked up once, into
 * numbers, and the ids of these are put one after the other when they are all known.
 */
#include "chunks.h"

#include <stdlib.h>
#include <string.h>

enum { BLANK = 1, MARK = 2, LETTER = 4, LEAD = 8 }; /* LEAD: a blank of several bytes may begin with it */
enum { SMALLEST = 1 << 10 };                        /* slots */

typedef struct {
    void *data;
    int64_t count, room;
} List;

/* Its key ends where the next one's begins, in the table's keys; its ids too. */
typedef struct {
    int64_t key, row;
    uint64_t hash;
} Entry;

typedef struct {
    uint32_t tag;  /* the upper half of a hash; the lower half says where to look first */
    uint32_t next; /* the entry's number, and one; 0: nothing is here */
} Slot;

typedef struct {
    Slot *slots; /* a power of two, at least twice the entries */
    uint64_t capacity;
    int64_t spelled; /* entries that have their ids */
    List keys, rows; /* of uint8_t; of uint32_t */
    List entries;
} Table;

typedef struct {
    uint32_t number;
    uint32_t brief; /* which table */
} Found;

typedef struct {
    int64_t begin, end;
    int brief;
} Fresh;

struct Chunks {
    uint8_t classes[256];
    int64_t most, longest;
    uint64_t seed;
    Table tables[2]; /* of long chunks, which are forgotten with the batch; and of brief ones */
    List found;      /* of Found: the chunks of the texts, one after the other */
    List ends;       /* of int64_t: where each text's end, in `found` */
    List fresh;
};

/* Where so many more things of `size` bytes are to be; NULL: no memory. */
static void *more(List *list, int64_t count, size_t size) {
    if (count > list->room - list->count || !list->data) {
        const int64_t room = (list->count + count) * 2 + 1;
        void *data = realloc(list->data, (size_t)room * size);
        if (!data) return NULL;
        list->data = data;
        list->room = room;
    }
    void *first = (char *)list->data + (size_t)list->count * size;
    list->count += count;
    return first;
}

static void forget(Table *t) {
    free(t->slots);
    free(t->keys.data);
    free(t->rows.data);
    free(t->entries.data);
    *t = (Table){.slots = NULL};
}

/* Two multiplications a block, the second by what nobody can know: texts cannot be made whose chunks all collide. */
uint64_t chunks_hash(uint64_t seed, const uint8_t *key, int64_t length) {
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    uint64_t hash = (uint64_t)length * odd ^ seed;
    for (; length > 0; key += 8, length -= 8) {
        uint64_t block = 0;
        if (length >= 8) memcpy(&block, key, 8);
        else
            for (int64_t i = 0; i < length; i++) block |= (uint64_t)key[i] << 8 * i;
        hash = (hash ^ block) * odd;
        hash = (hash ^ hash >> 32) * (seed | 1);
        hash ^= hash >> 29;
    }
    return hash;
}

static Slot *free_slot(const Table *t, uint64_t hash) {
    const uint64_t last = t->capacity - 1;
    uint64_t at = hash & last;
    while (t->slots[at].next) at = (at + 1) & last;
    return &t->slots[at];
}

static int grow(Table *t) {
    const uint64_t capacity = t->capacity ? 2 * t->capacity : SMALLEST;
    Slot *slots = calloc((size_t)capacity, sizeof(Slot));
    if (!slots) return -1;
    free(t->slots);
    t->slots = slots;
    t->capacity = capacity;
    const Entry *entries = t->entries.data;
    for (int64_t i = 0; i < t->entries.count; i++)
        *free_slot(t, entries[i].hash) = (Slot){(uint32_t)(entries[i].hash >> 32), (uint32_t)i + 1};
    return 0;
}

static int64_t key_end(const Table *t, int64_t number) {
    const Entry *entries = t->entries.data;
    return number + 1 < t->entries.count ? entries[number + 1].key : t->keys.count;
}

static int64_t row_end(const Table *t, int64_t number) {
    const Entry *entries = t->entries.data;
    return number + 1 < t->spelled ? entries[number + 1].row : t->rows.count;
}

/* A key's number; -1 if there is none. */
static int64_t number_of(const Table *t, uint64_t hash, const uint8_t *key, int64_t length) {
    const Entry *entries = t->entries.data;
    if (!t->capacity) return -1;
    const uint64_t last = t->capacity - 1;
    for (uint64_t at = hash & last;; at = (at + 1) & last) {
        const Slot slot = t->slots[at];
        if (!slot.next) return -1;
        if (slot.tag != (uint32_t)(hash >> 32)) continue;
        const int64_t number = (int64_t)slot.next - 1, begin = entries[number].key;
        if (key_end(t, number) - begin == length && !memcmp((uint8_t *)t->keys.data + begin, key, (size_t)length))
            return number;
    }
}

/* A new key's number; -1: no memory. */
static int64_t remember(Table *t, uint64_t hash, const uint8_t *key, int64_t length) {
    const int64_t number = t->entries.count, begin = t->keys.count;
    if (number >= UINT32_MAX - 1 || (2 * ((uint64_t)number + 1) > t->capacity && grow(t))) return -1;
    uint8_t *kept = more(&t->keys, length, 1);
    Entry *entry = kept ? more(&t->entries, 1, sizeof(Entry)) : NULL;
    if (!entry) return -1;
    memcpy(kept, key, (size_t)length);
    *entry = (Entry){.key = begin, .hash = hash};
    *free_slot(t, hash) = (Slot){(uint32_t)(hash >> 32), (uint32_t)number + 1};
    return number;
}

/* Bytes of the blank that is at `at`, of several bytes; 0 if none is. */
static int64_t wide_blank(const uint8_t *at, const uint8_t *end) {
    if (end - at < 2) return 0;
    if (at[0] == 0xc2) return at[1] == 0x85 || at[1] == 0xa0 ? 2 : 0;
    if (end - at < 3) return 0;
    switch (at[0] << 16 | at[1] << 8 | at[2]) {
        case 0xe19a80: /* U+1680 */
        case 0xe280a8: /* U+2028, U+2029 */
        case 0xe280a9:
        case 0xe280af: /* U+202F */
        case 0xe2819f: /* U+205F */
        case 0xe38080: /* U+3000 */
            return 3;
    }
    return at[0] == 0xe2 && at[1] == 0x80 && at[2] <= 0x8a ? 3 : 0; /* from U+2000 on */
}

static inline int64_t blank(const Chunks *c, const uint8_t *at, const uint8_t *end) {
    const uint8_t kind = c->classes[*at];
    return kind & BLANK ? 1 : kind & LEAD ? wide_blank(at, end) : 0;
}

/* Where the chunk at `at` ends: blanks, and a word; or the part of the word before a mark that follows a letter. */
static const uint8_t *chunk_end(const Chunks *c, const uint8_t *at, const uint8_t *end) {
    for (int64_t bytes; at < end && (bytes = blank(c, at, end));) at += bytes;
    while (at < end && c->classes[*at] & MARK) at++;
    while (at < end && !(c->classes[*at] & MARK) && !blank(c, at, end)) at++;
    if (at < end && c->classes[*at] & MARK && c->classes[at[-1]] & LETTER) return at;
    while (at < end && !blank(c, at, end)) at++;
    return at;
}

static int is_brief(const Chunks *c, const uint8_t *key, int64_t length) {
    if (length <= c->longest) return 1;
    int64_t characters = 0;
    for (int64_t i = 0; i < length; i++) characters += (key[i] & 0xc0) != 0x80;
    return characters <= c->longest;
}

/* Put a chunk after those found; -1: no memory. */
static int find(Chunks *c, const uint8_t *bytes, int64_t begin, int64_t end) {
    const uint8_t *key = bytes + begin;
    const int64_t length = end - begin;
    const int brief = is_brief(c, key, length);
    Table *t = &c->tables[brief];
    const uint64_t hash = chunks_hash(c->seed, key, length);
    int64_t number = number_of(t, hash, key, length);
    if (number < 0) {
        Fresh *fresh = more(&c->fresh, 1, sizeof(Fresh));
        if (!fresh || (number = remember(t, hash, key, length)) < 0) return -1;
        *fresh = (Fresh){begin, end, brief};
    }
    Found *found = more(&c->found, 1, sizeof(Found));
    if (!found) return -1;
    *found = (Found){(uint32_t)number, (uint32_t)brief};
    return 0;
}

Chunks *chunks_new(int words, int marks, int64_t most, int64_t longest, uint64_t seed) {
    Chunks *c = calloc(1, sizeof(Chunks));
    if (!c) return NULL;
    c->most = most;
    c->longest = longest;
    c->seed = seed;
    for (int i = 'A'; i <= 'Z'; i++) c->classes[i] = c->classes[i - 'A' + 'a'] = LETTER;
    for (const char *mark = marks ? ",.;:!?\")-" : ""; *mark; mark++) c->classes[(uint8_t)*mark] = MARK;
    for (const char *each = words ? " \t\n\v\f\r\x1c\x1d\x1e\x1f" : " "; *each; each++) c->classes[(uint8_t)*each] = BLANK;
    for (const char *each = words ? "\xc2\xe1\xe2\xe3" : ""; *each; each++) c->classes[(uint8_t)*each] = LEAD;
    return c;
}

void chunks_free(Chunks *c) {
    forget(&c->tables[0]);
    forget(&c->tables[1]);
    free(c->found.data);
    free(c->ends.data);
    free(c->fresh.data);
    free(c);
}

int64_t chunks_scan(Chunks *c, const uint8_t *bytes, const int64_t *ends, int64_t texts) {
    const Table *brief = &c->tables[1];
    /* Where nobody told the ids of a batch, because it cannot be spelled, its chunks must not seem known. */
    if (brief->entries.count > c->most || brief->spelled < brief->entries.count) forget(&c->tables[1]);
    forget(&c->tables[0]);
    c->found.count = c->ends.count = c->fresh.count = 0;
    int64_t *found_ends = more(&c->ends, texts, sizeof(int64_t));
    if (!found_ends) return -1;
    for (int64_t text = 0, at = 0; text < texts; text++) {
        while (at < ends[text]) {
            const int64_t end = chunk_end(c, bytes + at, bytes + ends[text]) - bytes;
            if (find(c, bytes, at, end)) {
                forget(&c->tables[1]); /* of a key half remembered */
                return -1;
            }
            at = end;
        }
        found_ends[text] = c->found.count;
    }
    return c->fresh.count;
}

void chunks_fresh(const Chunks *c, int64_t *begins, int64_t *ends) {
    const Fresh *fresh = c->fresh.data;
    for (int64_t i = 0; i < c->fresh.count; i++) {
        begins[i] = fresh[i].begin;
        ends[i] = fresh[i].end;
    }
}

int chunks_spell(Chunks *c, const uint32_t *ids, const int64_t *ends) {
    const Fresh *fresh = c->fresh.data;
    for (int64_t i = 0, at = 0; i < c->fresh.count; at = ends[i++]) {
        Table *t = &c->tables[fresh[i].brief];
        const int64_t begin = t->rows.count, count = ends[i] - at;
        uint32_t *row = more(&t->rows, count, sizeof(uint32_t));
        if (!row) return -1;
        for (int64_t k = 0; k < count; k++) row[k] = ids[at + k];
        ((Entry *)t->entries.data)[t->spelled++].row = begin;
    }
    return 0;
}

void chunks_lengths(const Chunks *c, int64_t *lengths) {
    const Found *found = c->found.data;
    const int64_t *ends = c->ends.data;
    for (int64_t text = 0, i = 0; text < c->ends.count; text++)
        for (lengths[text] = 0; i < ends[text]; i++) {
            const Table *t = &c->tables[found[i].brief];
            lengths[text] += row_end(t, found[i].number) - ((const Entry *)t->entries.data)[found[i].number].row;
        }
}

void chunks_join(const Chunks *c, uint32_t *ids) {
    const Found *found = c->found.data;
    for (int64_t i = 0; i < c->found.count; i++) {
        const Table *t = &c->tables[found[i].brief];
        const uint32_t *rows = t->rows.data;
        const int64_t end = row_end(t, found[i].number);
        for (int64_t k = ((const Entry *)t->entries.data)[found[i].number].row; k < end; k++) *ids++ = rows[k];
    }
}
