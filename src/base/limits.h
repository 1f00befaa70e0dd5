/*
 * limits: every limit of Landfall that is not local to one file, by name.
 *
 * DynamoDB's own are from AWS's "Quotas in Amazon DynamoDB" and "Item sizes and formats"; PostgreSQL's from its "PostgreSQL
 * Limits" appendix and from measurement. Each is tested at limit - 1, limit and limit + 1.
 */
#pragma once

enum {
    /* DynamoDB */
    LIMIT_ITEM_BYTES = 400 * 1024, /* an item, names and values, as DynamoDB counts */
    LIMIT_NESTING = 32,            /* levels of lists and maps */
    LIMIT_NUMBER_DIGITS = 38,
    LIMIT_NUMBER_EXPONENT_MAX = 125,  /* largest magnitude 9.99…E+125 */
    LIMIT_NUMBER_EXPONENT_MIN = -130, /* smallest magnitude 1E-130 */
    LIMIT_PARTITION_KEY_BYTES = 2048,
    LIMIT_SORT_KEY_BYTES = 1024,
    LIMIT_ATTRIBUTE_NAME_BYTES = 65535,
    LIMIT_KEY_NAME_BYTES = 255, /* names of tables, indexes and key attributes */

    /* PostgreSQL */
    LIMIT_IDENTIFIER_BYTES = 63,
    LIMIT_INDEX_KEY_BYTES = 2600, /* a btree entry holds 2,704 with its headers */
    LIMIT_COLUMNS = 200,          /* of a table; row width bites long before PostgreSQL's 1,600 */

    /* Landfall */
    LIMIT_LINE_BYTES = 4 * 1024 * 1024, /* a line of an export: 400 KB of item, escaped sixfold, and names */
    LIMIT_ENTITIES = 512,               /* of one DynamoDB table */
    LIMIT_TABLES = 256,                 /* of one map */
    LIMIT_TEMPLATE_PARTS = 32,          /* literals and variables of a key template */
    LIMIT_MAP_BYTES = 16 * 1024 * 1024, /* of landfall.yaml */
    LIMIT_JOBS = 64,                    /* worker threads of one command */
    PARITY_SEGMENTS = 256,              /* parts by key hash in which source and target are summed */
};
