#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/workflow/engine.h"
#include "api/workflow/registry.h"
#include "common/error.h"
#include "common/http/client.h"
#include "common/http/server.h"
#include "common/log.h"
#include "db/usage_table.h"

namespace vbs::api {

enum class NodeRole { volume_server, vmm };

/// A delegate, as the configuration names it.
struct NodeSettings {
  std::string name;
  NodeRole role = NodeRole::volume_server;
  http::Endpoint endpoint;
};

/// Everything vbsd reads from its configuration file; docs/operator-guide.md lists the keys.
struct Settings {
  http::ServerOptions server;
  http::TlsOptions tls;  ///< of the server, and of the links to the delegates
  std::string database;
  std::string database_key_file;   ///< "" for the one beside the database
  std::string tokens_file;         ///< "" only on loopback: everybody is admin of "default"
  std::string service_token_file;  ///< what delegates ask for
  log::Options log;
  std::vector<NodeSettings> nodes;
  db::Quota default_quota;
  std::map<std::string, db::Quota> project_quota;
  workflow::WorkflowSettings workflows;
  workflow::EngineOptions engine;
  std::int64_t max_operations = 4'096;  ///< live ones; beyond, only what gives back is begun
  Milliseconds sweep_interval{10'000};
  Milliseconds node_poll_interval{3'000};
  Milliseconds node_poll_timeout{5'000};  ///< two lost SYNs cost 3 s (RFC 6298)
  Milliseconds operations_kept{7 * 24 * 3'600'000LL};
  Milliseconds idempotency_kept{24 * 3'600'000LL};

  const db::Quota& quota_of(const std::string& project) const;
  const NodeSettings* find_node(std::string_view name) const;
};

Result<Settings> load_settings(const std::string& path);
/// The same from text, for tests; `name` appears in messages.
Result<Settings> parse_settings(std::string_view text, const std::string& name);

}  // namespace vbs::api
