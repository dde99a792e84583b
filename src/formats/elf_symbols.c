/* SPDX-License-Identifier: MIT */
/*
 * The dynamic symbols of a shared object, found as the loader finds them: the dynamic segment names
 * the tables by address, the segments say where in the file an address lies, and the hash table
 * says which symbols there are. System V gABI, and the GNU hash table as binutils and glibc have
 * it.
 */
#include "formats/elf_symbols.h"

#include <string.h>

#define CLASS_AT 4
#define CLASS_32 1
#define CLASS_64 2
#define ENCODING_AT 5
#define LITTLE_ENDIAN_ENCODING 1
#define SEGMENT_LOAD 1
#define SEGMENT_DYNAMIC 2
#define TAG_END 0
#define TAG_HASH 4
#define TAG_STRINGS 5
#define TAG_SYMBOLS 6
#define TAG_STRINGS_BYTES 10
#define TAG_GNU_HASH 0x6FFFFEF5u
#define SECTION_UNDEFINED 0
#define GNU_HEADER_BYTES 16

/* Where the fields are that the two classes have in different places. */
typedef struct elf_class {
    unsigned word_bytes;
    unsigned segments_at, segment_bytes_at, segment_count_at;
    unsigned offset_at, address_at, size_at; /* within a program header */
    unsigned symbol_bytes, section_at;       /* of a symbol, and within it */
} elf_class;

static const elf_class class_32 = {4, 28, 42, 44, 4, 8, 16, 16, 14};
static const elf_class class_64 = {8, 32, 54, 56, 8, 16, 32, 24, 6};

typedef struct elf_object {
    umh_bytes file;
    const elf_class *layout;
    uint64_t segments; /* offset of the program headers */
    uint64_t segment_bytes;
    uint64_t segment_count;
    /* offsets in the file; 0: the object has none */
    uint64_t symbols, strings, strings_bytes, hash, gnu_hash;
} elf_object;

static bool read_number(const elf_object *object, uint64_t at, unsigned size, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (at > object->file.size || size > object->file.size - at)
        return false;
    for (unsigned i = size; i > 0; i--)
        value = value << 8 | object->file.data[at + i - 1];
    *ret_value = value;
    return true;
}

static bool read_word(const elf_object *object, uint64_t at, uint64_t *ret_value)
{
    return read_number(object, at, object->layout->word_bytes, ret_value);
}

static bool read_32(const elf_object *object, uint64_t at, uint64_t *ret_value)
{
    return read_number(object, at, 4, ret_value);
}

typedef struct elf_segment {
    uint64_t type, offset, address, size;
} elf_segment;

static bool read_segment(const elf_object *object, uint64_t index, elf_segment *ret_segment)
{
    uint64_t at = object->segments + index * object->segment_bytes;

    return at >= object->segments && read_32(object, at, &ret_segment->type) &&
           read_word(object, at + object->layout->offset_at, &ret_segment->offset) &&
           read_word(object, at + object->layout->address_at, &ret_segment->address) &&
           read_word(object, at + object->layout->size_at, &ret_segment->size);
}

/* Where in the file what will be at `address` lies. */
static bool locate(const elf_object *object, uint64_t address, uint64_t *ret_offset)
{
    elf_segment segment;

    for (uint64_t i = 0; i < object->segment_count; i++) {
        if (!read_segment(object, i, &segment))
            return false;
        if (segment.type != SEGMENT_LOAD || address < segment.address ||
            address - segment.address >= segment.size || segment.offset > object->file.size ||
            address - segment.address > object->file.size - segment.offset)
            continue;
        *ret_offset = segment.offset + (address - segment.address);
        return true;
    }
    return false;
}

static bool note_tag(elf_object *object, uint64_t tag, uint64_t value)
{
    switch (tag) {
    case TAG_SYMBOLS:
        return locate(object, value, &object->symbols);
    case TAG_STRINGS:
        return locate(object, value, &object->strings);
    case TAG_STRINGS_BYTES:
        object->strings_bytes = value;
        return true;
    case TAG_HASH:
        return locate(object, value, &object->hash);
    case TAG_GNU_HASH:
        return locate(object, value, &object->gnu_hash);
    default:
        return true;
    }
}

static bool read_dynamic(elf_object *object, const elf_segment *dynamic)
{
    unsigned word_bytes = object->layout->word_bytes;
    uint64_t tag;
    uint64_t value;

    for (uint64_t used = 0; used + 2 * word_bytes <= dynamic->size; used += 2 * word_bytes) {
        if (dynamic->offset > object->file.size || used > object->file.size ||
            !read_word(object, dynamic->offset + used, &tag) ||
            !read_word(object, dynamic->offset + used + word_bytes, &value))
            return false;
        if (tag == TAG_END)
            break;
        if (!note_tag(object, tag, value))
            return false;
    }
    return object->symbols && object->strings && object->strings_bytes &&
           (object->hash || object->gnu_hash);
}

