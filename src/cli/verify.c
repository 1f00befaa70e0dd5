/* landfall verify: compares source and target, lists what differs, exits 3 unless nothing does. */
#include "move/verify.h"

#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/profile.h"

static const char *const kind_names[] = {
    [VERIFY_DIFFERENT] = "different", [VERIFY_MISSING] = "missing", [VERIFY_EXTRA] = "extra"
};

static void print_difference(const struct verify_difference *difference)
{
    printf("%s %.*s: %.*s", kind_names[difference->kind], SPAN_ARG(difference->table), SPAN_ARG(difference->key));
    for (size_t i = 0; i < difference->attribute_count; i++)
        printf("%s%.*s", i == 0 ? ": " : ", ", SPAN_ARG(difference->attributes[i]));
    printf("\n");
}

static void print_text(const struct verify_result *result)
{
    char compared[COUNT_TEXT_BYTES], different[COUNT_TEXT_BYTES], missing[COUNT_TEXT_BYTES], extra[COUNT_TEXT_BYTES],
        repaired[COUNT_TEXT_BYTES];
    for (size_t i = 0; i < result->detail_count; i++)
        print_difference(&result->details[i]);
    if (result->repaired > 0)
        printf("%s repaired\n", count_text(result->repaired, repaired));
    printf("%s items compared, %s differences, %s missing, %s extra\n", count_text(result->compared, compared),
           count_text(result->different, different), count_text(result->missing, missing), count_text(result->extra, extra));
}

static void put_difference(struct buf *json, const struct verify_difference *difference)
{
    json_out_open(json, NULL, '{');
    json_out_text(json, "kind", span_from_cstr(kind_names[difference->kind]));
    json_out_text(json, "table", difference->table);
    json_out_text(json, "key", difference->key);
    json_out_open(json, "attributes", '[');
    for (size_t i = 0; i < difference->attribute_count; i++)
        json_out_text(json, NULL, difference->attributes[i]);
    json_out_close(json, ']');
    if (difference->source_json.len > 0)
        json_out_raw(json, "source", difference->source_json);
    if (difference->target_json.len > 0)
        json_out_raw(json, "target", difference->target_json);
    json_out_close(json, '}');
}

static enum lf_code print_json(const struct verify_result *result, const struct stage_profile *profile, struct err *err)
{
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_count(&json, "compared", result->compared);
    json_out_count(&json, "different", result->different);
    json_out_count(&json, "missing", result->missing);
    json_out_count(&json, "extra", result->extra);
    json_out_count(&json, "repaired", result->repaired);
    json_out_count(&json, "unmapped", result->unmapped.items);
    json_out_count(&json, "segments", result->segments);
    json_out_count(&json, "segments_equal", result->segments_equal);
    json_out_bool(&json, "source_reread", result->source_reread);
    json_out_number(&json, "seconds", result->seconds);
    json_out_open(&json, "differences", '[');
    for (size_t i = 0; i < result->detail_count; i++)
        put_difference(&json, &result->details[i]);
    json_out_close(&json, ']');
    profile_put_json(&json, profile);
    json_out_close(&json, '}');
    return output_json(&json, err);
}

static enum lf_code print_result(const struct cli_options *options, const struct verify_result *result,
                                 const struct stage_profile *profile, struct err *err)
{
    command_note_unmapped("verify", &result->unmapped);
    if (options->json)
        TRY(print_json(result, profile, err));
    else
        print_text(result);
    if (!options->json)
        profile_print(profile);
    if (result->different + result->missing + result->extra == result->repaired)
        return LF_OK;
    return ERR(err, LF_DIFFERENCES, "source and target differ");
}

static enum lf_code verify(const struct cli_options *options, struct source *source, struct arena *arena, struct err *err)
{
    struct stage_profile clocks = { 0 };
    struct verify_options verify = {
        .postgres = options->postgres,
        .jobs = command_jobs(options),
        .profile = options->profile ? &clocks : NULL,
        .reread = options->reread,
        .repair = options->repair,
        .lease_seconds = (unsigned)options->lease,
        .details_max = (size_t)options->details,
        .settle_seconds = (unsigned)options->settle,
    };
    struct map map;
    struct verify_result result;
    TRY(command_read_map(options, arena, &map, &verify.map_yaml, err));
    if (options->source)
        TRY(command_open_source(options, source, err));
    TRY(command_compare(&map, options->source ? source : NULL, &verify, arena, &result, err));
    return print_result(options, &result, verify.profile, err);
}

enum lf_code command_verify(const struct cli_options *options, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    SOURCE_CLEANUP struct source source = { 0 };
    arena_init(&arena, COMMAND_ARENA_BYTES);
    if (options->repair && !options->source)
        return ERR(err, LF_USAGE, "--repair needs the SOURCE to repair from");
    if (options->repair)
        TRY(command_confirm(options, "deletes rows that the source does not have and overwrites rows that differ", err));
    return verify(options, &source, &arena, err);
}
