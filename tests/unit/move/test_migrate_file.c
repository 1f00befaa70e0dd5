#include "move/migrate_file.h"

#include "../base/unit.h"
#include "base/buf.h"

static void assert_text(struct span actual, const char *expected)
{
    assert_span(actual, span_from_cstr(expected));
}

static void names_of_files(void **state)
{
    (void)state;
    struct span version, name;
    assert_true(migrate_file_name(SPAN("20261121090000_expand_tables.sql"), &version, &name));
    assert_text(version, "20261121090000");
    assert_text(name, "expand_tables");
    assert_true(migrate_file_name(SPAN("1.sql"), &version, &name));
    assert_text(version, "1");
    assert_text(name, "");
    assert_true(migrate_file_name(SPAN("1_.sql"), &version, &name));
    assert_text(name, "");
    assert_false(migrate_file_name(SPAN("schema.sql"), &version, &name));
    assert_false(migrate_file_name(SPAN("1_a.sql.part"), &version, &name));
    assert_false(migrate_file_name(SPAN("1_a.mmd"), &version, &name));
    assert_false(migrate_file_name(SPAN(".1_a.sql"), &version, &name));
    assert_false(migrate_file_name(SPAN("1"), &version, &name));
    assert_false(migrate_file_name(SPAN(""), &version, &name));
}

static struct migrate_file parse(struct span text)
{
    struct migrate_file file = { 0 };
    struct err err = ERR_INIT;
    if (migrate_file_parse(text, &file, &err) != LF_OK)
        fail_msg("%s", err.message);
    return file;
}

static void refuses(struct span text, const char *words)
{
    struct migrate_file file;
    struct err err = ERR_INIT;
    assert_int_equal(migrate_file_parse(text, &file, &err), LF_MIGRATION);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in: %s", words, err.message);
}

static void blocks_of_a_file(void **state)
{
    (void)state;
    struct migrate_file file =
        parse(SPAN("-- a comment\n\n-- migrate:up\nCREATE TABLE t ();\n\n-- migrate:down\nDROP TABLE t;\n"));
    assert_text(file.up, "CREATE TABLE t ();\n\n");
    assert_text(file.down, "DROP TABLE t;\n");
    assert_int_equal(file.up_line, 4);
    assert_int_equal(file.down_line, 7);
    assert_false(file.up_alone);
    assert_false(file.down_alone);

    file = parse(SPAN("--migrate:up transaction:false\r\nA;\r\n--   migrate:down   transaction:true  "));
    assert_text(file.up, "A;\r\n");
    assert_text(file.down, "");
    assert_true(file.up_alone);
    assert_false(file.down_alone);

    file = parse(SPAN("-- migrate:up\n-- migrate:down transaction:false\n"));
    assert_text(file.up, "");
    assert_true(file.down_alone);
}

static void words_that_only_look_like_markers(void **state)
{
    (void)state;
    struct migrate_file file =
        parse(SPAN("-- migrate:up\n-- migrate:upgrade\n -- migrate:down\n-- see migrate:down\n-- migrate:down\nx"));
    assert_text(file.up, "-- migrate:upgrade\n -- migrate:down\n-- see migrate:down\n");
    assert_text(file.down, "x");
}

static void files_that_are_refused(void **state)
{
    (void)state;
    refuses(SPAN(""), "no line \"-- migrate:up\"");
    refuses(SPAN("-- migrate:up\nA;\n"), "no line \"-- migrate:down\"");
    refuses(SPAN("-- migrate:down\n-- migrate:up\n"), "line 1");
    refuses(SPAN("-- migrate:up\n-- migrate:down\n-- migrate:up\n"), "line 3");
    refuses(SPAN("-- migrate:up\n-- migrate:up\n-- migrate:down\n"), "line 2");
    refuses(SPAN("-- migrate:up\n-- migrate:down\n-- migrate:down\n"), "line 3");
    refuses(SPAN("SELECT 1;\n-- migrate:up\n-- migrate:down\n"), "line 1");
    refuses(SPAN("-- migrate:up transaction:flase\n-- migrate:down\n"), "transaction:flase");
    refuses(SPAN("-- migrate:up\nSELECT '\0';\n-- migrate:down\n"), "NUL");
}

