#pragma once

#include "cli/context.h"

namespace vbs::cli {

// What the verbs of volumes, snapshots and attachments share.

/// Adds the member "tags" of all --tag options, if there are any.
Result<void> write_tags(const Arguments& arguments, json::Writer& body);
/// The result of a verb after which there is nothing left to describe: the sentence `what`, or as
/// JSON the operation.
void show_deleted(Context& context, const std::string& what, const json::Value& operation);

}  // namespace vbs::cli
