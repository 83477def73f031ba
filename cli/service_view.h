#pragma once

#include <string>

#include "common/clock.h"
#include "common/json.h"

namespace vbs::cli {

std::string operation_table(const json::Value::Array& operations, WallTime now, bool with_project);
/// With its events, where the document has them.
std::string operation_details(const json::Value& operation, WallTime now);
std::string node_table(const json::Value::Array& nodes, WallTime now);
std::string image_table(const json::Value::Array& images);
std::string vm_table(const json::Value::Array& vms);
std::string audit_report(const json::Value& audit, WallTime now);
std::string audit_record_table(const json::Value::Array& records);
std::string usage_report(const json::Value& usage);

}  // namespace vbs::cli