static void splits_into(const char *sql, const char *const *statements, size_t count)
{
    struct span rest = span_from_cstr(sql), statement;
    for (size_t i = 0; i < count; i++) {
        assert_true(migrate_next_statement(&rest, &statement));
        assert_text(statement, statements[i]);
    }
    if (migrate_next_statement(&rest, &statement))
        fail_msg("one more: %.*s", SPAN_ARG(statement));
}
#define SPLITS(sql, ...) \
    splits_into((sql), (const char *const[]){ __VA_ARGS__ }, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *))

static void statements(void **state)
{
    (void)state;
    splits_into("", NULL, 0);
    splits_into(" ; -- nothing;\n ;; /* nothing; */ ", NULL, 0);
    SPLITS("A; B;", "A", "B");
    SPLITS("A;B", "A", "B");
    SPLITS("  -- first\n A /* ; */ ;\n/* ; /* ; */ ; */ B", "A /* ; */ ", "B");
    SPLITS("A -- ;\n B; C", "A -- ;\n B", "C");
    SPLITS("A -- ;", "A -- ;");
}

static void quotes_hide_semicolons(void **state)
{
    (void)state;
    SPLITS("A 'x;''y;' ; B", "A 'x;''y;' ", "B");
    SPLITS("A \"x;\"\"y;\"; B", "A \"x;\"\"y;\"", "B");
    SPLITS("A E'\\';' ; B", "A E'\\';' ", "B");
    SPLITS("A e'\\\\'; B", "A e'\\\\'", "B");
    SPLITS("A '\\'; B", "A '\\'", "B");         /* no escapes without E */
    SPLITS("A name'\\'; B", "A name'\\'", "B"); /* an E that ends another word is none */
    SPLITS("A $$;$$; B", "A $$;$$", "B");
    SPLITS("A $f$ $$;$$ ; $g$ ; $f$; B", "A $f$ $$;$$ ; $g$ ; $f$", "B");
    SPLITS("A $1; B$2; C a$b$; D $b$", "A $1", "B$2", "C a$b$", "D $b$");
    SPLITS("A '--'; B '/*'; C", "A '--'", "B '/*'", "C");
    SPLITS("CREATE RULE r AS ON INSERT TO t DO (A; B); C", "CREATE RULE r AS ON INSERT TO t DO (A; B)", "C");
    SPLITS("A ); B", "A )", "B");
}

static void what_is_not_closed_goes_to_the_end(void **state)
{
    (void)state;
    SPLITS("A 'x; B", "A 'x; B");
    SPLITS("A \"x; B", "A \"x; B");
    SPLITS("A E'\\", "A E'\\");
    SPLITS("A $$; B $", "A $$; B $");
    SPLITS("A $", "A $");
    SPLITS("A (x; B", "A (x; B");
    SPLITS("A /* /* */ ; B", "A /* /* */ ; B");
}

/* "S", pieces that hold no bare semicolon, "." */
static void put_random_statement(struct buf *buf)
{
    static const char *const pieces[] = {
        "a", "1", " ", "\n", "'x;'", "\";\"", "$$;$$", "$t$;'$t$", "/*;*/", "--;\n", "(;)", "E'\\';'", ",",
    };
    buf_put_cstr(buf, "S ");
    for (unsigned n = random_below(6); n > 0; n--) {
        buf_put_cstr(buf, pieces[random_below(sizeof pieces / sizeof *pieces)]);
        buf_put_byte(buf, ' ');
    }
    buf_put_byte(buf, '.');
}

static void statements_come_back(const struct buf *statements, unsigned count)
{
    static const char *const between[] = { ";", "; ", ";\n--;\n", ";/*;*/", ";;" };
    struct buf sql;
    buf_init(&sql, 1 << 16);
    for (unsigned i = 0; i < count; i++) {
        buf_put_span(&sql, buf_span(&statements[i]));
        buf_put_cstr(&sql, between[random_below(sizeof between / sizeof *between)]);
    }
    struct span rest = buf_span(&sql), statement;
    for (unsigned i = 0; i < count; i++) {
        assert_true(migrate_next_statement(&rest, &statement));
        assert_span(statement, buf_span(&statements[i]));
    }
    assert_false(migrate_next_statement(&rest, &statement));
    buf_done(&sql);
}

static void random_statements_come_back(void **state)
{
    (void)state;
    enum { STATEMENTS_MAX = 5 };
    for (int round = 0; round < 2000; round++) {
        struct buf statements[STATEMENTS_MAX];
        unsigned count = 1 + random_below(STATEMENTS_MAX);
        for (unsigned i = 0; i < count; i++) {
            buf_init(&statements[i], 1 << 16);
            put_random_statement(&statements[i]);
        }
        statements_come_back(statements, count);
        for (unsigned i = 0; i < count; i++)
            buf_done(&statements[i]);
    }
}

