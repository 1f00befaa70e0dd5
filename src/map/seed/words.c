#include "base/buf.h"
#include "map/seed/values.h"

static const char *const nouns[SEED_NOUNS] = {
    "account",  "address",  "answer",    "appeal",    "archive",  "balance", "bridge",  "budget",  "calendar", "camera",
    "change",   "channel",  "chapter",   "claim",     "contract", "copy",    "country", "course",  "customer", "deadline",
    "decision", "delivery", "design",    "detail",    "device",   "draft",   "engine",  "error",   "evidence", "example",
    "factory",  "forecast", "garden",    "hearing",   "history",  "invoice", "journey", "kitchen", "letter",   "library",
    "machine",  "market",   "meeting",   "method",    "motion",   "notice",  "office",  "order",   "package",  "payment",
    "person",   "picture",  "plan",      "policy",    "question", "receipt", "region",  "report",  "request",  "sample",
    "service",  "signal",   "statement", "warehouse",
};
static const char *const others[] = {
    "about",   "after", "again",  "all",  "already", "also",  "always", "and",   "another", "are",   "as",    "at",
    "because", "been",  "before", "best", "both",    "but",   "by",     "can",   "clear",   "could", "early", "each",
    "every",   "first", "for",    "from", "full",    "good",  "has",    "have",  "if",      "in",    "into",  "is",
    "it",      "last",  "later",  "less", "many",    "may",   "more",   "most",  "must",    "near",  "never", "new",
    "next",    "no",    "not",    "now",  "of",      "often", "on",     "once",  "only",    "open",  "or",    "other",
    "our",     "out",   "over",   "same", "see",     "sent",  "should", "since", "small",   "so",    "some",  "still",
    "such",    "than",  "that",   "the",  "then",    "these", "they",   "this",  "to",      "under", "until", "was",
    "we",      "well",  "were",   "when", "which",   "while", "will",   "with",  "within",  "would", "you",   "your",
};

const char *seed_noun(uint64_t at)
{
    return nouns[at % SEED_NOUNS];
}

void seed_put_word(struct buf *buf, struct draw *draw)
{
    uint64_t which = draw_next(draw);
    buf_put_cstr(buf, which & 1 ? nouns[(which >> 1) % SEED_NOUNS] : others[(which >> 1) % (sizeof others / sizeof *others)]);
}
