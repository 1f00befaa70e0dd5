/* Texts by the name of their column. */
#include "base/buf.h"
#include "codec/timestamp.h"
#include "map/seed/values.h"

/* ASCII names first: addresses are made of them. */
enum { GIVEN_ASCII = 24, FAMILY_ASCII = 26 };
static const char *const given_names[] = {
    "Anna", "Ben",   "Carla", "David", "Emma",  "Felix", "Grace", "Hugo",  "Ida",    "James", "Karen",
    "Leo",  "Maria", "Noah",  "Olga",  "Paul",  "Rosa",  "Samir", "Tara",  "Victor", "Wanda", "Yuki",
    "Zora", "Priya", "Zoë",   "José",  "Søren", "Łucja", "Åsa",   "Čeněk", "Μαρία",  "美咲",
};
static const char *const family_names[] = {
    "Adams",  "Berg",   "Costa",  "Dubois", "Evans",  "Fischer", "Garcia",   "Hansen",  "Ito",      "Jensen",       "Khan",
    "Larsen", "Moreau", "Nguyen", "Okafor", "Patel",  "Quinn",   "Rossi",    "Silva",   "Tanaka",   "Usman",        "Vargas",
    "Weber",  "Young",  "Zhang",  "Walker", "Müller", "Ibáñez",  "Øvergård", "O'Brien", "Nováková", "Παπαδόπουλος",
};
static const char *const cities[] = {
    "Amsterdam", "Berlin",  "Boston", "Chicago", "Dublin", "Hamburg", "Kraków",    "Lagos",   "Lisbon", "London", "Madrid",
    "Mumbai",    "Nairobi", "Oslo",   "Paris",   "Porto",  "Rome",    "São Paulo", "Seattle", "Tokyo",  "Vienna", "Zürich",
};
static const char *const countries[] = { "US", "DE", "GB", "FR", "BR", "IN", "JP", "NL", "PL", "ES", "IT", "NG", "KE", "SE" };
static const char *const states[] = { "active", "new", "done", "pending", "closed", "draft", "failed", "archived" };
static const char *const currencies[] = { "USD", "EUR", "GBP", "JPY", "BRL", "INR", "PLN" };
static const char *const languages[] = { "en", "de", "fr", "es", "pt", "ja", "pl", "en-GB", "pt-BR" };
static const char *const colors[] = { "black", "white", "red", "blue", "green", "silver", "grey", "yellow" };
static const char *const endings[] = { "pdf", "png", "docx", "csv", "jpg", "txt", "xlsx" };
static const char *const domains[] = { "example.com", "example.org", "example.net", "mail.example.com" };

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))
#define PUT_ANY(buf, draw, array) buf_put_cstr((buf), (array)[draw_below((draw), COUNT_OF(array))])

/* ---- parts ---- */

static void put_lower(struct buf *buf, const char *word)
{
    for (; *word; word++)
        buf_put_byte(buf, (char)(*word >= 'A' && *word <= 'Z' ? *word - 'A' + 'a' : *word));
}

static void put_decimal(struct buf *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    buf_put(buf, digits + at, sizeof digits - at);
}

/* `count` letters and digits, five bits each. */
static void put_code_of(struct buf *buf, uint64_t number, unsigned count)
{
    for (; count > 0; count--, number >>= 5)
        buf_put_byte(buf, "0123456789abcdefghjkmnpqrstvwxyz"[number & 31]);
}

/* Ten characters that no other number gives. */
static void put_number_code(struct buf *buf, const struct seed_field *field, uint64_t number)
{
    enum { CODE_BITS = 50, CODE_CHARACTERS = 10 };
    put_code_of(buf, seed_permute(field->salt, (uint64_t)1 << CODE_BITS, number), CODE_CHARACTERS);
}

static void put_sentence(struct buf *buf, struct draw *draw)
{
    enum { WORDS_MIN = 4, WORDS_MORE = 12 };
    size_t start = buf->len, count = WORDS_MIN + draw_below(draw, WORDS_MORE);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_cstr(buf, draw_below(draw, 12) ? " " : ", ");
        seed_put_word(buf, draw);
    }
    if (!buf->failed)
        buf->data[start] = (char)(buf->data[start] - 'a' + 'A');
    buf_put_byte(buf, draw_below(draw, 10) ? '.' : '?');
}

/* ---- whole texts ---- */

static void put_words(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    size_t count = 1 + draw_below(draw, 3);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_byte(buf, ' ');
        seed_put_word(buf, draw);
    }
}

static void put_title(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    size_t start = buf->len, count = 2 + draw_below(draw, 6);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_byte(buf, ' ');
        seed_put_word(buf, draw);
    }
    if (!buf->failed)
        buf->data[start] = (char)(buf->data[start] - 'a' + 'A');
}