static bool open_object(umh_bytes file, elf_object *object)
{
    elf_segment segment;

    *object = (elf_object){.file = file};
    if (file.size < 64 || memcmp(file.data, "\177ELF", 4) != 0 ||
        file.data[ENCODING_AT] != LITTLE_ENDIAN_ENCODING ||
        (file.data[CLASS_AT] != CLASS_32 && file.data[CLASS_AT] != CLASS_64))
        return false;
    object->layout = file.data[CLASS_AT] == CLASS_64 ? &class_64 : &class_32;
    if (!read_word(object, object->layout->segments_at, &object->segments) ||
        !read_number(object, object->layout->segment_bytes_at, 2, &object->segment_bytes) ||
        !read_number(object, object->layout->segment_count_at, 2, &object->segment_count) ||
        object->segments > file.size)
        return false;
    for (uint64_t i = 0; i < object->segment_count; i++) {
        if (!read_segment(object, i, &segment))
            return false;
        if (segment.type == SEGMENT_DYNAMIC)
            return read_dynamic(object, &segment);
    }
    return false;
}

/* The name at `at` in the table of names is `name`. */
static bool has_name(const elf_object *object, uint64_t at, const char *name)
{
    size_t size = strlen(name) + 1;
    uint64_t rest = object->file.size - object->strings;

    if (rest > object->strings_bytes)
        rest = object->strings_bytes;
    return at < rest && size <= rest - at &&
           memcmp(object->file.data + object->strings + at, name, size) == 0;
}

/* Symbol `index` is `name`, and is this object's own. */
static bool is_definition(const elf_object *object, uint64_t index, const char *name)
{
    uint64_t at = object->symbols + index * object->layout->symbol_bytes;
    uint64_t name_at;
    uint64_t section;

    return read_32(object, at, &name_at) &&
           read_number(object, at + object->layout->section_at, 2, &section) &&
           section != SECTION_UNDEFINED && has_name(object, name_at, name);
}

static uint32_t hash_name(const char *name)
{
    uint32_t hash = 5381;

    for (; *name; name++)
        hash = hash * 33 + (uint8_t)*name;
    return hash;
}

/*
 * Buckets of chains of hashes; the lowest bit ends a chain. The filter before them only saves
 * time.
 */
static umh_elf_symbol find_by_gnu_hash(const elf_object *object, const char *name)
{
    uint32_t wanted = hash_name(name);
    uint64_t bucket_count, first_index, filter_words, index, hash;
    uint64_t buckets, chains;

    if (!read_32(object, object->gnu_hash, &bucket_count) ||
        !read_32(object, object->gnu_hash + 4, &first_index) ||
        !read_32(object, object->gnu_hash + 8, &filter_words) || bucket_count == 0)
        return ELF_SYMBOL_UNKNOWN;
    buckets = object->gnu_hash + GNU_HEADER_BYTES + filter_words * object->layout->word_bytes;
    chains = buckets + bucket_count * 4;
    if (!read_32(object, buckets + wanted % bucket_count * 4, &index))
        return ELF_SYMBOL_UNKNOWN;
    if (index == 0)
        return ELF_SYMBOL_MISSING;
    if (index < first_index)
        return ELF_SYMBOL_UNKNOWN;
    do {
        if (!read_32(object, chains + (index - first_index) * 4, &hash))
            return ELF_SYMBOL_UNKNOWN;
        if ((hash | 1) == (wanted | 1) && is_definition(object, index, name))
            return ELF_SYMBOL_DEFINED;
        index++;
    } while (!(hash & 1));
    return ELF_SYMBOL_MISSING;
}

/* The older table says how many symbols there are; each is looked at. */
static umh_elf_symbol find_by_count(const elf_object *object, const char *name)
{
    uint64_t count;

    if (!read_32(object, object->hash + 4, &count) ||
        count > object->file.size / object->layout->symbol_bytes)
        return ELF_SYMBOL_UNKNOWN;
    for (uint64_t i = 0; i < count; i++) {
        if (is_definition(object, i, name))
            return ELF_SYMBOL_DEFINED;
    }
    return ELF_SYMBOL_MISSING;
}

umh_elf_symbol umh_elf_find_symbol(umh_bytes file, const char *name)
{
    elf_object object;

    if (!open_object(file, &object))
        return ELF_SYMBOL_UNKNOWN;
    return object.gnu_hash ? find_by_gnu_hash(&object, name) : find_by_count(&object, name);
}
