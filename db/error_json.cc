#include "db/error_json.h"

#include "common/json.h"
#include "db/sqlite_error.h"

namespace vbs::db {

std::string error_to_json(const Error& error) {
  json::Writer writer;
  writer.begin_object();
  writer.key("code");
  writer.string(to_string(error.code));
  writer.key("message");
  writer.string(error.message);
  writer.key("field");
  writer.string(error.field);
  writer.key("node");
  writer.string(error.node);
  writer.key("operation");
  writer.string(error.operation);
  writer.end_object();
  return writer.take();
}

Error error_from_json(std::string_view text) {
  auto value = json::parse(text);
  if (!value) throw_corrupt("error", text);
  json::Fields fields(*value);
  Error error;
  error.code = error_code_from(fields.string("code"));
  error.message = fields.string("message");
  error.field = fields.string("field");
  error.node = fields.string("node");
  error.operation = fields.string("operation");
  if (!fields.finish()) throw_corrupt("error", text);
  return error;
}

}  // namespace vbs::db