/* Mostly a few sentences, now and then some pages, with paragraphs and quotation marks. */
static void put_prose(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    enum { SENTENCES_MAX = 5, LONG_SENTENCES_MAX = 80, LONG_ONE_IN = 200, PARAGRAPH = 4 };
    (void)field, (void)subject;
    uint64_t max = draw_below(draw, LONG_ONE_IN) ? SENTENCES_MAX : LONG_SENTENCES_MAX;
    size_t count = 1 + draw_below(draw, max);
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_cstr(buf, i % PARAGRAPH ? " " : "\n\n");
        put_sentence(buf, draw);
        if (draw_below(draw, 25) == 0)
            buf_put_cstr(buf, " \"Yes\", they said.");
    }
}

static void put_given(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    PUT_ANY(buf, draw, given_names);
}

static void put_family(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    PUT_ANY(buf, draw, family_names);
}

static void put_person(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    put_given(buf, field, subject, draw);
    buf_put_byte(buf, ' ');
    put_family(buf, field, subject, draw);
}

/* anna.berg, and with something behind it that is its own where it has to be. */
static void put_handle(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    put_lower(buf, given_names[draw_below(draw, GIVEN_ASCII)]);
    buf_put_byte(buf, '.');
    put_lower(buf, family_names[draw_below(draw, FAMILY_ASCII)]);
    if (field->is_unique) {
        buf_put_byte(buf, '.');
        put_decimal(buf, subject->number);
    } else if (draw_below(draw, 2)) {
        put_decimal(buf, draw_below(draw, 100));
    }
}

static void put_email(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    put_handle(buf, field, subject, draw);
    buf_put_byte(buf, '@');
    PUT_ANY(buf, draw, domains);
}

static void put_company(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    static const char *const forms[] = { " Ltd", " GmbH", " Inc.", " & Sons", " SA", " Group" };
    put_family(buf, field, subject, draw);
    PUT_ANY(buf, draw, forms);
}

static void put_file(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    buf_put_cstr(buf, seed_noun(draw_next(draw)));
    buf_put_byte(buf, '-');
    put_decimal(buf, 1 + draw_below(draw, 4000));
    buf_put_byte(buf, '.');
    PUT_ANY(buf, draw, endings);
}

static void put_url(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    buf_put_cstr(buf, "https://www.");
    PUT_ANY(buf, draw, domains);
    buf_put_byte(buf, '/');
    buf_put_cstr(buf, seed_noun(draw_next(draw)));
    buf_put_byte(buf, '/');
    put_file(buf, field, subject, draw);
}

static void put_phone(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    buf_put_cstr(buf, "+1 555 ");
    put_decimal(buf, 100 + draw_below(draw, 900));
    buf_put_byte(buf, '-');
    put_decimal(buf, 1000 + draw_below(draw, 9000));
}

static void put_street(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    static const char *const kinds[] = { " Street", " Avenue", " Road", " Lane", " Square" };
    (void)subject;
    put_decimal(buf, 1 + draw_skewed(draw, 900));
    buf_put_byte(buf, ' ');
    put_family(buf, field, subject, draw);
    PUT_ANY(buf, draw, kinds);
}

static void put_postal(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    put_decimal(buf, 10000 + draw_below(draw, 89999));
}

static void put_version(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    for (unsigned i = 0; i < 3; i++) {
        if (i)
            buf_put_byte(buf, '.');
        put_decimal(buf, draw_skewed(draw, 20));
    }
}

static void put_ip(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    buf_put_cstr(buf, "192.0.2.");
    put_decimal(buf, draw_below(draw, 256));
}

static void put_hash(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    for (unsigned i = 0; i < 4; i++)
        for (uint64_t word = draw_next(draw), n = 0; n < 8; n++, word >>= 4)
            buf_put_byte(buf, "0123456789abcdef"[word & 15]);
}

static void put_iso_time(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    char text[TIMESTAMP_TEXT_BYTES];
    (void)field, (void)draw;
    buf_put(buf, text, timestamp_format(subject->begin_us, TIMESTAMP_ISO8601_MS, text));
}

static void put_city(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    PUT_ANY(buf, draw, cities);
}

static void put_country(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    PUT_ANY(buf, draw, countries);
}

static void put_currency(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    PUT_ANY(buf, draw, currencies);
}

static void put_language(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    PUT_ANY(buf, draw, languages);
}

static void put_color(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    PUT_ANY(buf, draw, colors);
}

/* A few values, the first ones more often. */
static void put_state(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    buf_put_cstr(buf, states[seed_scale(seed_square(draw_next(draw)), COUNT_OF(states))]);
}