/* Any bytes: no read beyond the end (under a sanitizer), every statement inside the text, and an end. */
static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    static const char alphabet[] = "ae'\"$-/*();\\ \n1.\xC3";
    for (int round = 0; round < 20000; round++) {
        size_t len = random_below(24);
        char *text = malloc(len + 1);
        assert_non_null(text);
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[random_below(sizeof alphabet - 1)];
        char *exact = len ? realloc(text, len) : text;
        struct span rest = span_of(exact, len), statement, name, table;
        size_t statements_max = len + 1;
        while (migrate_next_statement(&rest, &statement)) {
            assert_true(statements_max-- > 0);
            assert_true(statement.len > 0 && statement.ptr >= exact && statement.ptr + statement.len <= exact + len);
            (void)migrate_concurrent_index(statement, &name, &table);
        }
        free(exact);
    }
}

static void is_index(const char *sql, const char *name, const char *table)
{
    struct span found_name, found_table;
    assert_true(migrate_concurrent_index(span_from_cstr(sql), &found_name, &found_table));
    assert_text(found_name, name);
    assert_text(found_table, table);
}

static void is_no_index(const char *sql)
{
    struct span name, table;
    assert_false(migrate_concurrent_index(span_from_cstr(sql), &name, &table));
}

static void concurrent_indexes(void **state)
{
    (void)state;
    is_index("CREATE INDEX CONCURRENTLY i ON s.t (a)", "i", "s.t");
    is_index("create unique index concurrently if not exists \"I x\" on only \"S\".\"T\"(a)", "\"I x\"", "\"S\".\"T\"");
    is_index("CREATE /* x */ INDEX --y\n CONCURRENTLY i ON t", "i", "t");
    is_no_index("CREATE INDEX i ON t (a)");
    is_no_index("CREATE INDEX CONCURRENTLY ON t (a)");
    is_no_index("CREATE INDEX CONCURRENTLY IF EXISTS i ON t (a)");
    is_no_index("DROP INDEX CONCURRENTLY i");
    is_no_index("CREATE TABLE t ()");
    is_no_index("CREATE INDEX CONCURRENTLY i ON");
    is_no_index("CREATE INDEX CONCURRENTLY");
    is_no_index("");
}

static void is_of_table(const char *sql, const char *table)
{
    struct span found;
    bool alters;
    assert_true(migrate_indexed_table(span_from_cstr(sql), &found, &alters));
    assert_text(found, table);
    assert_int_equal(alters, sql[0] == 'A');
}

static void is_of_no_table(const char *sql)
{
    struct span table;
    bool alters;
    assert_false(migrate_indexed_table(span_from_cstr(sql), &table, &alters));
}

static void statements_of_one_table(void **state)
{
    (void)state;
    is_of_table("CREATE INDEX i ON s.t (a)", "s.t");
    is_of_table("CREATE INDEX ON t (a)", "t");
    is_of_table("create unique index if not exists \"on\" on only \"S\".\"T\"(a)", "\"S\".\"T\"");
    is_of_table("ALTER TABLE s.t ADD CONSTRAINT t_pkey PRIMARY KEY (a)", "s.t");
    is_of_table("ALTER TABLE IF EXISTS ONLY t ADD CHECK (a <> 'references')", "t");
    is_of_no_table("CREATE INDEX CONCURRENTLY i ON t (a)");
    is_of_no_table("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u (a)");
    is_of_no_table("ALTER INDEX i RENAME TO j");
    is_of_no_table("ALTER TABLE");
    is_of_no_table("CREATE INDEX i");
    is_of_no_table("COMMENT ON INDEX i IS 'x'");
    is_of_no_table("");
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_files),
        cmocka_unit_test(blocks_of_a_file),
        cmocka_unit_test(words_that_only_look_like_markers),
        cmocka_unit_test(files_that_are_refused),
        cmocka_unit_test(statements),
        cmocka_unit_test(quotes_hide_semicolons),
        cmocka_unit_test(what_is_not_closed_goes_to_the_end),
        cmocka_unit_test(random_statements_come_back),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(concurrent_indexes),
        cmocka_unit_test(statements_of_one_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
