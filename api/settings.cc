#include "api/settings.h"

#include "common/config.h"
#include "common/http/link_settings.h"
#include "common/log_settings.h"
#include "common/names.h"
#include "common/units.h"
#include "common/wire/freeze.h"

namespace vbs::api {

namespace {

constexpr std::int64_t kHour = 3'600'000;

db::Quota read_quota(config::Table& table) {
  db::Quota quota;
  quota.volumes = table.integer_or("volumes", 0, 0, 1'000'000'000);
  quota.snapshots = table.integer_or("snapshots", 0, 0, 1'000'000'000);
  quota.bytes = table.size_or("bytes", 0);
  return quota;
}

http::Endpoint read_endpoint(config::Table& node, bool tls) {
  const auto endpoint = http::Endpoint::parse(node.string("url"));
  if (!endpoint) {
    node.reject("url", endpoint.error().message);
    return {};
  }
  if (endpoint->secure && !tls) node.reject("url", "with https needs the table [tls]");
  if (!endpoint->secure && !http::is_loopback(endpoint->host)) {
    node.reject("url",
                "must begin with https:// beyond loopback: the token would cross the network "
                "in clear");
  }
  return *endpoint;
}

void read_nodes(config::Table& root, std::string_view key, NodeRole role, Settings& settings) {
  for (config::Table& entry : root.tables(key)) {
    NodeSettings node;
    node.role = role;
    node.name = entry.string("name");
    if (auto ok = check_node_name(node.name, "name"); !ok) entry.reject("name", ok.error().message);
    if (settings.find_node(node.name)) entry.reject("name", "is used by two nodes");
    node.endpoint = read_endpoint(entry, !settings.tls.empty());
    settings.nodes.push_back(std::move(node));
  }
}

Milliseconds duration(config::Table& table, std::string_view key, Milliseconds fallback) {
  return Milliseconds(table.duration_or(key, fallback.count()));
}

/// One that must pass: nothing may be due at once, for ever.
Milliseconds positive_duration(config::Table& table, std::string_view key, Milliseconds fallback) {
  const Milliseconds value = duration(table, key, fallback);
  if (value.count() <= 0) table.reject(key, "must be longer than 0");
  return value;
}

void read_workflows(config::Table table, workflow::WorkflowSettings& w) {
  w.attach_deadline = positive_duration(table, "attach", w.attach_deadline);
  w.detach_deadline = positive_duration(table, "detach", w.detach_deadline);
  w.create_deadline = positive_duration(table, "create", w.create_deadline);
  w.copy_deadline = positive_duration(table, "copy", w.copy_deadline);
  w.modify_deadline = positive_duration(table, "modify", w.modify_deadline);
  w.delete_deadline = positive_duration(table, "delete", w.delete_deadline);
  w.repair_deadline = positive_duration(table, "repair", w.repair_deadline);
  w.longest_pause = duration(table, "longest_pause", w.longest_pause);
  w.lease_margin = positive_duration(table, "lease_margin", w.lease_margin);
  const Milliseconds longest{wire::kLongestLeaseMs};
  if (w.longest_pause + w.lease_margin > longest) {
    table.reject("lease_margin",
                 "and longest_pause must together be at most " + format_duration(longest.count()));
  }
}

Result<Settings> read(config::Table root) {
  Settings s;
  const http::LinkSettings link = http::read_link(root, "127.0.0.1:7700");
  s.server.address = link.address;
  s.server.port = link.port;
  s.tls = link.tls;
  s.server.threads = static_cast<unsigned>(root.integer_or("threads", 2, 1, 64));
  s.server.max_connections =
      static_cast<std::size_t>(root.integer_or("max_connections", 1024, 8, 100'000));
  s.server.max_requests =
      static_cast<std::size_t>(root.integer_or("max_requests", 256, 1, 100'000));
  s.database = root.string("database");
  s.database_key_file = root.string_or("database_key_file", "");
  s.tokens_file = root.string_or("tokens_file", "");
  s.service_token_file = root.string("service_token_file");
  s.log = log::read_settings("vbsd", root);

  config::Table quota = root.table("quota");
  s.default_quota = read_quota(quota);
  for (config::Table& entry : quota.tables("project")) {
    s.project_quota[entry.string("name")] = read_quota(entry);
  }
  read_workflows(root.table("deadlines"), s.workflows);
  s.engine.calls_per_node = static_cast<unsigned>(root.integer_or("calls_per_node", 8, 1, 1024));
  s.max_operations = root.integer_or("max_operations", s.max_operations, 1, 1'000'000);
  s.sweep_interval = positive_duration(root, "sweep_interval", s.sweep_interval);
  s.node_poll_interval = positive_duration(root, "node_poll_interval", s.node_poll_interval);
  s.node_poll_timeout = positive_duration(root, "node_poll_timeout", s.node_poll_timeout);
  s.operations_kept = duration(root, "operations_kept", Milliseconds(7 * 24 * kHour));
  read_nodes(root, "volume_server", NodeRole::volume_server, s);
  read_nodes(root, "vmm", NodeRole::vmm, s);
  if (auto ok = root.finish(); !ok) return fail(ok.error());
  return s;
}

}  // namespace

const db::Quota& Settings::quota_of(const std::string& project) const {
  const auto entry = project_quota.find(project);
  return entry == project_quota.end() ? default_quota : entry->second;
}

const NodeSettings* Settings::find_node(std::string_view name) const {
  for (const NodeSettings& node : nodes) {
    if (node.name == name) return &node;
  }
  return nullptr;
}

Result<Settings> load_settings(const std::string& path) {
  return config::Table::load(path).and_then(read);
}

Result<Settings> parse_settings(std::string_view text, const std::string& name) {
  return config::Table::parse(text, name).and_then(read);
}

}  // namespace vbs::api
