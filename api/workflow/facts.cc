#include "api/workflow/facts.h"

#include <algorithm>

#include "db/copy_mark.h"

namespace vbs::workflow {

namespace {

json::Value parse_or_empty(const std::string& text) {
  auto value = json::parse(text);
  return value ? std::move(*value) : json::Value(json::Value::Object{});
}

bool truth(const json::Value& object, std::string_view name) {
  const auto* member = object.find(name);
  const auto* flag = member ? member->as<bool>() : nullptr;
  return flag && *flag;
}

json::Value::Object load_data(db::Connection& connection, std::int64_t operation_seq) {
  auto operation = db::OperationTable(connection).find_seq(operation_seq);
  const json::Value data = parse_or_empty(operation ? operation->data : "{}");
  const auto* object = data.as<json::Value::Object>();
  return object ? *object : json::Value::Object{};
}

/// The attachment whose turn it is.
void take_turn(db::Connection& connection, Facts& facts) {
  auto all = db::AttachmentTable(connection).open_of_volume(facts.operation.volume);
  const auto turn = static_cast<std::size_t>(facts.number(kTurn));
  if (turn < all.size()) facts.attachment = std::move(all[turn]);
  facts.more_attachments = turn + 1 < all.size();
}

json::Value& member_of(json::Value::Object& object, std::string_view name) {
  for (auto& [key, value] : object) {
    if (key == name) return value;
  }
  return object.emplace_back(std::string(name), json::Value()).second;
}

}  // namespace

std::int64_t Facts::generation() const {
  return std::max(operation.seq, number(db::kOrder)) * 2 + (undoing() ? 1 : 0);
}

bool Facts::option(std::string_view name) const {
  return truth(options, name);
}

bool Facts::noted(std::string_view name) const {
  return truth(data, name);
}

std::int64_t Facts::number(std::string_view name) const {
  const auto* member = data.find(name);
  const auto* value = member ? member->as<std::int64_t>() : nullptr;
  return value ? *value : 0;
}

std::string Facts::text(std::string_view name) const {
  const auto* member = data.find(name);
  const auto* value = member ? member->as<std::string>() : nullptr;
  return value ? *value : "";
}

std::optional<Facts> load_facts(db::Connection& connection, const Uuid& id) {
  auto operation = db::OperationTable(connection).find(id);
  if (!operation) return std::nullopt;
  Facts facts;
  facts.operation = std::move(*operation);
  const db::Operation& op = facts.operation;
  if (!op.volume.is_nil()) facts.volume = db::VolumeTable(connection).find(op.volume);
  if (!op.snapshot.is_nil()) facts.snapshot = db::SnapshotTable(connection).find(op.snapshot);
  if (!op.attachment.is_nil())
    facts.attachment = db::AttachmentTable(connection).find(op.attachment);
  facts.options = parse_or_empty(op.options);
  facts.data = parse_or_empty(op.data);
  if (facts.option(kEachAttachment)) take_turn(connection, facts);
  return facts;
}

void note(db::Connection& connection, std::int64_t operation_seq, std::string_view name,
          json::Value value) {
  auto data = load_data(connection, operation_seq);
  member_of(data, name) = std::move(value);
  db::OperationTable(connection)
      .set_data(operation_seq, json::to_text(json::Value(std::move(data))));
}

void add_remark(db::Connection& connection, std::int64_t operation_seq, const std::string& remark) {
  auto data = load_data(connection, operation_seq);
  json::Value& notes = member_of(data, "notes");
  auto lines =
      notes.as<json::Value::Array>() ? *notes.as<json::Value::Array>() : json::Value::Array{};
  lines.emplace_back(remark);
  notes = json::Value(std::move(lines));
  db::OperationTable(connection)
      .set_data(operation_seq, json::to_text(json::Value(std::move(data))));
}

}  // namespace vbs::workflow
