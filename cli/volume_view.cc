#include "cli/volume_view.h"

#include "cli/json_view.h"
#include "cli/table.h"

namespace vbs::cli {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

std::string with_age(const json::Value& object, std::string_view key, WallTime now) {
  const std::string time = text_of(object, key);
  const std::string age = age_of(object, key, now);
  return age == "-" ? time : time + " (" + age + " ago)";
}

std::string exact_size(const json::Value& object) {
  return size_of(object, "size_bytes") + " (" + text_of(object, "size_bytes") + " bytes)";
}

/// "web1:/dev/sdb" for every VM that has the volume.
std::string attached_to(const json::Value& volume) {
  std::string text;
  for (const auto& attachment : array_of(volume, "attachments")) {
    text += (text.empty() ? "" : ", ") + text_of(attachment, "vm") + ":" +
            text_of(attachment, "device");
    if (text_of(attachment, "read_only") == "yes") text += " (read-only)";
  }
  return text.empty() ? "-" : text;
}

std::string state_of(const json::Value& resource) {
  const std::string state = text_of(resource, "state");
  const std::string reason = string_of(resource, "reason");
  return reason.empty() ? state : state + " (" + reason + ")";
}

std::string source_of(const json::Value& volume) {
  const json::Value* source = volume.find("source");
  if (source == nullptr || source->is_null()) return "-";
  return text_of(*source, "type") + " " + text_of(*source, "id");
}

std::string operation_of(const json::Value& resource) {
  const json::Value* operation = resource.find("operation");
  if (operation == nullptr || operation->is_null()) return "-";
  return text_of(*operation, "kind") + " " + text_of(*operation, "id");
}

void insert_project(std::vector<std::string>& row, bool with_project, std::string text) {
  if (with_project) row.insert(row.begin() + 1, std::move(text));
}

}  // namespace

std::string volume_table(const json::Value::Array& volumes, WallTime now, bool with_project) {
  std::vector<std::string> headings{"ID",          "NAME",   ">SIZE", "STATE",
                                    "ATTACHED TO", "SERVER", ">AGE"};
  insert_project(headings, with_project, "PROJECT");
  Table table(headings);
  for (const auto& volume : volumes) {
    std::vector<std::string> row{text_of(volume, "id"),
                                 text_of(volume, "name"),
                                 size_of(volume, "size_bytes"),
                                 text_of(volume, "state"),
                                 attached_to(volume),
                                 text_of(volume, "volume_server"),
                                 age_of(volume, "created_at", now)};
    insert_project(row, with_project, text_of(volume, "project"));
    table.add_row(row);
  }
  return table.str();
}

std::string volume_details(const json::Value& volume, WallTime now) {
  std::string text = details(Lines{{"id", text_of(volume, "id")},
                                   {"name", text_of(volume, "name")},
                                   {"project", text_of(volume, "project")},
                                   {"size", exact_size(volume)},
                                   {"state", state_of(volume)},
                                   {"volume server", text_of(volume, "volume_server")},
                                   {"made from", source_of(volume)},
                                   {"tags", tags_of(volume, "tags")},
                                   {"created", with_age(volume, "created_at", now)},
                                   {"updated", with_age(volume, "updated_at", now)},
                                   {"operation", operation_of(volume)}});
  const auto& attachments = array_of(volume, "attachments");
  if (attachments.empty()) return text;
  Table table({"ATTACHMENT", "VM", "NODE", "DEVICE", "IN THE GUEST", "ACCESS", "STATE"});
  for (const auto& attachment : attachments) {
    const bool read_only = text_of(attachment, "read_only") == "yes";
    table.add_row({text_of(attachment, "id"), text_of(attachment, "vm"),
                   text_of(attachment, "node"), text_of(attachment, "device"),
                   text_of(attachment, "guest_device"), read_only ? "read-only" : "read-write",
                   text_of(attachment, "state")});
  }
  return text + "\n" + table.str();
}

std::string snapshot_table(const json::Value::Array& snapshots, WallTime now, bool with_project) {
  std::vector<std::string> headings{"ID",    "NAME",        "VOLUME", ">SIZE",
                                    "STATE", "CONSISTENCY", "SERVER", ">AGE"};
  insert_project(headings, with_project, "PROJECT");
  Table table(headings);
  for (const auto& snapshot : snapshots) {
    std::vector<std::string> row{text_of(snapshot, "id"),
                                 text_of(snapshot, "name"),
                                 text_of(snapshot, "volume_id"),
                                 size_of(snapshot, "size_bytes"),
                                 text_of(snapshot, "state"),
                                 text_of(snapshot, "consistency"),
                                 text_of(snapshot, "volume_server"),
                                 age_of(snapshot, "created_at", now)};
    insert_project(row, with_project, text_of(snapshot, "project"));
    table.add_row(row);
  }
  return table.str();
}

std::string snapshot_details(const json::Value& snapshot, WallTime now) {
  return details(Lines{{"id", text_of(snapshot, "id")},
                       {"name", text_of(snapshot, "name")},
                       {"project", text_of(snapshot, "project")},
                       {"volume", text_of(snapshot, "volume_id")},
                       {"size", exact_size(snapshot)},
                       {"state", state_of(snapshot)},
                       {"consistency", text_of(snapshot, "consistency")},
                       {"volume server", text_of(snapshot, "volume_server")},
                       {"tags", tags_of(snapshot, "tags")},
                       {"created", with_age(snapshot, "created_at", now)},
                       {"updated", with_age(snapshot, "updated_at", now)},
                       {"operation", operation_of(snapshot)}});
}

std::string attachment_details(const json::Value& attachment, WallTime now) {
  const bool read_only = text_of(attachment, "read_only") == "yes";
  return details(Lines{{"id", text_of(attachment, "id")},
                       {"volume", text_of(attachment, "volume_id")},
                       {"vm", text_of(attachment, "vm")},
                       {"node", text_of(attachment, "node")},
                       {"device", text_of(attachment, "device")},
                       {"in the guest", text_of(attachment, "guest_device")},
                       {"access", read_only ? "read-only" : "read-write"},
                       {"state", text_of(attachment, "state")},
                       {"serial", text_of(attachment, "serial")},
                       {"created", with_age(attachment, "created_at", now)}});
}

}  // namespace vbs::cli
