/*
 * backup_description: BackupDetails and BackupDescription.
 */
#pragma once

#include "gateway/backup.h"
#include "gateway/call.h"

/* The members of BackupDetails, which those of a BackupSummary begin with, into an open object. `status` empty: its own. */
void backup_put_details(struct reply *reply, const struct backup *backup, struct span status);

/* The whole answer: {"BackupDescription":{…}}. */
void backup_description_answer(struct call *call, const struct backup *backup, struct span status);