static void put_id(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    if (field->is_unique)
        put_number_code(buf, field, subject->number);
    else
        put_code_of(buf, draw_next(draw), 10);
}

/* 7 digits and more: 1000417. */
static void put_counted(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    enum { FIRST = 1000000 };
    put_decimal(buf, FIRST + (field->is_unique ? subject->number : draw_below(draw, FIRST)));
}

static void put_noun(struct buf *buf, const struct seed_field *field, const struct seed_subject *subject, struct draw *draw)
{
    (void)field, (void)subject;
    buf_put_cstr(buf, seed_noun(draw_next(draw)));
}

/* ---- by name ---- */

enum fitness { FOR_ALL, NOT_SHORT, CARRIES_NUMBER };

struct text_rule {
    const char *word;
    seed_text *put;
    enum fitness fitness;
};

/* The first that is part of the name. */
static const struct text_rule rules[] = {
    { "email", put_email, CARRIES_NUMBER },
    { "_id", put_id, CARRIES_NUMBER },
    { "ip_", put_ip, FOR_ALL },
    { "user_name", put_handle, CARRIES_NUMBER },
    { "username", put_handle, CARRIES_NUMBER },
    { "handle", put_handle, CARRIES_NUMBER },
    { "login", put_handle, CARRIES_NUMBER },
    { "first_name", put_given, FOR_ALL },
    { "given", put_given, FOR_ALL },
    { "last_name", put_family, FOR_ALL },
    { "surname", put_family, FOR_ALL },
    { "family", put_family, FOR_ALL },
    { "file", put_file, FOR_ALL },
    { "company", put_company, FOR_ALL },
    { "organi", put_company, FOR_ALL },
    { "phone", put_phone, FOR_ALL },
    { "mobile", put_phone, FOR_ALL },
    { "url", put_url, FOR_ALL },
    { "link", put_url, FOR_ALL },
    { "website", put_url, FOR_ALL },
    { "city", put_city, FOR_ALL },
    { "country", put_country, FOR_ALL },
    { "street", put_street, FOR_ALL },
    { "address", put_street, FOR_ALL },
    { "zip", put_postal, FOR_ALL },
    { "postal", put_postal, FOR_ALL },
    { "currency", put_currency, FOR_ALL },
    { "language", put_language, FOR_ALL },
    { "locale", put_language, FOR_ALL },
    { "color", put_color, FOR_ALL },
    { "colour", put_color, FOR_ALL },
    { "version", put_version, FOR_ALL },
    { "hash", put_hash, FOR_ALL },
    { "token", put_hash, FOR_ALL },
    { "checksum", put_hash, FOR_ALL },
    { "_at", put_iso_time, FOR_ALL },
    { "description", put_prose, NOT_SHORT },
    { "body", put_prose, NOT_SHORT },
    { "comment", put_prose, NOT_SHORT },
    { "message", put_prose, NOT_SHORT },
    { "note", put_prose, NOT_SHORT },
    { "content", put_prose, NOT_SHORT },
    { "summary", put_prose, NOT_SHORT },
    { "reason", put_prose, NOT_SHORT },
    { "text", put_prose, NOT_SHORT },
    { "title", put_title, FOR_ALL },
    { "subject", put_title, FOR_ALL },
    { "headline", put_title, FOR_ALL },
    { "caption", put_title, FOR_ALL },
    { "status", put_state, FOR_ALL },
    { "state", put_state, FOR_ALL },
    { "type", put_noun, FOR_ALL },
    { "kind", put_noun, FOR_ALL },
    { "category", put_noun, FOR_ALL },
    { "role", put_noun, FOR_ALL },
    { "group", put_noun, FOR_ALL },
    { "tag", put_noun, FOR_ALL },
    { "number", put_counted, CARRIES_NUMBER },
    { "name", put_person, FOR_ALL },
    { "author", put_person, FOR_ALL },
    { "sender", put_person, FOR_ALL },
    { "recipient", put_person, FOR_ALL },
    { "owner", put_person, FOR_ALL },
    { "code", put_id, CARRIES_NUMBER },
    { "sku", put_id, CARRIES_NUMBER },
    { "", put_words, FOR_ALL },
};

static bool is_fit(const struct text_rule *rule, const struct seed_field *field)
{
    return (rule->fitness != NOT_SHORT || !field->is_short) && (rule->fitness == CARRIES_NUMBER || !field->is_unique);
}

seed_text *seed_text_find(const struct seed_field *field)
{
    if (field->is_plain)
        return field->is_unique ? put_id : put_noun;
    for (size_t i = 0; i < COUNT_OF(rules); i++)
        if (is_fit(&rules[i], field) && span_find(field->column->name, span_from_cstr(rules[i].word)) < field->column->name.len)
            return rules[i].put;
    return put_id;
}
