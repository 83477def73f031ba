#pragma once

#include <string>

#include "common/clock.h"
#include "common/json.h"

namespace vbs::cli {

std::string volume_table(const json::Value::Array& volumes, WallTime now, bool with_project);
std::string volume_details(const json::Value& volume, WallTime now);
std::string snapshot_table(const json::Value::Array& snapshots, WallTime now, bool with_project);
std::string snapshot_details(const json::Value& snapshot, WallTime now);
std::string attachment_details(const json::Value& attachment, WallTime now);

}  // namespace vbs::cli
