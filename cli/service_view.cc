#include "cli/service_view.h"

#include "cli/json_view.h"
#include "cli/table.h"
#include "cli/text.h"
#include "common/units.h"

namespace vbs::cli {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

const json::Value* member_of(const json::Value& object, std::string_view key) {
  const json::Value* value = object.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string step_of(const json::Value& operation) {
  const std::string step = string_of(operation, "step");
  if (step.empty()) return "-";
  return text_of(operation, "step_number") + "/" +
         std::to_string(array_of(operation, "steps").size()) + " " + step;
}

/// What the operation, or its audit record, is about: the most specific resource it has.
std::string resource_of(const json::Value& operation) {
  for (const char* key : {"snapshot_id", "volume_id", "attachment_id", "node"}) {
    if (member_of(operation, key) != nullptr) return text_of(operation, key);
  }
  return "-";
}

std::string waiting_of(const json::Value& operation, WallTime now) {
  const json::Value* waiting = member_of(operation, "waiting");
  if (waiting == nullptr) return "-";
  std::string text = text_of(*waiting, "for") + ", for " + age_of(*waiting, "since", now) +
                     ", attempt " + text_of(*waiting, "attempt");
  if (member_of(*waiting, "next_retry_at") != nullptr) {
    text += ", next try at " + text_of(*waiting, "next_retry_at");
  }
  return text;
}

/// For a list: `describe-operation` has the whole of it.
std::string waiting_in_short(const json::Value& operation) {
  constexpr std::size_t kColumns = 60;
  const json::Value* waiting = member_of(operation, "waiting");
  if (waiting == nullptr) return "-";
  const std::string text = text_of(*waiting, "for");
  const std::string start = truncate_to_width(text, kColumns);
  return start.size() == text.size() ? text : start + "...";
}

std::string error_of(const json::Value& operation) {
  const json::Value* error = member_of(operation, "error");
  if (error == nullptr) return "-";
  std::string text = text_of(*error, "code") + ": " + text_of(*error, "message");
  if (member_of(*error, "field") != nullptr) text += " (field " + text_of(*error, "field") + ")";
  if (member_of(*error, "node") != nullptr) text += " (node " + text_of(*error, "node") + ")";
  return text;
}

std::string elapsed_of(const json::Value& event) {
  const json::Value* value = event.find("elapsed_ms");
  const auto* millis = value == nullptr ? nullptr : value->as<std::int64_t>();
  return millis == nullptr ? "-" : format_duration(*millis);
}

std::string event_table(const json::Value::Array& events) {
  Table table({"AT", "STEP", "WHAT", "NODE", ">TOOK", "MESSAGE"});
  for (const auto& event : events) {
    table.add_row({text_of(event, "at"), text_of(event, "step"), text_of(event, "what"),
                   text_of(event, "node"), elapsed_of(event), text_of(event, "message")});
  }
  return table.str();
}

/// "3 of 10", or "3" where there is no limit.
std::string of_quota(const std::string& used, const std::string& quota) {
  return quota == "-" ? used + " (no limit)" : used + " of " + quota;
}

}  // namespace

std::string operation_table(const json::Value::Array& operations, WallTime now, bool with_project) {
  std::vector<std::string> headings{"ID", "KIND", "STATE", "STEP", "ABOUT", "WAITS FOR", ">AGE"};
  if (with_project) headings.insert(headings.begin() + 1, "PROJECT");
  Table table(headings);
  for (const auto& operation : operations) {
    std::vector<std::string> row{text_of(operation, "id"),
                                 text_of(operation, "kind"),
                                 text_of(operation, "state"),
                                 step_of(operation),
                                 resource_of(operation),
                                 waiting_in_short(operation),
                                 age_of(operation, "created_at", now)};
    if (with_project) row.insert(row.begin() + 1, text_of(operation, "project"));
    table.add_row(row);
  }
  return table.str();
}

std::string operation_details(const json::Value& operation, WallTime now) {
  std::string text = details(Lines{{"id", text_of(operation, "id")},
                                   {"kind", text_of(operation, "kind")},
                                   {"state", text_of(operation, "state")},
                                   {"step", step_of(operation)},
                                   {"waits for", waiting_of(operation, now)},
                                   {"error", error_of(operation)},
                                   {"project", text_of(operation, "project")},
                                   {"asked by", text_of(operation, "principal")},
                                   {"volume", text_of(operation, "volume_id")},
                                   {"snapshot", text_of(operation, "snapshot_id")},
                                   {"attachment", text_of(operation, "attachment_id")},
                                   {"node", text_of(operation, "node")},
                                   {"cancel asked for", text_of(operation, "cancel_requested")},
                                   {"deadline", text_of(operation, "deadline")},
                                   {"created", text_of(operation, "created_at")},
                                   {"ended", text_of(operation, "ended_at")}});
  for (const auto& note : array_of(operation, "notes")) {
    if (const auto* line = note.as<std::string>()) text += details(Lines{{"note", *line}});
  }
  const auto& events = array_of(operation, "events");
  return events.empty() ? text : text + "\n" + event_table(events);
}

std::string node_table(const json::Value::Array& nodes, WallTime now) {
  Table table({"NAME", "ROLE", "STATE", "DRIVER", "VERSION", ">CAPACITY", ">RESERVED", ">FREE",
               ">SEEN", "PROBLEM"});
  for (const auto& node : nodes) {
    table.add_row({text_of(node, "name"), text_of(node, "role"), text_of(node, "state"),
                   text_of(node, "driver"), text_of(node, "version"),
                   size_of(node, "capacity_bytes"), size_of(node, "reserved_bytes"),
                   size_of(node, "free_bytes"), age_of(node, "last_seen_at", now),
                   text_of(node, "problem")});
  }
  return table.str();
}

std::string image_table(const json::Value::Array& images) {
  Table table({"ID", "NAME", ">SIZE", "SERVERS"});
  for (const auto& image : images) {
    std::string servers;
    for (const auto& server : array_of(image, "volume_servers")) {
      const auto* name = server.as<std::string>();
      if (name != nullptr) servers += (servers.empty() ? "" : ", ") + *name;
    }
    table.add_row(
        {text_of(image, "id"), text_of(image, "name"), size_of(image, "size_bytes"), servers});
  }
  return table.str();
}

std::string vm_table(const json::Value::Array& vms) {
  Table table({"NAME", "NODE", "STATE", "AGENT", "VOLUMES"});
  for (const auto& vm : vms) {
    std::string volumes;
    for (const auto& attachment : array_of(vm, "attachments")) {
      volumes += (volumes.empty() ? "" : ", ") + text_of(attachment, "device") + "=" +
                 text_of(attachment, "volume_id");
    }
    table.add_row({text_of(vm, "name"), text_of(vm, "node"), text_of(vm, "state"),
                   text_of(vm, "agent"), volumes.empty() ? "-" : volumes});
  }
  return table.str();
}

std::string audit_report(const json::Value& audit, WallTime now) {
  const auto& findings = array_of(audit, "findings");
  const std::string age = age_of(audit, "swept_at", now);
  std::string text = details(
      Lines{{"last sweep", age == "-" ? "never"
                                      : text_of(audit, "swept_at") + " (" + age + " ago, took " +
                                            text_of(audit, "sweep_ms") + " ms)"},
            {"destructive actions", text_of(audit, "destructive_actions")},
            {"findings", std::to_string(findings.size())}});
  if (findings.empty()) return text;
  Table table({"KIND", "NODE", "RESOURCE", "SINCE", "ACTION", "DETAIL"});
  for (const auto& finding : findings) {
    table.add_row({text_of(finding, "kind"), text_of(finding, "node"), text_of(finding, "resource"),
                   text_of(finding, "since"), text_of(finding, "action"),
                   text_of(finding, "detail")});
  }
  return text + "\n" + table.str();
}

std::string audit_record_table(const json::Value::Array& records) {
  Table table({">NUMBER", "AT", "WHO", "ROLE", "PROJECT", "ACTION", "ABOUT", "VM", "NODE",
               "OPERATION", "REQUEST"});
  for (const auto& record : records) {
    const bool forced = text_of(record, "force") == "yes";
    table.add_row({text_of(record, "sequence"), text_of(record, "at"), text_of(record, "principal"),
                   text_of(record, "role"), text_of(record, "project"),
                   text_of(record, "action") + (forced ? " --force" : ""), resource_of(record),
                   text_of(record, "vm"), text_of(record, "node"), text_of(record, "operation_id"),
                   text_of(record, "request_id")});
  }
  return table.str();
}

std::string usage_report(const json::Value& usage) {
  static const json::Value none;
  const json::Value* found = member_of(usage, "quota");
  const json::Value& quota = found == nullptr ? none : *found;
  return details(
      Lines{{"project", text_of(usage, "project")},
            {"volumes", of_quota(text_of(usage, "volumes"), text_of(quota, "volumes"))},
            {"snapshots", of_quota(text_of(usage, "snapshots"), text_of(quota, "snapshots"))},
            {"size", of_quota(size_of(usage, "bytes"), size_of(quota, "bytes"))}});
}

}  // namespace vbs::cli
