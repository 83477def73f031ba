#include "cli/operation_view.h"

namespace vbs::cli {
namespace {

std::optional<Waiting> read_waiting(json::Fields& fields) {
  const json::Value* value = fields.optional_object("waiting");
  if (value == nullptr) return std::nullopt;
  json::Fields waiting(*value, "waiting.");
  waiting.ignore_unknown();
  Waiting result{waiting.string("for"), waiting.optional_int64("attempt").value_or(0)};
  if (auto read = waiting.finish(); !read) fields.reject(read.error());
  return result;
}

std::optional<Error> read_error(json::Fields& fields, const std::string& operation) {
  const json::Value* value = fields.optional_object("error");
  if (value == nullptr) return std::nullopt;
  json::Fields error(*value, "error.");
  error.ignore_unknown();
  Error result{error_code_from(error.string("code")), error.string("message"),
               error.optional_string("field").value_or(""),
               error.optional_string("node").value_or(""), operation};
  if (auto read = error.finish(); !read) fields.reject(read.error());
  return result;
}

std::vector<std::string> read_notes(json::Fields& fields) {
  std::vector<std::string> notes;
  const json::Value::Array* array = fields.optional_array("notes");
  if (array == nullptr) return notes;
  for (const auto& note : *array) {
    if (const auto* text = note.as<std::string>()) notes.push_back(*text);
  }
  return notes;
}

}  // namespace

Result<OperationView> read_operation(const json::Value& value) {
  const json::Value* wrapped = value.find("operation");
  json::Fields fields(wrapped == nullptr ? value : *wrapped, "operation.");
  fields.ignore_unknown();
  OperationView view;
  view.id = fields.string("id");
  view.kind = fields.string("kind");
  view.state = fields.string("state");
  view.step = fields.optional_string("step").value_or("");
  view.step_number = fields.optional_int64("step_number").value_or(0);
  const json::Value::Array* steps = fields.optional_array("steps");
  view.steps = steps == nullptr ? 0 : steps->size();
  view.waiting = read_waiting(fields);
  view.error = read_error(fields, view.id);
  view.notes = read_notes(fields);
  view.volume_id = fields.optional_string("volume_id").value_or("");
  view.snapshot_id = fields.optional_string("snapshot_id").value_or("");
  view.attachment_id = fields.optional_string("attachment_id").value_or("");
  view.ended = fields.optional_string("ended_at").has_value();
  if (auto read = fields.finish(); !read) {
    return fail(ErrorCode::internal, "the service's answer is not understood: " +
                                         read.error().field + ": " + read.error().message);
  }
  return view;
}

std::string describe_step(const OperationView& operation) {
  if (operation.step.empty()) return operation.state;
  const std::string prefix = operation.state == "undoing" ? "undoing step " : "step ";
  return prefix + std::to_string(operation.step_number) + "/" + std::to_string(operation.steps) +
         " " + operation.step;
}

}  // namespace vbs::cli
