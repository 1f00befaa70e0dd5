/*
 * dynamodb_exports: incremental exports of a table to S3, and the point-in-time recovery that they need. Source: AWS, "Amazon
 * DynamoDB API reference": DescribeContinuousBackups, ExportTableToPointInTime, DescribeExport. Errors: those of dynamodb_call.
 */
#pragma once

#include "aws/dynamodb.h"

enum { EXPORT_SECONDS_MIN = 15 * 60, EXPORT_SECONDS_MAX = 24 * 60 * 60 };

struct recovery {
    bool is_on;
    int64_t earliest_unix_s, latest_unix_s; /* between these exports may begin and end; the second is some minutes ago */
};

enum lf_code dynamodb_describe_recovery(struct dynamodb *client, struct span table, struct arena *arena,
                                        struct recovery *ret_recovery, struct err *err) MUST_CHECK;

struct export_order {
    struct span table_arn, bucket, prefix; /* prefix may be empty */
    struct span token;                     /* the same order with the same token is one export, for eight hours */
    int64_t from_unix_s, to_unix_s;        /* from inclusive, to exclusive; EXPORT_SECONDS_MIN to EXPORT_SECONDS_MAX apart */
};

/* New and old images, in DynamoDB JSON. */
enum lf_code dynamodb_order_export(struct dynamodb *client, const struct export_order *order, struct arena *arena,
                                   struct span *ret_export_arn, struct err *err) MUST_CHECK;

enum export_status { EXPORT_IN_PROGRESS, EXPORT_COMPLETED, EXPORT_FAILED };

struct export_state {
    enum export_status status;
    struct span failure; /* of one that failed: why */
};

enum lf_code dynamodb_describe_export(struct dynamodb *client, struct span export_arn, struct arena *arena,
                                      struct export_state *ret_state, struct err *err) MUST_CHECK;
